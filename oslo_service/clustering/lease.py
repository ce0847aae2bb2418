# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How long a lock is sure to be held: arithmetic without a clock.

Times are those of CLOCK_BOOTTIME, in seconds: a machine that was suspended has not
held anything meanwhile. A server counts from when it is asked, or later; so what is
counted here from before it was asked ends earlier.
"""

import math

__all__ = ("Lease",)

# Of the length of a lease: how often it is confirmed; after how much without that,
# what cannot be ended at once is stopped; what is left at its end for clocks that do
# not go at the same rate, and that in seconds at least.
_BEAT = 0.2
_ENDANGERED = 2 / 3
_MARGIN = 0.05
_LEAST_MARGIN = 0.5


class Lease:
    """A lock, as one process may have it for a time.

    Told what the server has answered, and when it had been asked.

    :param seconds: how long the server keeps it after it was confirmed last;
        infinite: until the process has ended.
    :param slack: seconds by which the server may count a confirmation earlier.
    """

    def __init__(self, seconds: float, slack: float = 0.0) -> None:
        self._seconds = seconds
        bounded = math.isfinite(seconds)
        margin = max(seconds * _MARGIN, _LEAST_MARGIN) + slack if bounded else 0.0
        self._sure = seconds - margin
        self._endangered = min(seconds * _ENDANGERED, self._sure)
        self._asked: float | None = None

    @property
    def beat(self) -> float:
        """How many seconds after it was confirmed it is to be confirmed again."""
        return min(self._seconds * _BEAT, 60.0)

    @property
    def held(self) -> bool:
        """Whether it was taken, and has not been given up."""
        return self._asked is not None

    @property
    def deadline(self) -> float:
        """Until when it is sure to be held."""
        return -math.inf if self._asked is None else self._asked + self._sure

    @property
    def endangered_at(self) -> float:
        """When to stop what takes time to stop, if nothing is confirmed until then."""
        return math.inf if self._asked is None else self._asked + self._endangered

    @property
    def confirm_at(self) -> float:
        """When to have it confirmed again."""
        return math.inf if self._asked is None else self._asked + self.beat

    def is_sure(self, now: float) -> bool:
        """Whether nobody else can have it at this moment."""
        return now < self.deadline

    def taken(self, asked: float, now: float) -> bool:
        """Record that the server has given it; return whether it still is held."""
        self._asked = asked
        return self._keep(now)

    def confirmed(self, asked: float, now: float) -> bool:
        """Record that the server has confirmed it; return whether it still is held.

        What comes when it was over already confirms nothing: another may have had it
        in between.
        """
        if self._keep(now):
            self._asked = asked
        return self.held

    def passed(self, now: float) -> bool:
        """Record the time; return whether it has been lost by that."""
        return self.held and not self._keep(now)

    def give_up(self) -> None:
        """Record that it is held no more."""
        self._asked = None

    def _keep(self, now: float) -> bool:
        if not self.is_sure(now):
            self.give_up()
        return self.held
