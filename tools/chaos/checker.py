# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether a history keeps what is promised: arithmetic alone, without a clock.

Each function returns what breaks a promise, in words. Where the machine was busy, a
limit is as much later as programs waited for a processor meanwhile.
"""

import collections
import itertools
import math
from collections.abc import Iterator

import gaps
from history import KILLED, SAME, Alone, History, Run, Terms

__all__ = ("check",)

# How long after it happens something is told, in seconds.
_TELLING = 0.1


def check(history: History, terms: Terms, skip: str, run: str) -> list[str]:
    """Return everything that breaks a promise.

    :param skip: the task of which no due time is to run twice.
    :param run: the task of which the latest is to run.
    """
    return [
        *begun_twice(history, skip),
        *out_of_order(history),
        *begun_early(history),
        *begun_late(history, terms),
        *begun_by_nobody(history, terms, skip),
        *gaps.missing(history, terms, skip),
        *not_told(history, terms, skip),
        *latest_not_run(history, terms, run),
        *not_alone(history),
        *idle(history, terms),
    ]


def begun_twice(history: History, task: str) -> Iterator[str]:
    """No due time begins twice."""
    begun = collections.defaultdict(list)
    for one in history.runs_of(task):
        begun[round(one.due, 6)].append(one)
    for due, runs in begun.items():
        if len(runs) > 1:
            who = ", ".join(f"{one.pid} at {one.begin:.3f}" for one in runs)
            yield f"{task}: {due:.3f} begins {len(runs)} times: {who}"


def out_of_order(history: History) -> Iterator[str]:
    """No process begins a due time that is not later than its last."""
    last: dict[tuple[str, int], Run] = {}
    for one in sorted(history.runs, key=lambda one: one.begin):
        before = last.get((one.task, one.pid))
        if before is not None and one.due <= before.due + SAME:
            yield f"{one.task}: {one.pid} begins {one.due:.3f} after {before.due:.3f}"
        last[one.task, one.pid] = one


def begun_early(history: History) -> Iterator[str]:
    """None begins before it is due."""
    for one in history.runs:
        if one.begin < one.due - SAME:
            yield f"{one.task}: {one.due:.3f} begins at {one.begin:.3f}, before that"


def begun_late(history: History, terms: Terms) -> Iterator[str]:
    """Who has waited for longer than a lease begins nothing, unless it was paused.

    Paused, that is, between the last look at the lease and the first statement.
    """
    for one in history.runs:
        late = one.begin - one.due - history.stalled(one.due, one.begin)
        if late > terms.lease and not any(
            trouble.pid == one.pid
            and trouble.at < one.begin
            and trouble.until > one.begin - terms.lease
            for trouble in history.troubles
        ):
            yield f"{one.task}: {one.pid} begins {one.due:.3f} {late:.3f} s late"


def begun_by_nobody(history: History, terms: Terms, task: str) -> Iterator[str]:
    """Only who has taken over begins, and only what is due later, by the skew."""
    taken: dict[int, list[float]] = collections.defaultdict(list)
    for takeover in history.takeovers_of(task):
        taken[takeover.pid].append(takeover.at)
    for one in history.runs_of(task):
        since = [at for at in taken[one.pid] if at <= one.begin + SAME]
        if not since:
            yield f"{task}: {one.pid} begins {one.due:.3f}, and has not taken over"
        elif one.due < max(since) + terms.skew - _lateness(history, max(since)):
            yield (
                f"{task}: {one.pid} begins {one.due:.3f}, and took over at"
                f" {max(since):.3f}"
            )


def _lateness(history: History, at: float) -> float:
    """Return how long after a takeover its event may be told."""
    return _TELLING + history.stalled(at - _TELLING, at)


def not_told(history: History, terms: Terms, task: str) -> Iterator[str]:
    """What is missing is told: by a successor, of one lease, or by who was busy.

    What was interrupted is told by the parent of the process, where that is there.
    """
    runs = history.runs_of(task)
    takeovers = history.takeovers_of(task)
    told = {_number(due, terms) for one in takeovers for due in one.unknown}
    told |= {_number(one.due, terms) for one in runs}
    for number in sorted(_to_tell(history, terms, task) - told):
        yield f"{task}: {number * terms.interval:.3f} is missing, and nobody tells"
    for run in runs:
        if run.end is None and any(
            trouble.pid == run.pid and trouble.what == KILLED
            for trouble in history.troubles
        ):
            if (task, round(run.due, 3), run.pid) not in history.interrupted:
                yield f"{task}: {run.due:.3f} was interrupted, and nobody tells"


def _to_tell(history: History, terms: Terms, task: str) -> set[int]:
    """Return the due times of one lease before each takeover, and of the skew.

    One that does not last may have had no time to tell.
    """
    takeovers = history.takeovers_of(task)
    found: set[int] = set()
    for one, after in itertools.zip_longest(takeovers, takeovers[1:]):
        next_at = min(one.until, history.end if after is None else after.at)
        until = one.at + terms.prompt + terms.interval
        until += history.stalled(one.at, until)
        if until < next_at and not _is_troubled(history, one.at, until, {one.pid}):
            first = max(one.at - terms.lease + SAME, history.begin)
            last = one.at + terms.skew - _lateness(history, one.at)
            last = min(last, history.end)
            found |= set(
                range(
                    math.ceil(first / terms.interval),
                    math.floor(last / terms.interval) + 1,
                )
            )
    return found


def latest_not_run(history: History, terms: Terms, task: str) -> Iterator[str]:
    """The latest due time before a takeover runs, and ends, again if need be."""
    takeovers = history.takeovers_of(task)
    ended = {
        _number(one.due, terms) for one in history.runs_of(task) if one.end is not None
    }
    for one, after in itertools.zip_longest(takeovers, takeovers[1:]):
        # So long it has to begin it, and end it.
        until = one.at + terms.prompt + terms.interval
        until += history.stalled(one.at, until)
        next_at = min(one.until, history.end if after is None else after.at)
        if next_at < until or _is_troubled(history, one.at, until, {one.pid}):
            continue
        number = math.floor((one.at + SAME) / terms.interval)
        if number not in ended:
            due = number * terms.interval
            yield f"{task}: {due:.3f} does not run, and {one.pid} takes over after it"


def not_alone(history: History) -> Iterator[str]:
    """The single service runs in one process at a time."""
    yield from history.overlaps
    spans = sorted(history.alone, key=lambda one: one.begin)
    for one, after in itertools.pairwise(spans):
        end = _end(history, one)
        if after.begin < end - SAME:
            yield (
                f"the single service begins in {after.pid} at {after.begin:.3f}, and"
                f" ends in {one.pid} at {end:.3f}"
            )


def _end(history: History, span: Alone) -> float:
    """Return when the single service ended in a process, whatever ended that."""
    if span.end is not None:
        return span.end
    return min(
        (
            one.at
            for one in history.deaths
            if one.pid == span.pid and one.at >= span.begin
        ),
        default=math.inf,
    )


def idle(history: History, terms: Terms) -> Iterator[str]:
    """The single service is taken over within the lease and a second."""
    spans = sorted(history.alone, key=lambda one: one.begin)
    for one, after in itertools.zip_longest(spans, spans[1:]):
        begin = history.end if after is None else after.begin
        end = min(_end(history, one), one.end or math.inf)
        ends = [
            trouble
            for trouble in history.troubles
            if trouble.pid == one.pid and one.begin <= trouble.at <= min(end, begin)
        ]
        if not ends or end > begin:
            continue
        limit = gaps.ends_from(ends[-1], terms) + terms.lease + terms.prompt
        limit += history.stalled(ends[-1].at, limit)
        others = {trouble.pid for trouble in history.troubles} - {one.pid}
        if begin > limit and not _is_troubled(history, ends[-1].at, begin, others):
            took = begin - ends[-1].at
            yield f"the single service is not run for {took:.3f} s after {one.pid}"


def _is_troubled(history: History, begin: float, end: float, pids: set[int]) -> bool:
    """Whether the server was disturbed, or one of some processes."""
    if any(one.at < end and one.until > begin for one in history.outages):
        return True
    return any(
        one.at < end and one.until >= begin and one.pid in pids
        for one in history.troubles
    )


def _number(due: float, terms: Terms) -> int:
    return round(due / terms.interval)
