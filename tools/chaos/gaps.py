# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Due times that nobody has begun, and whether what was done explains them."""

import math
from collections.abc import Iterator, Sequence

from history import SAME, History, Run, Terms, Trouble

__all__ = ("ends_from", "missing")


def missing(history: History, terms: Terms, task: str) -> Iterator[str]:
    """What is missing lies behind the end of who held the lock, and not far."""
    runs = history.runs_of(task)
    for first, last in _gaps(history, terms, runs):
        before = [one for one in runs if one.due < first - SAME]
        between = [
            one.pid
            for one in history.takeovers_of(task)
            if first - terms.interval <= one.at <= last + terms.interval
        ]
        holders = {*(one.pid for one in before[-1:]), *between}
        since = max((one.due for one in before), default=-math.inf)
        due = _unexplained(history, terms, holders, since, first, last)
        if due is not None:
            yield (
                f"{task}: {due:.3f} is missing, of {first:.3f} to {last:.3f}; held by"
                f" {sorted(holders)}"
            )


def _gaps(
    history: History, terms: Terms, runs: Sequence[Run]
) -> Iterator[tuple[float, float]]:
    """Yield the first and the last of due times in a row that are missing."""
    begun = {round(one.due / terms.interval) for one in runs}
    first = math.ceil(history.begin / terms.interval)
    gap: list[int] = []
    for number in range(first, math.floor(history.end / terms.interval) + 1):
        if number not in begun:
            gap.append(number)
        elif gap:
            yield gap[0] * terms.interval, gap[-1] * terms.interval
            gap = []
    if gap:
        yield gap[0] * terms.interval, gap[-1] * terms.interval


def _unexplained(
    history: History,
    terms: Terms,
    holders: set[int],
    since: float,
    first: float,
    last: float,
) -> float | None:
    """Return the first due time that nothing explains; None: there is none.

    :param since: the last one before that has begun.
    """
    covered = first - terms.interval
    for begin, end in sorted(_windows(history, terms, holders, since, first, last)):
        if begin > covered + terms.interval + SAME:
            break
        covered = max(covered, end)
    if last <= covered + SAME:
        return None
    return (math.floor((covered + SAME) / terms.interval) + 1) * terms.interval


def _windows(
    history: History,
    terms: Terms,
    holders: set[int],
    since: float,
    first: float,
    last: float,
) -> Iterator[tuple[float, float]]:
    """Yield when due times may be missing, around a gap."""
    takeover = terms.lease + terms.prompt + terms.skew + terms.interval
    for one in history.troubles:
        # Who has begun another one that long after that has survived it. Who was not
        # the holder may have been granted the lock when nobody held it.
        survived = ends_from(one, terms) + terms.lease + terms.prompt < since
        if one.at > last or survived:
            continue
        if one.pid in holders or one.at >= first - terms.interval:
            end = ends_from(one, terms) + takeover
            yield one.at, end + history.stalled(one.at, end)
    for outage in history.outages:
        if outage.at <= last:
            # What was held then is held for one lease more.
            end = outage.until + terms.lease + takeover
            yield outage.at, end + history.stalled(outage.at, end)
    begin = first - terms.interval
    yield begin, begin + history.stalled(begin, last + terms.interval)


def ends_from(trouble: Trouble, terms: Terms) -> float:
    """Return since when, at the latest, a lock lasts for a lease and no longer."""
    return trouble.at if terms.leased else trouble.until
