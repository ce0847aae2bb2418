# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the library measures in a process, where metrics are on.

Counters and histograms are updated when something happens; gauges are read when metrics
are asked for. Where metrics are off, there are no meters.
"""

import bisect
import weakref
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from oslo_service._common.fork_safety import Inherited, OwnLock

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

#: The upper bounds of the buckets of histograms, in seconds; one more has the rest.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: The labels of a series: names and values.
Labels = tuple[tuple[str, str], ...]


class Measure(NamedTuple):
    """Something that is measured.

    :ivar name: as it is exported, without ``oslo_service_``.
    :ivar words: its description.
    """

    name: str
    words: str


#: Of pools of any kind, by the label ``pool``.
POOL_SIZE = Measure("pool_size", "How many can run at a time.")
POOL_BUSY = Measure("pool_busy", "How many are running.")
POOL_WAITING = Measure("pool_waiting", "How many wait for a slot.")


class Reading(NamedTuple):
    """The current value of a gauge.

    :ivar measure: what is measured.
    :ivar labels: the labels of the series.
    :ivar value: the value.
    """

    measure: Measure
    labels: Labels
    value: float


class Durations:
    """A histogram of durations: the counts by bucket, and the sum in seconds."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0


class Meters:
    """The counters and histograms of a process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = OwnLock()
        self.counts: dict[tuple[Measure, Labels], float] = {}
        self.durations: dict[tuple[Measure, Labels], Durations] = {}

    def count(self, measure: Measure, labels: Labels = ()) -> None:
        """Increment a counter."""
        key = (measure, labels)
        with self._lock:
            self.counts[key] = self.counts.get(key, 0.0) + 1.0

    def took(self, measure: Measure, seconds: float, labels: Labels = ()) -> None:
        """Record a duration in a histogram.

        :param measure: what is measured.
        :param seconds: the duration.
        :param labels: the labels of the series.
        """
        key, bucket = (measure, labels), bisect.bisect_left(BOUNDS, seconds)
        with self._lock:
            found = self.durations.get(key)
            if found is None:
                found = self.durations[key] = Durations()
            found.buckets[bucket] += 1
            found.total += seconds


class Measured(Protocol):
    """Something that has gauges."""

    def readings(self) -> Iterable[Reading]:
        """Return their current values."""


_meters: Inherited[Meters | None] = Inherited(lambda: None)
_measured: "Inherited[weakref.WeakSet[Measured]]" = Inherited(weakref.WeakSet)

#: Returns the meters of this process; None: metrics are off.
meters = _meters.get


def begin() -> None:
    """Switch metrics on in this process, all counters at 0."""
    _meters.set(Meters())


def add(measured: Measured) -> None:
    """Have the gauges of an object read, for as long as it exists."""
    _measured.get().add(measured)


def readings() -> list[Reading]:
    """Return the gauges of this process; those with the same labels are summed."""
    found: dict[tuple[Measure, Labels], float] = {}
    for measured in list(_measured.get()):
        for measure, labels, value in measured.readings():
            key = measure, labels
            found[key] = found.get(key, 0.0) + value
    return [Reading(*key, value) for key, value in found.items()]
