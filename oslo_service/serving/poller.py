# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which of many descriptors are ready."""

import abc
import collections

from oslo_service._common import clock
from oslo_service.backend.base import Driver, Event

__all__ = ("EpollPoller", "Poller", "PortablePoller", "make")

# How many descriptors are given at a time.
_BATCH = 64
# How long a task that finds something each time goes on while others wait, where
# tasks take turns, in seconds.
_TURN = 0.002

Found = list[tuple[int, bool, bool]]


def make(driver: Driver) -> "Poller":
    """Make the best poller that there is here."""
    if hasattr(driver.original("select"), "epoll"):
        return EpollPoller(driver)
    return PortablePoller(driver)


class Poller(abc.ABC):
    """Tells once when a descriptor becomes ready.

    After that it is silent about it until all that is there has been read, or
    all that fits has been written, and something changes: the edges of
    epoll(7). Only one task waits at a time; everything else is legal in any.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._os = driver.original("os")
        self._lock = driver.original("_thread").allocate_lock()
        self._closed = False
        self._wake_end, self._waker = self._os.pipe()
        for fd in (self._wake_end, self._waker):
            self._os.set_blocking(fd, False)

    @abc.abstractmethod
    def add_listener(self, fd: int) -> None:
        """Tell whenever there is somebody to accept."""

    @abc.abstractmethod
    def add(self, fd: int) -> None:
        """Tell when a descriptor becomes readable."""

    @abc.abstractmethod
    def want_write(self, fd: int, wanted: bool) -> None:
        """Tell, too, when it becomes writable; or no more."""

    def drained(self, fd: int) -> None:  # noqa: B027 - the kernel knows
        """Record that there is nothing left to read."""

    @abc.abstractmethod
    def remove(self, fd: int) -> None:
        """Be silent about a descriptor; it may be closed then."""

    def forget(self, fd: int) -> None:  # noqa: B027 - the kernel knows
        """Record that a descriptor is going to be closed; it may be then."""

    @abc.abstractmethod
    def wait(self, timeout: float | None) -> Found:
        """Block the calling task until something is ready, or :meth:`wake`.

        :param timeout: seconds; None waits without limit.
        :returns: descriptors, whether they can be read, and whether that may
            be the end of the stream; what is neither can be written.
        """

    def wait_for(self, fd: int, *, write: bool, timeout: float | None) -> bool:
        """Block the calling task, which does not lead, for one descriptor alone.

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
        """Have :meth:`wait` return; harmless after :meth:`close`."""
        with self._lock:
            try:
                if not self._closed:
                    self._os.write(self._waker, b"\0")
            except BlockingIOError:  # it has enough to wake for
                pass

    def _calm(self) -> None:
        try:
            self._os.read(self._wake_end, 4096)
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Let go, once."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._release()

    def _release(self) -> None:
        self._os.close(self._wake_end)
        self._os.close(self._waker)


class EpollPoller(Poller):
    """What Linux' kernel does by itself."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        select = driver.original("select")
        self._epoll = select.epoll()
        self._parallel = driver.capabilities.parallel
        self._others_ran = 0.0
        # Workers that share a listener do not all wake for one client.
        self._listening = select.EPOLLIN | getattr(select, "EPOLLEXCLUSIVE", 0)
        self._reading = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
        self._writing = self._reading | select.EPOLLOUT
        self._read = ~select.EPOLLOUT
        self._end = ~(select.EPOLLIN | select.EPOLLOUT)
        self._epoll.register(self._wake_end, select.EPOLLIN)

    def add_listener(self, fd: int) -> None:
        """Tell of clients, one worker for each where the kernel can."""
        self._epoll.register(fd, self._listening)

    def add(self, fd: int) -> None:
        """Tell of edges only."""
        self._epoll.register(fd, self._reading)

    def want_write(self, fd: int, wanted: bool) -> None:
        """Tell at once, too, if it is writable already."""
        self._epoll.modify(fd, self._writing if wanted else self._reading)

    def remove(self, fd: int) -> None:
        """Needed where other processes have the descriptor, too."""
        self._epoll.unregister(fd)

    def wait(self, timeout: float | None) -> Found:
        """Wait in the kernel, or in the model's scheduler."""
        found = []
        poll = self._epoll.poll if self._parallel else self._poll_in_turn
        for fd, events in poll(timeout, _BATCH):
            if fd == self._wake_end:
                self._calm()
            else:
                found.append((fd, bool(events & self._read), bool(events & self._end)))
        return found

    def _poll_in_turn(self, timeout: float | None, most: int) -> list[tuple[int, int]]:
        """Wait as long as there is nothing; else, let others run now and then."""
        ready: list[tuple[int, int]] = self._epoll.poll(0, most)
        now = clock.now()
        if not ready:
            self._driver.wait_ready((self._epoll.fileno(),), (), timeout)
            ready = self._epoll.poll(0, most)
        elif now > self._others_ran + _TURN:
            self._driver.sleep(0)
        else:
            return ready
        self._others_ran = now
        return ready

    def _release(self) -> None:
        self._epoll.close()
        super()._release()


