# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The slots of a group of limited size, and the queue of those that wait for one."""

import collections
import threading

from oslo_service.backend.base import Driver, Event

__all__ = ("Slots",)


class _Ticket:
    """The place in the queue of a caller that waits for a slot."""

    __slots__ = ("cancelled", "turn")

    def __init__(self, turn: Event) -> None:
        self.turn = turn
        self.cancelled = False


class Slots:
    """A number of slots, and a queue for them, first come, first served. Thread-safe.

    :param size: the number of slots.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._queue: collections.deque[_Ticket] = collections.deque()
        # Reentrant for the sake of plain signal handlers. Held only to look
        # and to change, never to call or to wait.
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """The number of slots."""
        return self._size

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._taken

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._queue)

    def resize(self, size: int) -> None:
        """Change the number of slots; those that are taken stay so.

        :param size: how many there are to be.
        """
        tickets = []
        with self._lock:
            self._size = size
            while self._queue and self._taken < size:
                self._taken += 1
                tickets.append(self._queue.popleft())
        for ticket in tickets:
            ticket.turn.set()

    def take(self) -> bool:
        """Take a slot; return whether there was one. Non-blocking."""
        with self._lock:
            if self._taken >= self._size:
                return False
            self._taken += 1
            return True

    def release(self) -> None:
        """Give a slot back, or hand it over to the first in the queue."""
        with self._lock:
            passes_on = self._queue and self._taken <= self._size
            ticket = self._queue.popleft() if passes_on else None
            if ticket is None:
                self._taken -= 1
        if ticket is not None:
            ticket.turn.set()

    def wait(self, driver: Driver) -> bool:
        """Wait for a slot.

        :returns: whether one was taken; False: :meth:`cancel_waiting` was called.
        """
        ticket = _Ticket(driver.event())
        with self._lock:
            if self._taken < self._size:
                self._taken += 1
                return True
            self._queue.append(ticket)
        try:
            ticket.turn.wait()
        except BaseException:
            self._withdraw(ticket)
            raise
        return not ticket.cancelled

    def _withdraw(self, ticket: _Ticket) -> None:
        with self._lock:
            waiting = ticket in self._queue
            if waiting:
                self._queue.remove(ticket)
        if not waiting and not ticket.cancelled:
            self.release()

    def cancel_waiting(self) -> None:
        """Send away all that wait: their :meth:`wait` returns False."""
        with self._lock:
            tickets = list(self._queue)
            self._queue.clear()
            for ticket in tickets:
                ticket.cancelled = True
        for ticket in tickets:
            ticket.turn.set()
