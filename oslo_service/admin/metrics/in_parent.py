# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the supervisor knows of its workers, as metrics."""

import collections
from collections.abc import Iterator

from oslo_service.admin.metrics.families import Family, labels_text
from oslo_service.monitoring import probes
from oslo_service.supervisor.facts import ServiceFacts, State
from oslo_service.supervisor.snapshot import Snapshot
from oslo_service.supervisor.tally import Tally

__all__ = ("families",)

Samples = list[tuple[str, str, float]]
Found = tuple[Family, Samples]


def families(snapshot: Snapshot, tally: Tally) -> Iterator[Found]:
    """Return the families, with their samples.

    :param snapshot: a snapshot of the supervisor, in detail.
    :param tally: how often what has happened.
    """
    process, services = snapshot.process, snapshot.services
    if process is not None:
        yield _info(process.version, process.driver)
        words = "When something was launched first, since the epoch."
        yield _gauge("start_time_seconds", words, {"": process.started}, "seconds")
    ready = probes.ready(snapshot).ok
    yield _gauge("ready", "Whether clients can be sent here.", {"": ready})
    yield (
        _family("workers", "gauge", "Workers by what they do."),
        [
            ("", labels_text({"service": one.name, "state": state.value}), number)
            for one in services
            for state, number in _states(one)
        ],
    )
    words = "How many workers there are to be."
    yield _gauge("workers_wanted", words, {_of(one): one.slots for one in services})
    words = "How many reloads there were."
    yield _gauge("generation", words, {_of(one): _generation(one) for one in services})
    words = "Workers that have hung."
    yield (
        _family("hangs", "counter", words),
        [("_total", _of(one), tally.hung.get(one.name, 0)) for one in services],
    )
    yield from _happened(tally)


def _info(version: str, driver: str) -> Found:
    labels = labels_text({"version": version, "driver": driver})
    family = Family("oslo_service", "info", "What the service runs on.")
    return family, [("_info", labels, 1.0)]


def _happened(tally: Tally) -> Iterator[Found]:
    """Return how often what has happened."""
    ends: collections.Counter[tuple[str, str]] = collections.Counter()
    for (service, _, cause), times in tally.ended.items():
        ends[service, cause] += times
    yield (
        _family("restarts", "counter", "Workers that have ended, by cause."),
        [
            ("_total", labels_text({"service": service, "cause": cause}), times)
            for (service, cause), times in ends.items()
        ],
    )
    yield (
        _family("reloads", "counter", "Reloads by result."),
        [
            ("_total", labels_text({"result": result}), tally.reloads.get(result, 0))
            for result in ("finished", "failed")
        ],
    )


def _family(name: str, kind: str, words: str, unit: str = "") -> Family:
    return Family(f"oslo_service_{name}", kind, words, unit)


def _gauge(name: str, words: str, values: dict[str, float], unit: str = "") -> Found:
    samples = [("", labels, float(value)) for labels, value in values.items()]
    return _family(name, "gauge", words, unit), samples


def _of(service: ServiceFacts) -> str:
    return labels_text({"service": service.name})


def _states(service: ServiceFacts) -> Iterator[tuple[State, float]]:
    for state in State:
        if state is not State.RELOADING:  # of the process only
            yield state, float(sum(one.state is state for one in service.workers))


def _generation(service: ServiceFacts) -> int:
    return max((one.generation for one in service.workers), default=0)
