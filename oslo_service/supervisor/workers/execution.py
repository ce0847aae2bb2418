# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Starting, telling and ending workers, as the state machine of a pool decides."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from oslo_service.supervisor import events
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.workers import actions, descriptions, inheritance
from oslo_service.supervisor.workers.inspection import Inspection
from oslo_service.supervisor.workers.plan import StartMethod
from oslo_service.supervisor.workers.process import Process
from oslo_service.supervisor.workers.shared_pipes import SharedPipes
from oslo_service.supervisor.workers.slots import Slot, Worker
from oslo_service.supervisor.workers.state import PoolState

__all__ = ("Execution",)


class Execution:
    """Does what is to be done, and tells the state machine what could not be.

    :param system: the unpatched module ``os``.
    :param state: what decides.
    :param processes: the workers that there are.
    :param shared: what the workers have in common.
    :param settings: the configuration.
    :param start: the start method.
    :param inspection: does what is no start, no order and no end.
    :param publish: takes the events.
    """

    def __init__(
        self,
        system: ModuleType,
        state: PoolState,
        processes: dict[Worker, Process],
        shared: SharedPipes,
        settings: Settings,
        start: StartMethod,
        inspection: Inspection,
        publish: Callable[[events.Event], object],
    ) -> None:
        self._os = system
        self._state = state
        self._processes = processes
        self._shared = shared
        self._settings = settings
        self._start_method = start
        self._inspection = inspection
        self._publish = publish
        # What has just been started: nothing has come of that yet.
        self._begun: list[actions.Start] = []
        # The slots for which the system has no room, and since when.
        self._refused: dict[Slot, float] = {}

    def forget_surplus(self) -> None:
        """Forget refusals for slots that get no further worker."""
        for slot in [one for one in self._refused if one.surplus]:
            del self._refused[slot]

    def do_all(self, actions: list[actions.Action], now: float) -> None:
        """Do all of it: each counts as done, whatever becomes of another."""
        for action in actions:
            self._try(self._do, action, now)
        # After a fork, every page that is written to is copied: what follows from
        # the starts is left until there is none to be made.
        begun, self._begun = self._begun, []
        for start in begun:
            self._try(self._accept, start, now)

    def _try(
        self, step: Callable[[Any, float], object], action: actions.Action, now: float
    ) -> None:
        try:
            step(action, now)
        except Exception as exc:  # noqa: BLE001 - is told
            self._publish(_failed(action, exc))

    def _do(self, action: actions.Action, now: float) -> None:
        match action:
            case actions.Start():
                self._start(action, now)
            case actions.Order(worker, kind):
                self._order(worker, kind, now)
            case actions.Kill(worker, late):
                self._kill(worker, late, now)
            case _:
                self._inspection.do(action)

    def _order(self, worker: Worker, kind: actions.OrderKind, now: float) -> None:
        process = self._processes[worker]
        if kind is actions.OrderKind.STOP:
            error = process.order_stop(kind.value)
            if error is not None:
                self._tell_refused(worker, error)
                self._state.unstopped(worker, now)
        elif not process.tell(kind.value):
            self._state.undelivered(worker, kind)

    def _start(self, start: actions.Start, now: float) -> None:
        worker = start.worker
        plan: Any = worker.slot.spec
        pipes = None
        try:
            pipes = self._shared.to(worker.number)
            # Of a successor it is the parent that loses patience.
            limited = start.successor and self._settings.limits.start_timeout
            plan = plan.adapted(reset=start.reset, ready_anyway=not limited)
            inheritance.renew()
            if start.ahead:
                with self._settings.aside():
                    pid = self._start_method(plan, pipes)
            else:
                pid = self._start_method(plan, pipes)
        except Exception as exc:  # noqa: BLE001 - logged by a subscriber
            if pipes is not None:
                self._os.close(pipes.orders)
            self._refuse(worker, exc, now)
        else:
            self._processes[worker] = Process(self._os, pid, pipes)
            self._begun.append(start)
        finally:
            if pipes is not None:
                pipes.leave_to_worker()

    def _refuse(self, worker: Worker, error: Exception, now: float) -> None:
        slot = worker.slot
        if slot not in self._refused:
            self._refused[slot] = now
            about = descriptions.about_slot(slot)
            self._publish(events.StartRefused(**about, error=error))
        self._state.refused(worker, now)

    def _accept(self, start: actions.Start, now: float) -> None:
        worker = start.worker
        self._state.started(worker)
        since = self._refused.pop(worker.slot, None)
        if since is not None:
            about = descriptions.about_slot(worker.slot)
            self._publish(events.StartResumed(**about, seconds=now - since))
        event = events.WorkerStarted(
            **descriptions.about(worker, self._processes[worker]),
            generation=worker.generation,
        )
        self._publish(event)

    def _kill(self, worker: Worker, late: bool, now: float) -> None:
        process = self._processes[worker]
        error = process.kill()
        if error is not None:
            self._tell_refused(worker, error)
            self._state.survived(worker, now)
        elif late:
            event = events.WorkerKilled(
                **descriptions.about(worker, process),
                hung=worker.hung,
                starting=worker.slot.dismissed is worker,
            )
            self._publish(event)

    def _tell_refused(self, worker: Worker, error: OSError) -> None:
        if not worker.refusals:
            about = descriptions.about(worker, self._processes[worker])
            self._publish(events.KillRefused(**about, error=error))


def _failed(action: actions.Action, error: Exception) -> events.Event:
    return events.ActionFailed(action=type(action).__name__, error=error)
