# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which descriptors are ready, by the driver's own waiting."""

import collections

from oslo_service.backend.base import Driver, Event
from oslo_service.serving.poller import END, READ, WRITE, Found, Poller

__all__ = ("PortablePoller",)


class PortablePoller(Poller):
    """Edges made of the driver's :meth:`~.Driver.wait_ready`.

    At most one task may wait for a descriptor there: it is the leader, who
    wakes the others.
    """

    rearms = True

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._listeners: set[int] = set()
        self._reading: set[int] = set()
        self._writing: set[int] = set()
        # What a task waits for alone, whatever others want to be told of.
        self._waiting: dict[int, Event] = {}
        self._readers: set[int] = set()
        self._writers: set[int] = set()
        self._watched = (
            *(self._listeners, self._reading, self._writing),
            *(self._readers, self._writers),
        )
        self._leader_waits = False
        self._removals: list[Event] = []
        # A set must not change while it is copied: changes are made by wait().
        self._changes: collections.deque[tuple[set[int], int, bool]] = (
            collections.deque()
        )

    def _change(self, which: set[int], fd: int, wanted: bool) -> None:
        self._changes.append((which, fd, wanted))
        self.wake()

    def add_listener(self, fd: int) -> None:
        """Report it as long as there is somebody."""
        self._change(self._listeners, fd, True)

    def add(self, fd: int) -> None:
        """Report once."""
        self._change(self._reading, fd, True)

    def want_write(self, fd: int, wanted: bool) -> None:
        """Report once, or not."""
        self._change(self._writing, fd, wanted)

    def drained(self, fd: int) -> None:
        """Report again."""
        self._change(self._reading, fd, True)

    def remove(self, fd: int) -> None:
        """Wait for it no more; return when nobody does."""
        for which in self._watched:
            self._changes.append((which, fd, False))
        with self._lock:
            if not self._leader_waits:
                return
            unused = self._driver.event()
            self._removals.append(unused)
        self.wake()
        unused.wait()

    def forget(self, fd: int) -> None:
        """Wait for it no more; return when nobody does."""
        self.remove(fd)

    def wait_for(self, fd: int, *, write: bool, timeout: float | None) -> bool:
        """Wait until the leader has found it ready."""
        found = self._waiting[fd] = self._driver.event()
        self._change(self._writers if write else self._readers, fd, True)
        try:
            return found.wait(timeout)
        finally:
            del self._waiting[fd]

    def wait(self, timeout: float | None) -> list[Found]:
        """Wait with the driver's primitive."""
        with self._lock:
            while self._changes:
                which, fd, wanted = self._changes.popleft()
                (which.add if wanted else which.discard)(fd)
            self._leader_waits = True
        reading = {self._wake_read, *self._listeners, *self._reading, *self._readers}
        writing = self._writing | self._writers
        try:
            read, write = self._driver.wait_ready(
                tuple(reading), tuple(writing), timeout
            )
        finally:
            self._leave_wait()
        if self._wake_read in read:
            read.remove(self._wake_read)
            self._drain_wake_pipe()
        self._reading.difference_update(read)
        self._readers.difference_update(read)
        self._writing.difference_update(write)
        self._writers.difference_update(write)
        both = dict.fromkeys(write, WRITE) | dict.fromkeys(read, READ | END)
        for fd in both:
            if (found := self._waiting.get(fd)) is not None:
                found.set()
        return list(both.items())

    def _leave_wait(self) -> None:
        with self._lock:
            self._leader_waits = False
            unused, self._removals = self._removals, []
        for one in unused:
            one.set()
