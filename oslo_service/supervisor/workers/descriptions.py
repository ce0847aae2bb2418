# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is told of the workers of a pool: the events of what it does."""

from typing import Any

from oslo_service.supervisor import events, log_messages
from oslo_service.supervisor.workers import actions
from oslo_service.supervisor.workers.process import Process
from oslo_service.supervisor.workers.slots import Slot, Worker

__all__ = ("about", "about_slot", "cause", "end", "event_of", "in_slot", "name")


def about_slot(slot: Slot) -> dict[str, Any]:
    """Return the fields of an event that say which slot it is about."""
    return {"service": str(slot.spec), "worker": slot.index}


def about(worker: Worker, process: Process) -> dict[str, Any]:
    """Return the fields of an event that say which worker it is about."""
    return {**about_slot(worker.slot), "pid": process.pid}


def cause(worker: Worker) -> events.Cause:
    """Return why a worker has ended."""
    if worker.killed and worker.ordered and not worker.hung:
        return events.Cause.TIMED_OUT
    return worker.cause


def in_slot(worker: Worker) -> str:
    """Name a worker by its slot, in the words of a log."""
    return f"worker {worker.slot.index} of {worker.slot.spec}"


def end(status: int | None) -> str:
    """Say how a worker has ended."""
    return f"worker {log_messages.how(status)}"


def name(worker: Worker, process: Process) -> str:
    """Name a worker, in the words of a log."""
    return f"{in_slot(worker)} (pid {process.pid})"


def event_of(
    action: actions.Action, processes: dict[Worker, Process]
) -> events.Event | None:
    """Return the event that an action stands for; None: it is more than an event."""
    match action:
        case actions.ReportCrashLoop(slot, pause):
            return events.SlotPaused(
                **about_slot(slot),
                deaths=slot.crashes,
                seconds=pause,
                error=slot.failure,
            )
        case actions.ReportGivenUp(slot, limits):
            return events.RestartLimitReached(
                service=str(slot.spec),
                limit=limits.restart_limit,
                seconds=limits.restart_window,
                error=slot.failure,
            )
        case actions.ReportLate(worker, seconds):
            return events.StartTimedOut(
                **about(worker, processes[worker]), seconds=seconds
            )
        case actions.ReportRecycling(worker, why):
            return events.WorkerRecycled(**about(worker, processes[worker]), cause=why)
    return None
