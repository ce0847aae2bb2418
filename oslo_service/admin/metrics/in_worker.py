# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the library itself measures in the process that runs a service."""

import itertools
import time
from collections.abc import Iterable, Iterator

from oslo_service import backend
from oslo_service._common import clock, frames, instruments, naming
from oslo_service._common.instruments import BOUNDS, Labels, Measure, Reading
from oslo_service.admin.metrics.families import Family, labels_text
from oslo_service.admin.metrics.layout import Key
from oslo_service.backdoor import running_loops
from oslo_service.monitoring import health_checks, work_in_progress

__all__ = ("families",)

Samples = list[tuple[str, str, float]]
Found = tuple[Family, Samples]

_WORK = Measure("work", "Pieces of work in progress.")
_OLDEST = Measure("work_oldest_seconds", "For how long the oldest has been.")
_LATE = Measure("loop_late_seconds", "How long a call of a looping call is overdue.")
_LAST_RUN = Measure(
    "loop_last_run_timestamp_seconds", "When a looping call has ended a call last."
)
_CHECK = Measure("health_check", "1: what is depended on is well; 0: it is not.")
_CHECK_AGE = Measure("health_check_age_seconds", "How long ago that was found.")

_BOUNDS = (*map(repr, BOUNDS), "+Inf")


def families() -> Iterator[tuple[Family, list[Key], list[float]]]:
    """Return the families, with their series and values."""
    for family, samples in _families():
        keys = [(family.name, suffix, labels) for suffix, labels, _ in samples]
        yield family, keys, [value for *_, value in samples]


def _families() -> Iterator[Found]:
    found: dict[Measure, Samples] = {}
    for reading in (*instruments.readings(), *_work(), *_loops(), *_checks()):
        labels = labels_text(dict(reading.labels))
        found.setdefault(reading.measure, []).append(("", labels, reading.value))
    for measure, samples in found.items():
        yield _family(measure, "gauge"), samples
    meters = instruments.meters()
    if meters is not None:
        yield from _counts(dict(meters.counts))
        yield from _durations(dict(meters.durations))


def _family(measure: Measure, kind: str) -> Family:
    unit = "seconds" if measure.name.endswith("_seconds") else ""
    return Family(f"oslo_service_{measure.name}", kind, measure.words, unit)


def _counts(counts: dict[tuple[Measure, Labels], float]) -> Iterator[Found]:
    found: dict[Measure, Samples] = {}
    for (measure, labels), value in counts.items():
        sample = ("_total", labels_text(dict(labels)), value)
        found.setdefault(measure, []).append(sample)
    for measure, samples in found.items():
        yield _family(measure, "counter"), samples


def _durations(
    durations: dict[tuple[Measure, Labels], instruments.Durations],
) -> Iterator[Found]:
    found: dict[Measure, Samples] = {}
    for (measure, labels), taken in durations.items():
        samples = found.setdefault(measure, [])
        sums = list(itertools.accumulate(taken.buckets))
        samples += [
            ("_bucket", labels_text({**dict(labels), "le": bound}), float(value))
            for bound, value in zip(_BOUNDS, sums, strict=True)
        ]
        text = labels_text(dict(labels))
        samples += [("_count", text, sums[-1]), ("_sum", text, taken.total)]
    for measure, samples in found.items():
        yield _family(measure, "histogram"), samples


def _work() -> Iterator[Reading]:
    ages: dict[str, list[float]] = {}
    for item in work_in_progress.look(stacks=False):
        ages.setdefault(item.kind, []).append(item.age or 0.0)
    for kind, found in ages.items():
        labels = (("kind", kind),)
        yield Reading(_WORK, labels, len(found))
        yield Reading(_OLDEST, labels, max(found))


def _loops() -> Iterable[Reading]:
    # Of several that make the same calls, the one that is the latest.
    late: dict[Labels, float] = {}
    last: dict[Labels, float] = {}
    for driver in backend.in_use():
        stacks = frames.stacks_of(driver.task_frames, driver.current_ident())
        for one in running_loops.found_in(stacks):
            labels: Labels = (("loop", naming.describe(one.loop.f)),)
            late[labels] = max(late.get(labels, 0.0), one.late)
            if one.last_run is not None:
                at = time.time() - one.last_run
                last[labels] = min(last.get(labels, at), at)
    for measure, values in ((_LATE, late), (_LAST_RUN, last)):
        for labels, value in values.items():
            yield Reading(measure, labels, value)


def _checks() -> Iterator[Reading]:
    now = clock.now()
    for check in health_checks.of_process():
        labels: Labels = (("check", check.name),)
        yield Reading(_CHECK, labels, check.ok)
        yield Reading(_CHECK_AGE, labels, max(0.0, now - check.at))
