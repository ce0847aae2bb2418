# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A semaphore made of a driver's events."""

import collections

from oslo_service.backend._primitives import Event, Primitives

__all__ = ("Semaphore",)


class Semaphore:
    """A counter of permits, as :class:`threading.Semaphore`.

    Waiters are woken in the order in which they came; a newcomer may take a
    permit before one that has just been woken.

    :param driver: the driver of the events that waiters wait for.
    :param value: the number of permits; not negative.
    :raises ValueError: ``value`` is negative.
    """

    def __init__(self, driver: Primitives, value: int = 1) -> None:
        if value < 0:
            raise ValueError(f"a semaphore starts at 0 or more, not {value!r}")
        self._driver = driver
        # Permits and waiters: deques, whose operations are atomic.
        self._permits = collections.deque([None] * value)
        self._waiters: collections.deque[Event] = collections.deque()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit.

        :param blocking: whether to wait for one.
        :param timeout: seconds to wait at most; None: no limit.
        :returns: whether a permit was taken.
        """
        if self._try_acquire():
            return True
        if not blocking:
            return False
        now = self._driver.original("time").monotonic
        until = None if timeout is None else now() + timeout
        while True:
            event = self._driver.event()
            self._waiters.append(event)
            try:
                taken = self._try_acquire()
                if not taken:
                    event.wait(None if until is None else max(0.0, until - now()))
                    taken = self._try_acquire()
            finally:  # also where the waiting task is killed
                self._stop_waiting(event)
            if taken:
                return True
            if until is not None and now() >= until:
                return False

    def release(self) -> None:
        """Return a permit, and wake the first waiter. Thread-safe."""
        self._permits.append(None)
        self._wake_next()

    def _try_acquire(self) -> bool:
        try:
            self._permits.pop()
        except IndexError:
            return False
        return True

    def _stop_waiting(self, event: Event) -> None:
        try:
            self._waiters.remove(event)
        except ValueError:
            # Woken, but the permit came another way: pass the wake-up on.
            if self._permits:
                self._wake_next()

    def _wake_next(self) -> None:
        try:
            self._waiters.popleft().set()
        except IndexError:
            pass

    __enter__ = acquire

    def __exit__(self, *exc_info: object) -> None:
        self.release()
