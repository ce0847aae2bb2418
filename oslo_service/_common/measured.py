# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the library measures in a process, where somebody wants to know.

What has happened is counted when it happens; what is the case is asked of who knows
it, when somebody wants to know. Where nobody does, there are no meters.
"""

import bisect
import weakref
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from oslo_service._common.process_state import Inherited, OwnLock

__all__ = (
    "BOUNDS",
    "POOL_BUSY",
    "POOL_SIZE",
    "POOL_WAITING",
    "Durations",
    "Labels",
    "Measure",
    "Meters",
    "Reading",
    "add",
    "begin",
    "meters",
    "readings",
)

#: The upper bounds of the buckets of durations, in seconds; one more has the rest.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: The labels of a series: names and values.
Labels = tuple[tuple[str, str], ...]


class Measure(NamedTuple):
    """Something that is measured.

    :ivar name: as it is exported, without ``oslo_service_``.
    :ivar words: what it is.
    """

    name: str
    words: str


#: Of pools of any kind, by the label ``pool``.
POOL_SIZE = Measure("pool_size", "How many may be at work at a time.")
POOL_BUSY = Measure("pool_busy", "How many are at work.")
POOL_WAITING = Measure("pool_waiting", "How many wait for a slot.")


class Reading(NamedTuple):
    """What is the case now.

    :ivar measure: of what.
    :ivar labels: which of these.
    """

    measure: Measure
    labels: Labels
    value: float


class Durations:
    """How long something has taken: so many times, in all, and by buckets."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0


class Meters:
    """What has happened in a process so far. Thread-safe."""

    def __init__(self) -> None:
        self._lock = OwnLock()
        self.counts: dict[tuple[Measure, Labels], float] = {}
        self.durations: dict[tuple[Measure, Labels], Durations] = {}

    def count(self, measure: Measure, labels: Labels = ()) -> None:
        """Count something that has happened."""
        key = (measure, labels)
        with self._lock:
            self.counts[key] = self.counts.get(key, 0.0) + 1.0

    def took(self, measure: Measure, seconds: float, labels: Labels = ()) -> None:
        """Record how long something has taken."""
        key, bucket = (measure, labels), bisect.bisect_left(BOUNDS, seconds)
        with self._lock:
            found = self.durations.get(key)
            if found is None:
                found = self.durations[key] = Durations()
            found.buckets[bucket] += 1
            found.total += seconds


class Measured(Protocol):
    """What knows what is the case."""

    def readings(self) -> Iterable[Reading]:
        """Return it."""


_meters: Inherited[Meters | None] = Inherited(lambda: None)
_measured: "Inherited[weakref.WeakSet[Measured]]" = Inherited(weakref.WeakSet)

#: Returns the meters of this process; None: nobody wants to know.
meters = _meters.get


def begin() -> None:
    """Have this process measure, from nothing."""
    _meters.set(Meters())


def add(measured: Measured) -> None:
    """Have something asked for as long as it exists."""
    _measured.get().add(measured)


def readings() -> list[Reading]:
    """Return what is the case in this process; of several that say the same the sum."""
    found: dict[tuple[Measure, Labels], float] = {}
    for measured in list(_measured.get()):
        for measure, labels, value in measured.readings():
            key = measure, labels
            found[key] = found.get(key, 0.0) + value
    return [Reading(*key, value) for key, value in found.items()]
