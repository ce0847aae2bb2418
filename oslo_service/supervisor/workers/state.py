# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What becomes of a launcher's workers: a state machine without I/O.

Facts come in (a worker is ready, has stopped, is gone; stop them all; so much
time has passed), actions come out (start a worker, give it an order, kill it).
What to do is worked out afresh from the facts each time, so that no order of
events can lose a worker, or leave one behind.

Times are monotonic, in seconds, and always given by the caller.
"""

from collections.abc import Callable, Iterator

from oslo_service._common.times import earliest
from oslo_service.supervisor.events import Cause
from oslo_service.supervisor.workers import crash_loops
from oslo_service.supervisor.workers.actions import (
    Action,
    Kill,
    Order,
    OrderKind,
    ReportCrashLoop,
    ReportGivenUp,
    Start,
)
from oslo_service.supervisor.workers.limits import Limits
from oslo_service.supervisor.workers.optional_policies import Policies
from oslo_service.supervisor.workers.pool_workers import GRACE, Goal, PoolWorkers
from oslo_service.supervisor.workers.slots import (
    BEGINNING,
    STARTING,
    Slot,
    Worker,
    pause,
)

__all__ = (
    "BEGINNING",
    "GRACE",
    "STARTING",
    "Action",
    "Goal",
    "Kill",
    "Order",
    "OrderKind",
    "PoolState",
    "ReportCrashLoop",
    "ReportGivenUp",
    "Slot",
    "Start",
    "Worker",
    "pause",
)


class PoolState(PoolWorkers):
    """The state of the worker pool of one launcher.

    :param limit: returns the seconds that a worker may take to stop; 0 or None
        sets no limit.
    :param limits: returns what else is configured.
    :param dice: returns a number from 0 to 1, by chance.
    :ivar gave_up: whether it stops because a service cannot be kept up.
    """

    def __init__(
        self,
        limit: Callable[[], float | None],
        limits: Callable[[], Limits] = Limits,
        dice: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(limit, limits, dice)
        self._policies = Policies(self)
        self._overdue: list[Worker] = []
        self.gave_up = False
        self._mutate: list[Worker] = []
        self._told: list[Action] = []

    # Facts

    def add(self, spec: object, workers: int) -> None:
        """Have a service run by so many workers."""
        self.slots += [Slot(spec, index) for index in range(workers)]

    def size(self, spec: object) -> int:
        """Return by how many workers a service is to be run."""
        return sum(slot.spec is spec for slot in self.slots)

    def resize(self, spec: object, workers: int) -> None:
        """Have a service that is here run by so many workers from now on.

        Those that are too many, of the last slots, stop in order.
        """
        own = [slot for slot in self.slots if slot.spec is spec]
        for slot in own[workers:]:
            slot.surplus = True
            self.slots.remove(slot)
        first = 1 + max(slot.index for slot in own)
        new = range(first, first + workers - len(own))
        self.slots += [Slot(spec, index) for index in new]

    def ready(self, worker: Worker, now: float) -> None:
        """Record that every ``start()`` in the worker has returned."""
        worker.ready_at = now

    def stopped(self, worker: Worker) -> None:
        """Record that every ``stop()`` in the worker has returned."""
        worker.stopped = True

    def mutated(self, worker: Worker) -> None:
        """Record that the worker is done with one order to mutate."""
        worker.mutations = max(0, worker.mutations - 1)

    def answered(self, worker: Worker) -> None:
        """Record that the worker has answered."""
        worker.asked, worker.silence = False, 0.0

    def measured(self, worker: Worker, size: int) -> None:
        """Record how many bytes a worker uses."""
        self._policies.make_lifespans().measured(worker, size)

    def served(self, worker: Worker) -> None:
        """Record that a worker has answered as many requests as it may."""
        self._policies.make_lifespans().note(worker, Cause.REQUESTS)

    def overdue(self, worker: Worker) -> None:
        """Record that a worker has work that has taken longer than it may."""
        self._overdue.append(worker)

    def gone(self, worker: Worker, status: int | None, now: float) -> None:
        """Record that a worker has ended.

        :param status: its exit status, or the negative number of the signal
            that ended it; None where nobody knows.
        """
        if self.workers.pop(worker.number, None) is None:
            return
        slot = worker.slot
        if slot.dismissed is worker:
            slot.dismissed = None
        if slot.current is worker:
            slot.current = None
            if not (worker.ordered or slot.surplus):
                slot.vacated = Cause.UNEXPECTED
                self._count_death(worker, status, now)
                self._note_loss(slot, now)
        if not worker.ordered:
            self._policies.lost(worker, now)
        told = worker.ordered and not worker.hung
        if self.goal is Goal.STOP and told and status != 0:
            self.status = 1

    def started(self, worker: Worker) -> None:
        """Record that the process of a worker has been started."""
        worker.slot.refusals = 0

    def refused(self, worker: Worker, now: float) -> None:
        """Record that the system has no room for a worker: it is waited for."""
        del self.workers[worker.number]
        slot = worker.slot
        slot.refusals += 1
        if slot.successor is worker:
            self._policies.make_succession().refused(slot, now)
            return
        slot.current = None
        slot.not_before = now + pause(slot.refusals)

    def undelivered(self, worker: Worker, kind: OrderKind) -> None:
        """Record that the worker will never read an order: no answer is to come.

        An order to stop is another matter: it is given by a signal then.
        """
        if kind is OrderKind.MUTATE:
            self.mutated(worker)
        elif kind is OrderKind.ANSWER:
            worker.asked = False

    def survived(self, worker: Worker, now: float) -> None:
        """Record that the system refuses to kill a worker: it is tried again."""
        worker.killed = False
        worker.refusals += 1
        worker.kill_not_before = now + pause(worker.refusals)

    def unstopped(self, worker: Worker, now: float) -> None:
        """Record that the system refuses to signal a worker to stop: tried again."""
        worker.refusals += 1
        worker.order_due = now + pause(worker.refusals)

    def stop(self) -> None:
        """Have every worker stop in order, and start no further one."""
        self.goal = max(self.goal, Goal.STOP)

    def quit(self) -> None:
        """Have every worker ended at once."""
        self.goal = Goal.QUIT
        self.status = 1

    def reload(self) -> None:
        """Have every worker replaced, and slots in a crash loop tried at once."""
        self.adopt(self.generation + 1)

    def adopt(self, generation: int) -> None:
        """Have workers have the configuration of a reload from now on."""
        super().adopt(generation)
        self._forget_pauses()

    def roll(self) -> None:
        """Have every worker replaced, one after the other, each successor first."""
        self._policies.make_succession().roll()

    def recycle(self, wanted: Callable[[Slot], bool] = lambda _slot: True) -> int:
        """Have workers replaced by such as are the same, likewise; return how many.

        :param wanted: whether that of a slot is one of them.
        """
        return self._policies.make_succession().recycle(wanted)

    def mutate(self) -> None:
        """Have every worker mutate its configuration."""
        self._mutate = list(self.workers.values())

    # What follows from them

    def advance(self, now: float) -> list[Action]:
        """Return what is to be done now; it counts as done."""
        actions, self._told = self._told, []
        self._policies.look_at_limits()
        if self.goal is Goal.RUN and (self._overdue or self._policies.hangs):
            actions += self._replace_hung(now)
        if self.goal is Goal.RUN:
            actions += self._order_mutation()
            actions += self._policies.advance(now)
            for slot in self.slots:
                actions += self._attend(slot, now)
            for worker in self.workers.values():
                if worker.slot.surplus:
                    actions += self.order_stop(worker, now)
        elif self.goal is Goal.STOP:
            for worker in self.workers.values():
                actions += self.order_stop(worker, now)
        if self.goal is not Goal.QUIT:
            actions += self.order_again(now)
        actions += self.report_hung(now)
        actions += self.kill_those_due(now)
        return actions

    def ask(self) -> list[Action]:
        """Have every worker that is past its start answer; it counts as done."""
        actions: list[Action] = []
        for worker in self.workers.values():
            if not (worker.ordered or worker.ready_at is None):
                actions += self.ask_worker(worker)
        return actions

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        due = [*self.next_due()]
        if self.goal is Goal.RUN:
            due += [slot.not_before for slot in self.slots if slot.current is None]
            due += self._policies.deadlines()
        return earliest(due)

    @property
    def replacements(self) -> int:
        """How many workers were started in place of lost ones."""
        return self.restarts[Cause.UNEXPECTED] + self.restarts[Cause.HUNG]

    @property
    def all_ready(self) -> bool:
        """Whether the latest worker of every slot is past its start."""
        return all(
            slot.current is not None and slot.current.ready_at is not None
            for slot in self.slots
        )

    @property
    def reloading(self) -> bool:
        """Whether a reload, or a mutation, is not done yet everywhere."""
        return (
            bool(self._mutate)
            or self._policies.unsettled
            or any(
                slot.current is None
                or slot.current.generation < self.generation
                or slot.current.mutations > 0
                for slot in self.slots
            )
        )

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.goal is not Goal.RUN and not self.workers

    def _attend(self, slot: Slot, now: float) -> Iterator[Action]:
        worker = slot.current
        if worker is not None and worker.generation < self.generation:
            yield from self.order_stop(worker, now)
            if worker.stopped:
                # It finishes its work on its own, and has no slot any more.
                worker = slot.current = None
        if worker is None and now >= slot.not_before:
            yield self.start(slot, now)

    def _replace_hung(self, now: float) -> Iterator[Action]:
        overdue = [one for one in self._overdue if not one.ordered]
        self._overdue = []
        for worker in (*overdue, *self._policies.find_hung(now)):
            if worker.hung or worker.number not in self.workers:
                continue
            slot, told = worker.slot, worker.ordered
            if slot.current is worker:
                slot.current, slot.vacated = None, Cause.HUNG
                slot.not_before = now
                if not told:
                    self._note_loss(slot, now)
            yield from self.give_up(worker, now)
            if not told:
                self._policies.lost(worker, now)
        yield from self._policies.ask(now)

    def _order_mutation(self) -> Iterator[Action]:
        workers, self._mutate = self._mutate, []
        for worker in workers:
            if worker.number in self.workers and not worker.ordered:
                worker.mutations += 1
                yield Order(worker, OrderKind.MUTATE)

    def _count_death(self, worker: Worker, status: int | None, now: float) -> None:
        seconds = crash_loops.count_death(worker, status, now)
        if seconds and self.goal is Goal.RUN:
            self._told.append(ReportCrashLoop(worker.slot, seconds))

    def _note_loss(self, slot: Slot, now: float) -> None:
        limits = self.limits
        crash_loops.note_loss(slot, limits, now)
        if self.goal is Goal.RUN and all(
            crash_loops.is_exhausted(one, limits, now)
            for one in self.slots
            if one.spec is slot.spec
        ):
            self.gave_up = True
            self.status = 1
            self.stop()
            self._forget_pauses()
            self._told.append(ReportGivenUp(slot, limits))

    def _forget_pauses(self) -> None:
        """Have nobody told of pauses that have ended before they were told of."""
        self._told = [one for one in self._told if not isinstance(one, ReportCrashLoop)]
