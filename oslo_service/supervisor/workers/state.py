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

from oslo_service.supervisor.limits import Limits
from oslo_service.supervisor.workers import intensity
from oslo_service.supervisor.workers.actions import (
    Action,
    GiveUp,
    Kill,
    Order,
    OrderKind,
    Start,
    Throttled,
)
from oslo_service.supervisor.workers.slots import (
    BEGINNING,
    STARTING,
    Slot,
    Worker,
    pause,
)
from oslo_service.supervisor.workers.workforce import GRACE, Goal, Workforce

__all__ = (
    "BEGINNING",
    "GRACE",
    "STARTING",
    "Action",
    "GiveUp",
    "Goal",
    "Kill",
    "Order",
    "OrderKind",
    "PoolState",
    "Slot",
    "Start",
    "Throttled",
    "Worker",
    "pause",
)


class PoolState(Workforce):
    """The state of the worker pool of one launcher.

    :param limit: returns the seconds that a worker may take to stop; 0 or None
        sets no limit.
    :param limits: returns what else is configured.
    :ivar gave_up: whether it stops because a service cannot be kept up.
    """

    def __init__(
        self,
        limit: Callable[[], float | None],
        limits: Callable[[], Limits] = Limits,
    ) -> None:
        super().__init__(limit, limits)
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
        worker.asked = False

    def gone(self, worker: Worker, status: int | None, now: float) -> None:
        """Record that a worker has ended.

        :param status: its exit status, or the negative number of the signal
            that ended it; None where nobody knows.
        """
        if self.workers.pop(worker.number, None) is None:
            return
        slot = worker.slot
        if slot.current is worker:
            slot.current = None
            if not (worker.ordered or slot.surplus):
                slot.died = True
                self._count_death(worker, status, now)
                self._note_loss(slot, now)
        if self.goal is Goal.STOP and worker.ordered and status != 0:
            self.status = 1

    def started(self, worker: Worker) -> None:
        """Record that the process of a worker has been started."""
        worker.slot.refusals = 0

    def refused(self, worker: Worker, now: float) -> None:
        """Record that the system has no room for a worker: it is waited for."""
        del self.workers[worker.number]
        slot = worker.slot
        slot.current = None
        slot.refusals += 1
        slot.not_before = now + pause(slot.refusals)

    def undelivered(self, worker: Worker, kind: OrderKind) -> None:
        """Record that the worker will never read an order: no answer is to come.

        An order to stop is another matter: it is given by a signal then.
        """
        if kind is OrderKind.MUTATE:
            self.mutated(worker)
        elif kind is OrderKind.ANSWER:
            self.answered(worker)

    def survived(self, worker: Worker, now: float) -> None:
        """Record that the system lets nobody kill a worker: it is tried again."""
        worker.killed = False
        worker.refusals += 1
        worker.kill_not_before = now + pause(worker.refusals)

    def unstopped(self, worker: Worker, now: float) -> None:
        """Record that the system lets nobody tell a worker to stop: tried again."""
        worker.refusals += 1
        worker.order_due = now + pause(worker.refusals)

    def stop(self) -> None:
        """Have every worker stop in order, and start no more."""
        self.goal = max(self.goal, Goal.STOP)

    def quit(self) -> None:
        """Have every worker ended at once."""
        self.goal = Goal.QUIT
        self.status = 1

    def reload(self) -> None:
        """Have every worker replaced, and slots in a crash loop tried at once."""
        self.generation += 1
        for slot in self.slots:
            slot.crashes = slot.refusals = 0
            slot.losses.clear()
            slot.exhausted = False
            slot.not_before = 0.0

    def mutate(self) -> None:
        """Have every worker mutate its configuration."""
        self._mutate = list(self.workers.values())

    # What follows from them

    def advance(self, now: float) -> list[Action]:
        """Return what is to be done now; it counts as done."""
        actions, self._told = self._told, []
        if self.goal is Goal.RUN:
            actions += self._order_mutation()
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
        actions += self.kill_those_due(now)
        return actions

    def ask(self) -> list[Action]:
        """Have every worker that is past its start answer; it counts as done."""
        actions: list[Action] = []
        for worker in self.workers.values():
            if not (worker.ordered or worker.ready_at is None or worker.asked):
                worker.asked = True
                actions.append(Order(worker, OrderKind.ANSWER))
        return actions

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        due = [*self.next_due()]
        if self.goal is Goal.RUN:
            due += [slot.not_before for slot in self.slots if slot.current is None]
        return min((one for one in due if one is not None), default=None)

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
        return bool(self._mutate) or any(
            slot.current is None
            or slot.current.generation < self.generation
            or slot.current.mutations > 0
            for slot in self.slots
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

    def _order_mutation(self) -> Iterator[Action]:
        workers, self._mutate = self._mutate, []
        for worker in workers:
            if worker.number in self.workers and not worker.ordered:
                worker.mutations += 1
                yield Order(worker, OrderKind.MUTATE)

    def _count_death(self, worker: Worker, status: int | None, now: float) -> None:
        seconds = intensity.count_death(worker, status, now)
        if seconds and self.goal is Goal.RUN:
            self._told.append(Throttled(worker.slot, seconds))

    def _note_loss(self, slot: Slot, now: float) -> None:
        limits = self._limits()
        intensity.note_loss(slot, limits, now)
        if self.goal is Goal.RUN and all(
            intensity.is_exhausted(one, limits, now)
            for one in self.slots
            if one.spec is slot.spec
        ):
            self.gave_up = True
            self.status = 1
            self.stop()
            # Nobody waits for anything any more.
            told = [one for one in self._told if not isinstance(one, Throttled)]
            self._told = [*told, GiveUp(slot, limits)]
