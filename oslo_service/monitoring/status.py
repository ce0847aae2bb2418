# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The status of all that is supervised: a snapshot, and what the processes answer."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service._common import clock, memory
from oslo_service.monitoring import checks, work_in_progress
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent
from oslo_service.supervisor.facts import ServiceFacts, WorkerFacts
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.snapshot import ProcessFacts, Snapshot

__all__ = ("KIND", "answer", "as_json", "told")

#: What the question for what a process knows of itself is called.
KIND = "state"

# Raised when a key goes, or changes its meaning.
_SCHEMA = 1


def answer() -> dict[str, Any]:
    """Return what this process alone knows of itself, in short."""
    work = work_in_progress.look(stacks=False)
    ages = [one.age for one in work if one.age is not None]
    return {
        "work": {"count": len(work), "oldest": max(ages, default=None)},
        "health": checks.answer(),
        # Each for itself: the kernel goes through all of it.
        "memory": memory.pss(os.getpid()),
    }


def told(supervisor: Supervisor, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the status, as JSON can be.

    :param answers: of every process to the question :data:`KIND`.
    """
    return as_json(supervisor.reporter.snapshot(), answers, memory.pss)


def as_json(
    snapshot: Snapshot,
    answers: Sequence[Answer],
    measure: Callable[[int], int | None],
) -> dict[str, Any]:
    """Return a snapshot in detail as JSON can be: what ``GET /status`` answers.

    :param answers: to the question for the state of each process.
    :param measure: returns how many bytes a process uses that does not say so, by
        its pid.
    """
    process = snapshot.process
    assert process is not None, "it is no snapshot in detail"  # noqa: S101
    said = _Said(answers, measure)
    return {
        "schema": _SCHEMA,
        "state": snapshot.state.value,
        "ready": snapshot.was_ready,
        "version": process.version,
        "python": process.python,
        "uptime": round(process.uptime, 3),
        "process": {
            "pid": process.pid,
            "command": sys.argv,
            "started": round(process.started, 3),
            **said.by(Respondent(process.pid)),
        },
        "driver": _driver(process),
        "services": [_service(one, process.pid, said) for one in snapshot.services],
        "restarts": snapshot.restarts,
        "reloads": snapshot.reloads,
        "listeners": [vars(one) for one in snapshot.listeners],
        "limits": snapshot.limits,
    }


def _driver(process: ProcessFacts) -> dict[str, Any]:
    return {"name": process.driver, "chosen_by": process.chosen_by}


def _service(service: ServiceFacts, own_pid: int, said: "_Said") -> dict[str, Any]:
    return {
        "name": service.name,
        "slots": service.slots,
        "ready": service.ready,
        "here": any(one.pid == own_pid for one in service.workers),
        "workers": [
            _worker(one) | said.by(_respondent(service, one, own_pid))
            for one in service.workers
        ],
    }


def _worker(worker: WorkerFacts) -> dict[str, Any]:
    return {
        "slot": worker.slot,
        "pid": worker.pid,
        "generation": worker.generation,
        "state": worker.state.value,
        "age": _rounded(worker.age),
        "heard": _rounded(worker.heard),
        "restarts": worker.restarts,
    }


def _respondent(
    service: ServiceFacts, worker: WorkerFacts, own_pid: int
) -> Respondent | None:
    """Return who a worker is; None: the slot has none."""
    if worker.pid is None:
        return None
    if worker.pid == own_pid:
        return Respondent(own_pid)
    return Respondent(
        worker.pid,
        service=service.name,
        worker=worker.slot,
        number=worker.number,
        generation=worker.generation,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(0.0, seconds), 3)


class _Said:
    """What the processes say of themselves.

    :param answers: theirs.
    :param measure: returns how many bytes a process uses, by its pid.
    """

    def __init__(
        self, answers: Sequence[Answer], measure: Callable[[int], int | None]
    ) -> None:
        self._answers = {one.respondent: one for one in answers}
        self._measure = measure

    def by(self, who: Respondent | None) -> dict[str, Any]:
        """Return what a process says, or why it does not; None: there is none."""
        answer = None if who is None else self._answers.get(who)
        said = {} if answer is None else answer.value or {}
        size = said.get("memory")
        if size is None and who is not None:
            size = self._measure(who.pid)
        found = {"memory": size, "work": said.get("work")}
        if answer is None:
            return {**found, "health": None, "problem": None}
        health = _health(checks.known(answer.respondent, said.get("health")))
        return {**found, "health": health, "problem": answer.problem or None}


def _health(found: Sequence[checks.Check]) -> dict[str, Any]:
    now = clock.now()
    statuses = {one.name: one.status(now) for one in found}
    worst = max(map(checks.STATUSES.index, statuses.values()), default=0)
    return {"status": checks.STATUSES[worst], "checks": statuses}
