# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How long a lock is sure to be held: arithmetic without a clock.

Times are those of CLOCK_BOOTTIME, in seconds, which goes on while a machine is
suspended. A server counts a lease from when it receives a request. Here it is counted
from before the request is sent, so it ends here first.
"""

import math

__all__ = ("Lease",)

# Parts of the length of a lease.
# How often it is confirmed.
_BEAT = 0.2
# After how much time without a confirmation to stop what cannot stop at once.
_ENDANGERED = 2 / 3
# How much earlier it ends here, as clocks do not go at the same rate; in seconds,
# that is the following at least.
_MARGIN = 0.05
_LEAST_MARGIN = 0.5
# The longest time between two confirmations, in seconds.
_LONGEST_BEAT = 60.0


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
        return min(self._seconds * _BEAT, _LONGEST_BEAT)

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
        """When to stop what takes time to stop, unless it is confirmed before."""
        return math.inf if self._asked is None else self._asked + self._endangered

    @property
    def confirm_at(self) -> float:
        """When to confirm it again."""
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

        An answer that comes after its end confirms nothing: another process may have
        held the lock in between.
        """
        if self._keep(now):
            self._asked = asked
        return self.held

    def passed(self, now: float) -> bool:
        """Record the time; return whether it has ended by that."""
        return self.held and not self._keep(now)

    def give_up(self) -> None:
        """Record that it is not held any more."""
        self._asked = None

    def _keep(self, now: float) -> bool:
        if not self.is_sure(now):
            self.give_up()
        return self.held
