# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The slots for calls of the application, and the queue of those that wait for one."""

import collections
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ("SlotPool",)

T = TypeVar("T")


class SlotPool(Generic[T]):
    """The slots of a server; those that wait for one get it in order.

    Every method is non-blocking, and thread-safe.

    :param size: how many slots there are.
    :param lock: of native threads.
    :param wake: called, under the lock, with a waiter that may try again before others.
    """

    def __init__(self, size: int, lock: Any, wake: Callable[[T], None]) -> None:
        self.size = size
        # One item for each slot that is free: taken, and put back, without a lock.
        self._free = collections.deque([None] * size)
        # How many slots are taken beyond the size that was reduced.
        self._excess = 0
        self._lock = lock
        self._wake = wake
        # In the order in which they came; each is there once, whatever happens to
        # it meanwhile: a slot that is given to nobody would be lost.
        self._waiters: dict[T, None] = {}

    @property
    def used(self) -> int:
        """How many slots are taken."""
        return self.size + self._excess - len(self._free)

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._waiters)

    def acquire(self, waiter: T) -> bool:
        """Take a slot; where there is none, wait for one from now on.

        :returns: whether there was one.
        """
        try:
            self._free.pop()
        except IndexError:
            return self._wait(waiter)
        if self._waiters:
            self.forget(waiter)
        return True

    def _wait(self, waiter: T) -> bool:
        """Wait from now on; return whether there is a slot after all."""
        with self._lock:
            self._waiters[waiter] = None
            # One that is free by now was given back before anybody waited.
            if not self._take():
                return False
            del self._waiters[waiter]
        return True

    def _take(self) -> bool:
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def release(self) -> None:
        """Give a slot back; the first waiter may try to take it."""
        if self._excess and self._reduce():
            return
        self._free.append(None)
        if self._waiters:
            self._wake_first()

    def _reduce(self) -> bool:
        """Return whether a slot that is given back is one too many."""
        with self._lock:
            if not self._excess:
                return False
            self._excess -= 1
            return True

    def _wake_first(self) -> None:
        with self._lock:
            if self._waiters and self._free:
                first = next(iter(self._waiters))
                del self._waiters[first]
                self._wake(first)

    def resize(self, size: int) -> None:
        """Have another number of slots; every waiter may try again."""
        with self._lock:
            more = size - self.size - self._excess
            self.size = size
            self._excess = 0
            if more >= 0:
                self._free.extend([None] * more)
            while more < 0 and self._take():
                more += 1
            self._excess = max(0, -more)
            # Each goes to the front.
            for waiter in reversed(self._waiters):
                self._wake(waiter)
            self._waiters.clear()

    def forget(self, waiter: T) -> None:
        """Wait no more. Idempotent."""
        if waiter in self._waiters:
            with self._lock:
                self._waiters.pop(waiter, None)
