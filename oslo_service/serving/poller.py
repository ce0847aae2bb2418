# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which of many descriptors are ready."""

import abc

from oslo_service._common.pipes import nonblocking_pipe
from oslo_service.backend.base import Driver

__all__ = ("END", "READ", "WRITE", "Found", "Poller")

#: A descriptor, and what it is ready for: bits as poll(2) and epoll(7) have them.
Found = tuple[int, int]
#: It can be read.
READ = 0x001
#: It can be written.
WRITE = 0x004
#: Everything else: the end of the stream may be among what can be read.
END = ~(READ | WRITE)


class Poller(abc.ABC):
    """Reports once when a descriptor becomes ready.

    It is edge-triggered, as epoll(7) can be: silent about a descriptor until all
    that is there has been read, or all that fits has been written, and something
    changes. Only one task waits at a time; everything else is thread-safe.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._os = driver.original("os")
        self._lock = driver.original("_thread").allocate_lock()
        self._closed = False
        self._wake_read, self._wake_write = nonblocking_pipe(self._os)

    @abc.abstractmethod
    def add_listener(self, fd: int) -> None:
        """Report a listening socket as long as there is somebody to accept.

        :param fd: the descriptor of the socket.
        """

    @abc.abstractmethod
    def add(self, fd: int) -> None:
        """Report when a descriptor becomes readable.

        :param fd: the descriptor.
        """

    @abc.abstractmethod
    def want_write(self, fd: int, wanted: bool) -> None:
        """Report, too, when it becomes writable; or no more.

        :param fd: a descriptor that was added.
        :param wanted: whether to report that.
        """

    #: Whether it has to be told that there is nothing left to read.
    rearms = False

    def drained(self, fd: int) -> None:  # noqa: B027 - the kernel knows
        """Record that there is nothing left to read, where it has to be told.

        :param fd: the descriptor.
        """

    @abc.abstractmethod
    def remove(self, fd: int) -> None:
        """Report a descriptor no more; it may be closed then.

        :param fd: the descriptor.
        """

    def forget(self, fd: int) -> None:  # noqa: B027 - the kernel knows
        """Record that a descriptor is going to be closed; it may be then.

        :param fd: the descriptor.
        """

    @abc.abstractmethod
    def wait(self, timeout: float | None) -> list[Found]:
        """Block the calling task until something is ready, or :meth:`wake`.

        :param timeout: seconds; None waits without limit. It may return earlier.
        :returns: what is.
        """

    def wait_for(self, fd: int, *, write: bool, timeout: float | None) -> bool:
        """Block the calling task, which does not lead, for one descriptor alone.

        :param fd: the descriptor.
        :param write: until it can be written; else until it can be read.
        :param timeout: seconds; None waits without limit.
        :returns: whether it can.
        """
        wanted: tuple[int, ...] = (fd,)
        ready = self._driver.wait_ready(
            () if write else wanted, wanted if write else (), timeout
        )
        return bool(ready[0] or ready[1])

    def wake(self) -> None:
        """Have :meth:`wait` return. Non-blocking; harmless after :meth:`close`."""
        with self._lock:
            try:
                if not self._closed:
                    self._os.write(self._wake_write, b"\0")
            except BlockingIOError:  # the pipe is full: that wakes it, too
                pass

    def _drain_wake_pipe(self) -> None:
        try:
            self._os.read(self._wake_read, 4096)
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Close what it has open. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._release()

    def _release(self) -> None:
        self._os.close(self._wake_read)
        self._os.close(self._wake_write)
