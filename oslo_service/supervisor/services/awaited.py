# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Orders whose givers wait until they are carried out."""

from collections.abc import Callable

from oslo_service.backend.base import Driver, Event

__all__ = ("AwaitedOrders",)


class AwaitedOrders:
    """Orders, and until when each is waited for.

    :param driver: the driver.
    :param post: has an order carried out by whoever turns.
    :ivar may_wait: whether the calling task may wait.
    """

    def __init__(
        self, driver: Driver, post: Callable[[Callable[[], object]], object]
    ) -> None:
        self._driver = driver
        self._post = post
        self._waiting: list[tuple[Callable[[], bool], Event]] = []
        self.may_wait: Callable[[], bool] = lambda: False

    def give(self, order: Callable[[], object], until: Callable[[], bool]) -> None:
        """Have an order carried out, and block until something is the case.

        A caller that must not wait does not.
        """
        if not self.may_wait():
            self._post(order)
            return
        done = self._driver.event()

        def begin() -> None:
            self._waiting.append((until, done))
            try:
                order()
            finally:
                self.look()  # all may have ended, so that nobody else looks

        self._post(begin)
        done.wait()

    def look(self) -> None:
        """Let those go on whose time has come: by who has the turn."""
        waiting, self._waiting = self._waiting, []
        for until, done in waiting:
            if until():
                done.set()
            else:
                self._waiting.append((until, done))
