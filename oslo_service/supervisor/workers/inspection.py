# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looking into workers for the policies of a pool, and telling what is found."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from oslo_service._common import lazy_imports
from oslo_service.supervisor import events
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.workers import actions, descriptions, inheritance
from oslo_service.supervisor.workers.process import Process
from oslo_service.supervisor.workers.slots import Worker
from oslo_service.supervisor.workers.state import PoolState

if TYPE_CHECKING:
    from oslo_service.supervisor.workers import stack_dumps
else:
    stack_dumps = lazy_imports.module("oslo_service.supervisor.workers.stack_dumps")

__all__ = ("Inspection",)


class Inspection:
    """Looks into workers, and tells of them.

    :param state: what decides.
    :param processes: the workers that there are.
    :param settings: the configuration, also one that is tried out.
    :param publish: takes the events.
    """

    def __init__(
        self,
        state: PoolState,
        processes: dict[Worker, Process],
        settings: Settings,
        publish: Callable[[events.Event], object],
    ) -> None:
        self._state = state
        self._processes = processes
        self._settings = settings
        self._publish = publish

    def do(self, action: actions.Action) -> None:
        """Do it."""
        match action:
            case actions.Adopt():
                self._settings.adopt()
                inheritance.renew()
            case actions.ReportRollFailed(worker):
                error = RuntimeError(
                    f"{descriptions.in_slot(worker)}: {worker.failure}"
                )
                self._publish(events.ReloadFailed(error=error, rolled_back=True))
            case actions.ReportRollbackFailed(worker):
                about = descriptions.about_slot(worker.slot)
                self._publish(events.RollbackFailed(**about, error=worker.failure))
            case actions.Measure():
                self._measure()
            case actions.TakeStacks(worker):
                if worker.failure:
                    return  # it has left them with its report
                stack_dumps.request_stacks(self._processes[worker].pid)
            case actions.ReportHung(worker):
                self.report_hung(worker)
            case _:
                self._tell(action)

    def _tell(self, action: actions.Action) -> None:
        if isinstance(action, actions.ReportLate):
            action.worker.failure = f"not ready after {action.seconds:g} s"
        event = descriptions.event_of(action, self._processes)
        if event is not None:
            self._publish(event)

    def _measure(self) -> None:
        # Imported here, since few programs limit it.
        from oslo_service._common import memory

        for worker, process in self._processes.items():
            size = memory.pss(process.pid)
            if size is not None:
                self._state.measured(worker, size)

    def take_overdue(self, worker: Worker) -> None:
        """Take in what a worker says of work that has taken longer than it may."""
        worker.failure = self._processes[worker].stacks.error()
        self._state.overdue(worker)

    def report_hung(self, worker: Worker) -> None:
        """Report a worker that hangs, once."""
        process = self._processes[worker]
        if process.reported:
            return
        process.reported = True
        event = events.WorkerHung(
            **descriptions.about(worker, process),
            seconds=worker.silence,
            work=worker.failure,
            stacks=process.stacks.text() or stack_dumps.describe(process.pid),
        )
        worker.failure = worker.failure or "hung"
        self._publish(event)

    def conclude(self, worker: Worker, process: Process, status: int | None) -> str:
        """Take in what a worker has left; return what it has failed of, in words.

        :param status: how it has ended.
        """
        if worker.hung:
            self.report_hung(worker)
        error = process.stacks.error()
        worker.failure = error or worker.failure or descriptions.end(status)
        worker.slot.failure = worker.failure
        return error
