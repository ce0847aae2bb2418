# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Taking turns: orders may come from anywhere, and one task carries them out."""

import collections
from collections.abc import Callable

from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.failures import FAILURES, is_interrupt
from oslo_service.backend.base import Driver, Event

__all__ = ("Turn",)

LOG = CarefulLog(__name__)


class Turn:
    """Gives the turn to one task at a time, and keeps the orders for it.

    :param driver: the driver.
    :param follow_up: called whenever orders have been carried out.
    :param wake: called when there is a new order; from a signal handler too.
    """

    def __init__(
        self,
        driver: Driver,
        follow_up: Callable[[], object],
        wake: Callable[[], object] = lambda: None,
    ) -> None:
        self._driver = driver
        self._follow_up = follow_up
        self._wake = wake
        self._orders: collections.deque[Callable[[], object]] = collections.deque()
        self._baton = driver.original("_thread").allocate_lock()
        #: Whether who has the turn is inside something that may block.
        self.lent = False
        # Held by whoever acts while the turn is lent.
        self._acting = driver.original("_thread").allocate_lock()
        # Who has the turn, and who acts.
        self._holders: set[int] = set()
        self._waiting: collections.deque[Event] = collections.deque()

    # Orders

    def latch(self, order: Callable[[], object]) -> None:
        """Have an order carried out by whoever turns; async-signal-safe."""
        self._orders.append(order)
        self._wake()

    def post(self, order: Callable[[], object]) -> None:
        """Have an order carried out by whoever turns; else here and now."""
        self.latch(order)
        while self._orders:
            with self.take() as taken:
                if taken:
                    self.carry_out()
            if not taken and not self._carry_out_lent():
                return  # whoever has the turn finds the order

    def _carry_out_lent(self) -> bool:
        """Carry out the orders where the turn is lent; return whether it was."""
        if not self._acting.acquire(blocking=False):
            return False
        try:
            if self.lent:
                self._act()
            return self.lent
        finally:
            self._acting.release()

    def _act(self) -> None:
        ident = self._driver.current_ident()
        lends = ident in self._holders  # who lends the turn may act, too
        self._holders.add(ident)
        try:
            self.carry_out()
        finally:
            if not lends:
                self._holders.discard(ident)

    def carry_out(self) -> None:
        """Carry out the orders, and what follows: by who has the turn."""
        while self._orders:
            order = self._orders.popleft()
            try:
                order()
            except FAILURES as exc:
                if is_interrupt(exc):
                    raise
                LOG.exception("An order failed: %r", order)
        self._follow_up()

    # Turns

    def take(self) -> "_Taking":
        """Return a context: the turn, where nobody has it, until its end.

        As a value it has whether the turn was to be had.
        """
        return _Taking(self)

    def _take(self) -> bool:
        taken: bool = self._baton.acquire(blocking=False)
        if taken:
            self._holders.add(self._driver.current_ident())
        return taken

    def _give_back(self) -> None:
        self._holders.discard(self._driver.current_ident())
        self._baton.release()
        self.wake_waiting()

    @property
    def held_here(self) -> bool:
        """Whether the calling task has the turn."""
        return self._driver.current_ident() in self._holders

    def lend(self, call: Callable[[], object]) -> None:
        """Call what may block, and let who posts orders meanwhile carry them out.

        By who has the turn, and keeps it.
        """
        self.lent = True
        try:
            # They have come meanwhile, and nobody else sees them: nor does who posts
            # one while these are carried out.
            while self._orders and self._carry_out_lent():
                pass
            call()
        finally:
            self.lent = False
            with self._acting:  # whoever acts has done soon
                pass

    def wait_event(self) -> Event:
        """Return an event that is set when the turn may be had, or something ended.

        To be made before the turn is asked for: what happens in between counts.
        """
        event = self._driver.event()
        self._waiting.append(event)
        return event

    def wake_waiting(self) -> None:
        """Wake all tasks that wait for their turn: to look again."""
        # One at a time off the same object: one that is just added is not missed.
        for _ in range(len(self._waiting)):
            try:
                self._waiting.popleft().set()
            except IndexError:  # somebody else wakes them
                return


class _Taking:
    """The turn, taken and given back; a generator would cost more at each turn."""

    __slots__ = ("_taken", "_turn")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._taken = False

    def __enter__(self) -> bool:
        self._taken = self._turn._take()
        return self._taken

    def __exit__(self, *exc_info: object) -> None:
        if self._taken:
            self._turn._give_back()
