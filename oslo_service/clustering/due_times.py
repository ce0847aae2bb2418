# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which due times of a task this process begins: arithmetic without a clock.

Due times are multiples of the spacing, in seconds since the epoch: the same in all
processes. Each has one number, by which it is compared.
"""

import math
from collections.abc import Callable

__all__ = ("RUN", "SKIP", "DueTimes")

#: What becomes of due times at which no process was there: each is run once at most.
SKIP = "skip"
#: Or the latest of them is run, though it may have been run already.
RUN = "run"

# How many due times are reported as missed, at most: the latest.
_REPORTED = 1000


class DueTimes:
    """The due times of a task, as one process sees them.

    :param spacing: seconds between them.
    :param missed: ``SKIP`` or ``RUN``.
    :param skew: by how many seconds the clock of a predecessor may be ahead.
    """

    def __init__(self, spacing: float, missed: str = SKIP, skew: float = 0.0) -> None:
        self.spacing = spacing
        self.missed = missed
        self._skew = skew
        # The numbers of the last one begun here, and of the first one that may be
        # begun: both only ever grow while some process holds the lock.
        self._last: int | None = None
        self._first: int | None = None

    def took_over(self, at: float) -> None:
        """Record that from now on this process runs the due times."""
        if self.missed == RUN:
            self._first = self._number(at)
        else:
            self._first = self._number(at + self._skew) + 1

    def gave_up(self) -> None:
        """Record that this process does not run the due times any more."""
        self._first = None

    def due(self, now: float) -> float | None:
        """Return the due time to begin now; None: there is none."""
        number = self._number(now)
        if self._first is None or number < self._first:
            return None
        if self.missed == RUN and (self._last is None or self._last < self._first):
            return self._time(self._first)  # however late this is asked
        if self._last is not None and number <= self._last:
            return None
        return self._time(number)

    def begun(self, due: float) -> Callable[[], None]:
        """Record that a due time is begun: no earlier one may be from now on.

        :returns: takes that back.
        """
        before, number = self._last, self._number(due)
        if before is None or number > before:
            self._last = number

        def take_back() -> None:
            if self._last == number:
                self._last = before

        return take_back

    def pause(self, now: float) -> float:
        """Return the seconds until the next due time; 0: one is due already."""
        due = self.due(now)
        if due is not None and due < self._time(self._number(now)):
            return 0.0
        return max(self._time(self._number(now) + 1) - now, 0.0)

    def unknown(self, since: float) -> tuple[float, ...]:
        """Return the due times that may have been missed before this process took over.

        :param since: when its predecessor may have ended.
        """
        if self._first is None or not math.isfinite(since):
            return ()
        begin = self._number(since) + 1
        if self._last is not None:
            begin = max(begin, self._last + 1)
        return self._times(begin, self._first)

    def passed_over(self, due: float) -> tuple[float, ...]:
        """Return the due times before one that this process could have begun."""
        if self._first is None:
            return ()
        begin = self._first if self._last is None else max(self._first, self._last + 1)
        return self._times(begin, self._number(due))

    def _times(self, begin: int, end: int) -> tuple[float, ...]:
        begin = max(begin, end - _REPORTED)
        return tuple(self._time(number) for number in range(begin, end))

    def _number(self, at: float) -> int:
        number = math.floor(at / self.spacing)
        # The quotient is rounded, and may be off by one.
        if self._time(number + 1) <= at:
            return number + 1
        return number - 1 if self._time(number) > at else number

    def _time(self, number: int) -> float:
        return number * self.spacing
