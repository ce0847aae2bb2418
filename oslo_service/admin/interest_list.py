# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The descriptors of the endpoint, which the supervisor waits for as if they were one.

They have an epoll(7) of their own, where there is such a thing. So a crowd of clients
makes the supervisor's wait no longer; and none of their descriptors comes into the
event loop of a driver, in which one that is closed here, and was inherited by a worker
that has not closed it yet, would live on.
"""

import select as selects
from types import ModuleType

__all__ = ("InterestList",)


class InterestList:
    """The descriptors that the endpoint waits for.

    :param select: the standard library's module, unpatched.
    :raises OSError: there is no descriptor left for epoll(7).
    """

    def __init__(self, select: ModuleType) -> None:
        self._epoll: selects.epoll | None = (
            select.epoll() if hasattr(select, "epoll") else None
        )
        self._wanted: dict[int, tuple[bool, bool]] = {}

    def update(self, read: set[int], write: set[int]) -> None:
        """Record which descriptors to wait for from now on."""
        wanted = {fd: (fd in read, fd in write) for fd in read | write}
        if self._epoll is not None and wanted != self._wanted:
            for fd in self._wanted.keys() - wanted.keys():
                self._epoll.unregister(fd)
            for fd, how in wanted.items():
                if fd not in self._wanted:
                    self._epoll.register(fd, _mask(*how))
                elif how != self._wanted[fd]:
                    self._epoll.modify(fd, _mask(*how))
        self._wanted = wanted

    def forget(self, fd: int) -> None:
        """Stop waiting for a descriptor: it is closed next."""
        if self._wanted.pop(fd, None) is not None and self._epoll is not None:
            self._epoll.unregister(fd)

    def filenos(self) -> list[int]:
        """Return what the supervisor has to wait for until it can be read."""
        if self._epoll is not None:
            return [self._epoll.fileno()] if not self._epoll.closed else []
        return [fd for fd, (reads, _) in self._wanted.items() if reads]

    def filenos_to_write(self) -> list[int]:
        """Likewise, until it can be written to."""
        if self._epoll is not None:
            return []
        return [fd for fd, (_, writes) in self._wanted.items() if writes]

    def found(
        self, readable: set[int], writable: set[int]
    ) -> tuple[set[int], set[int]]:
        """Return which descriptors can be read, and which can be written to.

        :param readable: what the supervisor has found that can be read.
        :param writable: what it has found that can be written to.
        """
        if self._epoll is None:
            return readable, writable
        if self._epoll.closed or self._epoll.fileno() not in readable:
            return set(), set()
        events = self._epoll.poll(0)
        ends = selects.EPOLLHUP | selects.EPOLLERR
        reads = {fd for fd, mask in events if mask & (selects.EPOLLIN | ends)}
        writes = {fd for fd, mask in events if mask & (selects.EPOLLOUT | ends)}
        return reads, {fd for fd in writes if self._wanted.get(fd, (False, False))[1]}

    def close(self) -> None:
        """Stop waiting. Idempotent.

        In a forked process, to be called before the descriptors are closed: they are
        the parent's.
        """
        self._wanted.clear()
        if self._epoll is not None:
            self._epoll.close()


def _mask(reads: bool, writes: bool) -> int:
    return reads * selects.EPOLLIN | writes * selects.EPOLLOUT
