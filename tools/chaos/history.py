# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has happened in a run: facts, all in seconds since the epoch."""

import bisect
import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = (
    "KILLED",
    "SAME",
    "Alone",
    "Death",
    "History",
    "Outage",
    "Run",
    "Stall",
    "Takeover",
    "Terms",
    "Trouble",
)

#: By how much times that two processes tell may differ, in seconds.
SAME = 0.01
#: What is done to a process whose parent lives on, and tells of it.
KILLED = "killed"


class Terms(NamedTuple):
    """What was agreed on.

    :ivar interval: between due times.
    :ivar lease: how long a lock outlives who held it.
    :ivar skew: how long a successor leaves due times alone.
    :ivar prompt: how long a takeover may take besides.
    :ivar leased: whether a lock is taken from who is paused; else it is kept.
    """

    interval: float
    lease: float
    skew: float = 1.0
    prompt: float = 1.0
    leased: bool = True


class Run(NamedTuple):
    """A due time that a process has begun.

    :ivar end: None: it has not ended.
    """

    task: str
    due: float
    pid: int
    begin: float
    end: float | None


class Takeover(NamedTuple):
    """A process may run due times from now on.

    :ivar unknown: the due times that it says may have been missed.
    :ivar until: when it may not any more.
    """

    task: str
    pid: int
    at: float
    unknown: frozenset[float] = frozenset()
    until: float = math.inf


class Alone(NamedTuple):
    """A process has run the single service.

    :ivar end: None: until it has ended itself.
    """

    pid: int
    begin: float
    end: float | None


class Trouble(NamedTuple):
    """Something was done to a process, which may end what it holds.

    :ivar until: when it was over; of a process that has ended: the same.
    """

    what: str
    pid: int
    at: float
    until: float


class Death(NamedTuple):
    """A process was no more, at this time or before."""

    pid: int
    at: float


class Outage(NamedTuple):
    """The server was not there for anybody, or was slow."""

    what: str
    at: float
    until: float


class Stall(NamedTuple):
    """For how long programs have waited for a processor since the machine started."""

    at: float
    total: float


class History(NamedTuple):
    """All that has happened.

    :ivar begin: since when all is as it is to be.
    :ivar end: until when.
    :ivar interrupted: what parents have told: tasks, due times, and processes.
    :ivar overlaps: what processes have found that were not alone, in words.
    """

    begin: float
    end: float
    runs: Sequence[Run] = ()
    takeovers: Sequence[Takeover] = ()
    alone: Sequence[Alone] = ()
    troubles: Sequence[Trouble] = ()
    deaths: Sequence[Death] = ()
    outages: Sequence[Outage] = ()
    interrupted: frozenset[tuple[str, float, int]] = frozenset()
    overlaps: Sequence[str] = ()
    stalls: Sequence[Stall] = ()

    def runs_of(self, task: str) -> list[Run]:
        """Return the runs of a task, as they began."""
        found = [one for one in self.runs if one.task == task]
        return sorted(found, key=lambda one: one.begin)

    def takeovers_of(self, task: str) -> list[Takeover]:
        """Return the takeovers of a task, in their order."""
        found = [one for one in self.takeovers if one.task == task]
        return sorted(found, key=lambda one: one.at)

    def stalled(self, begin: float, end: float) -> float:
        """Return for how long programs waited for a processor, at most."""
        if not self.stalls:
            return 0.0
        times = [one.at for one in self.stalls]
        last = len(times) - 1
        first = max(bisect.bisect_right(times, begin) - 1, 0)
        after = min(bisect.bisect_left(times, end), last)
        return self.stalls[after].total - self.stalls[first].total
