# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What came of a run: its history, and what it is in numbers."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from disturbances import WITH_PARENT, Disturbances
from history import Alone, History, Stall, Trouble
from record import Record

__all__ = ("GROUP", "Figures", "figures", "history")

#: The tasks, and the lock by which they are run.
TASKS = ("skip", "run")
GROUP = "chaos"


class Figures(NamedTuple):
    """What a run was.

    :ivar due_times: how many there were of each task.
    :ivar missing: how many of the one that is skipped did not begin.
    :ivar takeovers: how often the tasks were taken over.
    :ivar disturbances: how often something was done.
    :ivar longest: for how long the single service was run by nobody, at most, while
        the server answered; in seconds.
    :ivar beyond: for how long it went on, at most, when a program that was paused with
        its parent for more than a lease had woken up; in seconds.
    """

    due_times: int
    missing: int
    takeovers: int
    disturbances: int
    longest: float
    beyond: float


def history(
    record: Record,
    disturbances: Disturbances,
    stalls: Sequence[Stall],
    begin: float,
    end: float,
) -> History:
    """Return what has happened, as the checker wants it.

    Of a program that was paused with its parent nothing is promised after that: what
    it runs alone counts as ended there.
    """
    record.read()
    troubles = disturbances.troubles
    paused = [one for one in troubles if one.what == WITH_PARENT]
    return History(
        begin=begin,
        end=end,
        runs=record.runs(),
        takeovers=record.takeovers(TASKS, GROUP),
        alone=[_as_promised(one, paused) for one in record.alone],
        troubles=troubles,
        deaths=[*record.deaths(), *disturbances.deaths],
        outages=disturbances.outages,
        interrupted=record.interrupted(),
        overlaps=[
            f"{pid} begins at {at:.3f} though {other} has not ended"
            for pid, other, at in record.overlaps()
            if not any(one.pid == other and one.at < at for one in paused)
        ],
        stalls=stalls,
    )


def _as_promised(alone: Alone, paused: Sequence[Trouble]) -> Alone:
    for one in paused:
        if one.pid == alone.pid and alone.begin <= one.at < (alone.end or math.inf):
            return alone._replace(end=one.at)
    return alone


def figures(
    history: History,
    record: Record,
    disturbances: Disturbances,
    interval: float,
    lease: float,
) -> Figures:
    """Return what a run was, in numbers."""
    begun = {
        round(one.due / interval)
        for one in history.runs
        if one.task == "skip" and history.begin <= one.due <= history.end
    }
    count = math.floor(history.end / interval) - math.ceil(history.begin / interval) + 1
    return Figures(
        due_times=count,
        missing=count - len(begun),
        takeovers=sum(one.task == "skip" for one in history.takeovers),
        disturbances=len(disturbances.done),
        longest=_longest(history, lease),
        beyond=_beyond(history, record, lease),
    )


def _longest(history: History, lease: float) -> float:
    gaps = [0.0]
    spans = sorted(history.alone, key=lambda one: one.begin)
    for one, after in itertools.pairwise(spans):
        ends = [
            trouble.at
            for trouble in history.troubles
            if trouble.pid == one.pid and one.begin <= trouble.at <= after.begin
        ]
        if ends and not any(
            outage.at < after.begin and outage.until > ends[-1] - lease
            for outage in history.outages
        ):
            gaps.append(after.begin - ends[-1])
    return max(gaps)


def _beyond(history: History, record: Record, lease: float) -> float:
    found = [0.0]
    for one in record.alone:
        deaths = [death.at for death in history.deaths if death.pid == one.pid]
        end = min(deaths, default=history.end) if one.end is None else one.end
        found += [
            end - trouble.until
            for trouble in history.troubles
            if trouble.what == WITH_PARENT
            and trouble.pid == one.pid
            and one.begin <= trouble.at
            and trouble.until - trouble.at > lease
        ]
    return max(found)
