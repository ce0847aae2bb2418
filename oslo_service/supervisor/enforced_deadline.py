# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A deadline that is kept even while the task that has the turn is held up."""

from collections.abc import Callable

from oslo_service._common import clock
from oslo_service.supervisor.alarm import Alarm

__all__ = ("EnforcedDeadline",)

# How much later than who turns the alarm comes, and how soon it comes again while
# that one is held up, in seconds.
_LATER = 0.05
_AGAIN = 0.5

# Times that are the same, though they are reckoned anew, differ by less, in seconds.
_SAME = 0.001


class EnforcedDeadline:
    """A deadline that is kept though whoever turns is held up: as a signal is.

    Whoever turns acts on it in any ordinary case, as it waits no longer than that.

    :param held_up: whether whoever turns is inside something that may block.
    :param act: acts in its place; called as a signal handler is.
    """

    def __init__(self, held_up: Callable[[], bool], act: Callable[[], object]) -> None:
        self._held_up = held_up
        self._act = act
        self._alarm = Alarm(self._ring)
        self._at: float | None = None

    def set(self, at: float | None) -> None:
        """Keep this one from now on; None: there is none."""
        before, self._at = self._at, at
        if at is None:
            if before is not None:
                self._alarm.give_back()
        elif before is None or abs(at - before) > _SAME:
            self._alarm.set(at - clock.now() + _LATER)
        else:
            self._at = before

    def leave(self) -> None:
        """Leave it to the parent, in a forked process."""
        self._at = None
        self._alarm.leave()

    def _ring(self) -> None:
        if self._held_up():
            self._act()
            self._alarm.set(_AGAIN)
