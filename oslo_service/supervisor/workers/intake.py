# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Taking in what workers say, and which of them have ended."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oslo_service._common import clock, lazy_imports
from oslo_service.supervisor import events
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.workers import descriptions
from oslo_service.supervisor.workers.channel import (
    ALIVE,
    LEAVING,
    MUTATED,
    OVERDUE,
    READY,
    SERVED,
    STOPPED,
)
from oslo_service.supervisor.workers.facts import Sightings
from oslo_service.supervisor.workers.inspection import Inspection
from oslo_service.supervisor.workers.process import Process
from oslo_service.supervisor.workers.shared_pipes import SharedPipes
from oslo_service.supervisor.workers.slots import Worker
from oslo_service.supervisor.workers.state import PoolState

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange import inquiries
    from oslo_service.supervisor.exchange.exchange import Exchange
    from oslo_service.supervisor.exchange.inquiries import Respondent
else:
    inquiries = lazy_imports.module("oslo_service.supervisor.exchange.inquiries")

__all__ = ("Intake", "as_respondent")


class Intake:
    """Tells the state machine of a pool what has become of its workers.

    :param pool: the pool of the workers.
    :param state: what decides.
    :param processes: the workers that there are.
    :param shared: what they have in common.
    :param inspection: takes in what one leaves behind.
    :param publish: takes the events.
    :ivar exchange: returns who takes what workers answer, and tell; None: nobody.
    :ivar seen: what has been seen of them.
    """

    exchange: "Callable[[], Exchange | None]"

    def __init__(
        self,
        pool: Unit,
        state: PoolState,
        processes: dict[Worker, Process],
        shared: SharedPipes,
        inspection: Inspection,
        publish: Callable[[events.Event], object],
    ) -> None:
        self._pool = pool
        self._state = state
        self._processes = processes
        self._shared = shared
        self._inspection = inspection
        self._publish = publish
        self.exchange = lambda: None
        self.seen = Sightings()

    def collect(self, readable: set[int], now: float) -> None:
        """Take in what the workers have said, and which have ended."""
        shared = self._shared
        if shared.reports.fileno() in readable:
            self._receive(now)
        if shared.answers is not None and shared.answers.fileno() in readable:
            self._take_in(shared.answers.receive())
        for worker, process in list(self._processes.items()):
            if process.pidfd in readable:
                self._look_after(worker, process, now)

    def find_ended(self, now: float) -> None:
        """Take in which workers have ended, of those that have no descriptor.

        At most a SIGCHLD tells of that: to be called after the waker was cleared, as
        one that came in between would be forgotten with it.
        """
        for worker, process in list(self._processes.items()):
            if process.pidfd is None:
                self._look_after(worker, process, now)

    def _receive(self, now: float) -> None:
        workers = self._state.workers
        for number, message in self._shared.reports.receive():
            if number in workers:
                self._hear(workers[number], message, now)

    def _hear(self, worker: Worker, message: bytes, now: float) -> None:
        about = descriptions.about(worker, self._processes[worker])
        self._listen(worker, message, about, now)
        self.seen.heard(worker, now)

    def _listen(
        self, worker: Worker, message: bytes, about: dict[str, Any], now: float
    ) -> None:
        if message == READY:
            self._state.ready(worker, now)
            seconds = now - worker.started_at
            self._publish(events.WorkerReady(**about, seconds=seconds))
        elif message == STOPPED:
            self._state.stopped(worker)
            self._publish(events.WorkerStopped(**about))
        elif message == MUTATED:
            self._state.mutated(worker)
        elif message == ALIVE:
            self._state.answered(worker)
        elif message == SERVED:
            self._state.served(worker)
        elif message == OVERDUE:
            self._inspection.take_overdue(worker)
        elif message == LEAVING:
            self._processes[worker].leaving = True

    def _take_in(self, messages: list[tuple[int, bytes]]) -> None:
        for number, message in messages:
            worker = self._state.workers.get(number)
            exchange = self.exchange()
            if worker is not None and exchange is not None:
                sender = as_respondent(worker, self._processes[worker])
                exchange.heard(self._pool, sender, message)
                self.seen.heard(worker, clock.now())

    def _look_after(self, worker: Worker, process: Process, now: float) -> None:
        ended, status = process.reap()
        if not ended:
            return
        # What it told at its end may lie there: it was written before.
        self._receive(now)
        answers = self._shared.answers
        if answers is not None:
            self._take_in(answers.receive_last(worker.number))
        exchange = self.exchange()
        if exchange is not None:
            exchange.ended(as_respondent(worker, process))
        if status is None:
            status = 0 if process.leaving else None
        self.seen.gone(worker)
        error = self._inspection.conclude(worker, process, status)
        del self._processes[worker]
        process.close()
        self._state.gone(worker, process.told_status(status), now)
        event = events.WorkerEnded(
            **descriptions.about(worker, process),
            status=status,
            cause=descriptions.cause(worker),
            stacks=process.stacks.text(),
            error=error,
        )
        self._publish(event)


def as_respondent(worker: Worker, process: Process) -> "Respondent":
    """Return a worker as one that can be asked something."""
    slot = worker.slot
    return inquiries.Respondent(
        process.pid,
        service=str(slot.spec),
        worker=slot.index,
        number=worker.number,
        generation=worker.generation,
    )
