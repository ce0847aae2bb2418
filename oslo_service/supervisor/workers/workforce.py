# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The workers of a pool, and how one is started, told to stop, and killed.

What the policies of the pool have in common: each of them decides for whom.
"""

import enum
from collections.abc import Callable, Iterator

from oslo_service.supervisor.limits import Limits
from oslo_service.supervisor.workers.actions import Kill, Order, OrderKind, Start
from oslo_service.supervisor.workers.slots import Slot, Worker

__all__ = ("GRACE", "Goal", "Workforce")

#: What the parent gives its workers beyond their own limit, in seconds.
GRACE = 1.0


class Goal(enum.IntEnum):
    """What is wanted of a pool; it only ever increases."""

    RUN = 1
    STOP = 2
    QUIT = 3


class Workforce:
    """Slots, workers, and what has been done about them.

    :param limit: returns the seconds that a worker may take to stop; 0 or None
        sets no limit.
    :param limits: returns what else is configured.
    :ivar status: what the launcher's exit status is going to be.
    :ivar generation: how many reloads there were.
    :ivar replacements: how many workers were started as successors of dead ones.
    """

    def __init__(
        self,
        limit: Callable[[], float | None],
        limits: Callable[[], Limits] = Limits,
    ) -> None:
        self._limit = limit
        self._limits = limits
        self.goal = Goal.RUN
        self.slots: list[Slot] = []
        self.workers: dict[int, Worker] = {}
        self.status = 0
        self.generation = 0
        self.replacements = 0
        self._numbers = 0

    def start(self, slot: Slot, now: float) -> Start:
        """Have a slot get a worker."""
        self._numbers += 1
        self.replacements += slot.died
        slot.died = False
        worker = Worker(self._numbers, slot, self.generation, now)
        slot.current = self.workers[worker.number] = worker
        return Start(worker, reset=self.generation > 0)

    def order_stop(self, worker: Worker, now: float) -> Iterator[Order]:
        """Have a worker stop in order, unless it was told to."""
        if not worker.ordered:
            limit = self._limit()
            worker.ordered = True
            worker.deadline = now + limit + GRACE if limit else None
            yield Order(worker, OrderKind.STOP)

    def order_again(self, now: float) -> Iterator[Order]:
        """Have those told that could not be."""
        for worker in self.workers.values():
            if worker.order_due is not None and now >= worker.order_due:
                worker.order_due = None
                yield Order(worker, OrderKind.STOP)

    def kill_those_due(self, now: float) -> Iterator[Kill]:
        """Have those killed whose time is over."""
        for worker in self.workers.values():
            due = self._kill_due(worker)
            if due is not None and now >= due:
                worker.killed = True
                late = worker.deadline is not None and now >= worker.deadline
                yield Kill(worker, late)

    def next_due(self) -> Iterator[float | None]:
        """Return when something is to be done again: None says nothing."""
        for worker in self.workers.values():
            yield self._kill_due(worker)
            if self.goal is not Goal.QUIT:
                yield worker.order_due

    def _kill_due(self, worker: Worker) -> float | None:
        """Return when a worker is to be killed; None: it is not, or has been."""
        if worker.killed:
            return None
        if self.goal is Goal.QUIT:
            return worker.kill_not_before
        if worker.deadline is None:
            return None
        return max(worker.deadline, worker.kill_not_before)
