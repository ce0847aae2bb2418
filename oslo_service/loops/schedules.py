# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When the next tick of a looping call is due: arithmetic without a clock.

Times are monotonic, in seconds. Every schedule answers one question: the call
has returned ``result``, and it is ``now``; how long until the next tick?
"""

import logging
import math
import random
from typing import Any, Protocol

from oslo_service._common import instruments, naming
from oslo_service.backend.exceptions import OsloServiceError

__all__ = (
    "FAILED",
    "BackOff",
    "Dynamic",
    "FixedInterval",
    "Limited",
    "LoopingCallTimeOut",
    "Schedule",
)

LOG = logging.getLogger(__name__)

#: The result of a call that raised, where the loop goes on.
FAILED = object()
# The pause of a dynamic loop after a failed first call.
_UNKNOWN_PAUSE = 1.0
_OVERRUNS = instruments.Measure(
    "loop_overruns", "Calls of looping calls that ended after the next was due."
)
# How much the jitter of a back-off varies (standard deviation).
_JITTER_SPREAD = 0.1
# As in 4.8.0: tests of projects replace its gauss().
_RANDOM = random.SystemRandom()


class LoopingCallTimeOut(OsloServiceError):
    """A looping call did not finish in the time it was given."""

    __module__ = "oslo_service.loopingcall"


class Schedule(Protocol):
    """When the ticks of one run of a looping call are due."""

    def begin(self, now: float) -> None:
        """Record that the first tick starts."""

    def delay(self, result: Any, now: float) -> float:
        """Return the seconds until the next tick.

        :param result: what the call has returned; :data:`FAILED`: it has raised.
        :param now: the time, in monotonic seconds.
        :raises LoopingCallTimeOut: there is to be none, the time is over.
        """

    def __str__(self) -> str:
        """Describe how often the ticks are due, for people."""


class FixedInterval:
    """Ticks at start + k * interval.

    A tick that ends after its successor was due is an overrun: the successor
    follows at once, what was missed is skipped, and the grid starts again
    from there.

    The first of a run of overruns is logged, and the recovery from it.

    :param interval: seconds.
    :param owner: the looping call, for the log.
    :param function: what it calls, by which all that is measured of it is named.
    """

    __slots__ = ("_due", "_function", "_interval", "_overruns", "_owner")

    def __init__(self, interval: float, owner: object, function: object = None) -> None:
        self._interval = interval
        self._owner = owner
        self._function = function
        self._due = 0.0
        self._overruns = 0

    def begin(self, now: float) -> None:
        """Start the grid."""
        self._due = now

    def delay(self, result: Any, now: float) -> float:  # noqa: ARG002
        """Return the seconds until the next point of the grid."""
        due = self._due + self._interval
        if due < now and self._interval > 0:
            return self._overrun(now, late=now - due)
        if self._overruns:
            self._recover()
        self._due = due
        # At interval 0 the grid is not kept: every point of it is past.
        return due - now if self._interval > 0 else 0.0

    def __str__(self) -> str:
        behind = f" (overruns in a row: {self._overruns})" if self._overruns else ""
        return f"every {self._interval:g} s{behind}"

    def _overrun(self, now: float, late: float) -> float:
        self._due = now
        self._overruns += 1
        meters = instruments.meters()
        if meters is not None:
            name = naming.describe(self._function)
            meters.count(_OVERRUNS, (("loop", name),))
        if self._overruns == 1:
            LOG.warning(
                "%s took %.3f s longer than its interval of %g s;"
                " it is called again at once",
                *(self._owner, late, self._interval),
            )
        return 0.0

    def _recover(self) -> None:
        count, self._overruns = self._overruns, 0
        LOG.info(
            "%s keeps its interval of %g s again, after %d calls that did not",
            *(self._owner, self._interval, count),
        )


class Limited:
    """Another schedule, for a limited time.

    :param schedule: the other schedule.
    :param since: when the time begins, in monotonic seconds.
    :param until: when it is over; the first tick that ends later is the last.
    """

    def __init__(self, schedule: Schedule, since: float, until: float) -> None:
        self._schedule = schedule
        self._since = since
        self._until = until

    def begin(self, now: float) -> None:
        """Start the other schedule."""
        self._schedule.begin(now)

    def delay(self, result: Any, now: float) -> float:
        """Return what the other schedule says, unless the time is over."""
        if now > self._until:
            raise LoopingCallTimeOut(
                f"the looping call was not done after {now - self._since:.2f} s;"
                f" its limit is {self._until - self._since:g} s"
            )
        return self._schedule.delay(result, now)

    def __str__(self) -> str:
        return f"{self._schedule}, for {self._until - self._since:g} s at most"


class Dynamic:
    """Every call returns the seconds to wait before the next.

    :param longest: the longest pause in seconds, also after a call that returns
        None; None: such a call is an error, and there is no longest.
    """

    def __init__(self, longest: float | None) -> None:
        self._longest = longest
        self._last = _UNKNOWN_PAUSE if longest is None else longest

    def begin(self, now: float) -> None:
        """Nothing depends on when the loop began."""

    def delay(self, result: Any, now: float) -> float:  # noqa: ARG002
        """Return what the call returned, at most the longest."""
        if result is FAILED:
            return self._last
        if result is None:
            if self._longest is None:
                raise RuntimeError(
                    "the function of a dynamic looping call returned None: it must"
                    " return the seconds until the next call, or start() must be"
                    " given periodic_interval_max"
                )
            result = self._longest
        pause = max(0.0, _pause(result))
        self._last = pause if self._longest is None else min(pause, self._longest)
        return self._last

    def __str__(self) -> str:
        longest = "" if self._longest is None else f", {self._longest:g} s at most"
        return f"when it says{longest}"


def _pause(result: Any) -> float:
    try:
        pause = float(result)
    except (TypeError, ValueError, OverflowError):
        pause = math.nan
    if math.isnan(pause):
        raise ValueError(
            f"the function of a dynamic looping call returned {result!r:.60}: it must"
            " return the seconds until the next call"
        )
    return pause


class BackOff:
    """Pauses that grow while the call returns something false.

    Each pause is about twice the one before, times a random factor around
    ``jitter``. A call that returns something true starts over.

    :param start: the pause after a call that returned something true, in seconds.
    :param timeout: the most seconds of pauses in a run of failures; 0: no
        limit.
    :param longest: the longest pause, in seconds.
    :param jitter: the mean of the random factor.
    :param shortest: the shortest pause, in seconds.
    """

    def __init__(
        self,
        start: float,
        timeout: float,
        longest: float,
        jitter: float,
        shortest: float,
    ) -> None:
        self._start = start
        self._timeout = timeout
        self._longest = longest
        self._jitter = float(jitter)  # integers would grow without end
        self._shortest = shortest
        self._pause = start
        self._paused = 0.0

    def begin(self, now: float) -> None:
        """Nothing depends on when the loop began."""

    def delay(self, result: Any, now: float) -> float:  # noqa: ARG002
        """Return the next pause."""
        if result:
            self._pause, self._paused = self._start, 0.0
            return self._start
        factor = abs(_RANDOM.gauss(self._jitter, _JITTER_SPREAD))
        pause = min(max(self._pause * 2 * factor, self._shortest), self._longest)
        self._pause = max(self._pause * 2 * self._jitter, self._shortest)
        if 0 < self._timeout < self._paused + pause:
            raise LoopingCallTimeOut(
                f"the looping call was not done after {self._paused:.2f} s of pauses;"
                f" another {pause:.2f} s would pass its limit of {self._timeout:g} s"
            )
        self._paused += pause
        return pause

    def __str__(self) -> str:
        return f"backing off from {self._start:g} s to {self._longest:g} s"
