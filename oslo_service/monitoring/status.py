# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The status of all that is supervised: the snapshot, and the answers of processes."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service._common import clock, memory
from oslo_service.monitoring import health_checks, work_in_progress
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent
from oslo_service.supervisor.facts import ServiceFacts, WorkerFacts
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.snapshot import ProcessFacts, Snapshot

__all__ = ("KIND", "answer", "as_json", "of_supervisor")

#: The name of the question for the state of a process.
KIND = "state"

# Incremented when a key is removed, or changes its meaning.
_SCHEMA = 1


def answer() -> dict[str, Any]:
    """Return the answer of this process: what only itself knows."""
    work = work_in_progress.look(stacks=False)
    ages = [one.age for one in work if one.age is not None]
    return {
        "work": {"count": len(work), "oldest": max(ages, default=None)},
        "health": health_checks.answer(),
        # Each process measures itself: it takes the kernel long.
        "memory": memory.pss(os.getpid()),
    }


def of_supervisor(supervisor: Supervisor, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the status of what a supervisor supervises, as JSON can be.

    :param supervisor: the supervisor.
    :param answers: of every process, to the question :data:`KIND`.
    """
    return as_json(supervisor.reporter.snapshot(), answers, memory.pss)


def as_json(
    snapshot: Snapshot,
    answers: Sequence[Answer],
    measure: Callable[[int], int | None],
) -> dict[str, Any]:
    """Return the status as ``GET /status`` answers it, as JSON can be.

    :param snapshot: in detail.
    :param answers: of every process, to the question :data:`KIND`.
    :param measure: returns how many bytes the process with a pid uses; called for those
        that have not answered.
    """
    process = snapshot.process
    assert process is not None, "it is no snapshot in detail"  # noqa: S101
    said = _Answers(answers, measure)
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


def _service(service: ServiceFacts, own_pid: int, said: "_Answers") -> dict[str, Any]:
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


class _Answers:
    """What the processes have answered.

    :param answers: the answers.
    :param measure: returns how many bytes the process with a pid uses.
    """

    def __init__(
        self, answers: Sequence[Answer], measure: Callable[[int], int | None]
    ) -> None:
        self._answers = {one.respondent: one for one in answers}
        self._measure = measure

    def by(self, who: Respondent | None) -> dict[str, Any]:
        """Return what a process has answered, or why not; None: there is none."""
        answer = None if who is None else self._answers.get(who)
        said = {} if answer is None else answer.value or {}
        size = said.get("memory")
        if size is None and who is not None:
            size = self._measure(who.pid)
        found = {"memory": size, "work": said.get("work")}
        if answer is None:
            return {**found, "health": None, "problem": None}
        health = _health(health_checks.known(answer.respondent, said.get("health")))
        return {**found, "health": health, "problem": answer.problem or None}


def _health(found: Sequence[health_checks.Check]) -> dict[str, Any]:
    now = clock.now()
    statuses = {one.name: one.status(now) for one in found}
    worst = max(map(health_checks.STATUSES.index, statuses.values()), default=0)
    return {"status": health_checks.STATUSES[worst], "checks": statuses}