class PortablePoller(Poller):
    """The same in terms of the driver's own waiting.

    At most one task may wait for a descriptor there: it is the leader, who
    tells the others.
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._listeners: set[int] = set()
        self._reading: set[int] = set()
        self._writing: set[int] = set()
        self._waiting: dict[int, Event] = {}
        self._leader_waits = False
        self._let_go: list[Event] = []
        # A set must not change while it is copied: changes are made by wait().
        self._changes: collections.deque[tuple[set[int], int, bool]] = (
            collections.deque()
        )

    def _change(self, which: set[int], fd: int, wanted: bool) -> None:
        self._changes.append((which, fd, wanted))
        self.wake()

    def add_listener(self, fd: int) -> None:
        """Tell whenever there is somebody."""
        self._change(self._listeners, fd, True)

    def add(self, fd: int) -> None:
        """Tell once."""
        self._change(self._reading, fd, True)

    def want_write(self, fd: int, wanted: bool) -> None:
        """Tell once, or not."""
        self._change(self._writing, fd, wanted)

    def drained(self, fd: int) -> None:
        """Tell again."""
        self._change(self._reading, fd, True)

    def remove(self, fd: int) -> None:
        """Wait for it no more; return when nobody does."""
        for which in (self._listeners, self._reading, self._writing):
            self._changes.append((which, fd, False))
        with self._lock:
            if not self._leader_waits:
                return
            let_go = self._driver.event()
            self._let_go.append(let_go)
        self.wake()
        let_go.wait()

    def forget(self, fd: int) -> None:
        """Wait for it no more; return when nobody does."""
        self.remove(fd)

    def wait_for(self, fd: int, *, write: bool, timeout: float | None) -> bool:
        """Wait to be told."""
        told = self._waiting[fd] = self._driver.event()
        self._change(self._writing if write else self._reading, fd, True)
        try:
            return told.wait(timeout)
        finally:
            del self._waiting[fd]

    def wait(self, timeout: float | None) -> Found:
        """Wait with the driver's primitive."""
        with self._lock:
            while self._changes:
                which, fd, wanted = self._changes.popleft()
                (which.add if wanted else which.discard)(fd)
            self._leader_waits = True
        reading = [self._wake_end, *self._listeners, *self._reading]
        try:
            read, write = self._driver.wait_ready(
                reading, tuple(self._writing), timeout
            )
        finally:
            self._leave_wait()
        if self._wake_end in read:
            read.remove(self._wake_end)
            self._calm()
        self._reading.difference_update(read)
        self._writing.difference_update(write)
        both = dict.fromkeys((*read, *write))
        for fd in both:
            if (told := self._waiting.get(fd)) is not None:
                told.set()
        return [(fd, fd in read, fd in read) for fd in both]

    def _leave_wait(self) -> None:
        with self._lock:
            self._leader_waits = False
            let_go, self._let_go = self._let_go, []
        for one in let_go:
            one.set()
