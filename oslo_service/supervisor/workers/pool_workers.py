# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The workers of a pool, and how one is started, told to stop, and killed.

What the policies of the pool have in common: each of them decides for whom.
"""

import collections
import enum
from collections.abc import Callable, Iterator

from oslo_service.supervisor.events import Cause
from oslo_service.supervisor.workers.actions import (
    Action,
    Kill,
    Order,
    OrderKind,
    ReportHung,
    Start,
    TakeStacks,
)
from oslo_service.supervisor.workers.limits import Limits
from oslo_service.supervisor.workers.slots import STARTING, Slot, Worker

__all__ = ("GRACE", "Goal", "PoolWorkers")

#: What the parent gives its workers beyond their own limit, in seconds.
GRACE = 1.0
#: What a worker that hangs is given to leave its stacks, in seconds.
STACKS = 0.5


class Goal(enum.IntEnum):
    """What is wanted of a pool; it only ever increases."""

    RUN = 1
    STOP = 2
    QUIT = 3


class PoolWorkers:
    """Slots, workers, and what has been done about them.

    :param limit: returns the seconds that a worker may take to stop; 0 or None
        sets no limit.
    :param limits: returns what else is configured.
    :param dice: returns a number from 0 to 1, by chance.
    :ivar status: what the launcher's exit status is going to be.
    :ivar generation: how many reloads there were.
    :ivar slots: the slots of all services that are to have a worker.
    :ivar workers: the workers that are not gone, by number, with or without a slot.
    :ivar restarts: how many workers have followed others, and why.
    """

    def __init__(
        self,
        limit: Callable[[], float | None],
        limits: Callable[[], Limits] = Limits,
        dice: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._limit = limit
        self._limits = limits
        self._dice = dice
        self.goal = Goal.RUN
        self.slots: list[Slot] = []
        self.workers: dict[int, Worker] = {}
        self.status = 0
        self.generation = 0
        self.restarts: collections.Counter[Cause] = collections.Counter()
        self._numbers = 0

    @property
    def limits(self) -> Limits:
        """What is configured now."""
        return self._limits()

    def adopt(self, generation: int) -> None:
        """Have workers have the configuration of a reload from now on."""
        self.generation = generation
        for slot in self.slots:
            slot.crashes = slot.refusals = slot.failures = 0
            slot.not_before = slot.succeed_not_before = 0.0
            slot.losses.clear()
            slot.exhausted = False

    def start(self, slot: Slot, now: float) -> Start:
        """Have a slot get a worker."""
        self.count_vacancy(slot)
        worker = slot.current = self._hire(slot, now, self.generation)
        return Start(worker, reset=worker.generation > 0)

    def start_successor(self, slot: Slot, now: float, generation: int) -> Start:
        """Have a slot get a worker that is to follow the one that it has."""
        worker = slot.successor = self._hire(slot, now, generation)
        ahead = generation > self.generation
        return Start(worker, reset=generation > 0, ahead=ahead, successor=True)

    def _hire(self, slot: Slot, now: float, generation: int) -> Worker:
        self._numbers += 1
        worker = Worker(self._numbers, slot, generation, now)
        worker.chance = self._dice()
        self.workers[worker.number] = worker
        return worker

    def count_vacancy(self, slot: Slot) -> None:
        """Count the worker that a slot gets, where it has lost one unexpectedly."""
        cause, slot.vacated = slot.vacated, None
        if cause is not None:
            self.restarts[cause] += 1

    def order_stop(
        self, worker: Worker, now: float, cause: Cause = Cause.ORDERED
    ) -> Iterator[Order]:
        """Have a worker stop in order, unless it was told to."""
        if not worker.ordered:
            worker.ordered, worker.ordered_at = True, now
            worker.cause = cause
            limits = self._times_to_end(worker, GRACE)
            worker.deadline = now + min(limits) if limits else None
            yield Order(worker, OrderKind.STOP)

    def _times_to_end(self, worker: Worker, grace: float = 0.0) -> list[float]:
        """Return what limits the time that a worker has, from now on, to end."""
        limit = self._limit()
        times = [limit + grace] if limit else []
        if worker.slot.successor is worker and worker.ready_at is None:
            # It has no work to finish, but a start() that may never return.
            worker.slot.dismissed = worker
            times.append(self.limits.start_timeout or STARTING)
        return times

    def ask_worker(self, worker: Worker) -> Iterator[Order]:
        """Return the order to answer, unless the worker still owes an answer."""
        if not worker.asked:
            worker.asked, worker.silence = True, 0.0
            yield Order(worker, OrderKind.ANSWER)

    def give_up(self, worker: Worker, now: float) -> Iterator[Action]:
        """Have a worker stop that hangs, and soon killed."""
        limits = self._times_to_end(worker)
        if self.limits.worker_timeout:
            limits.append(self.limits.worker_timeout)
        told = worker.ordered
        worker.hung = worker.ordered = True
        worker.cause = Cause.HUNG
        if limits:
            due = now + min(limits)
            worker.deadline = min(due, worker.deadline or due)
        worker.report_at = now + min([STACKS, *limits])
        yield TakeStacks(worker)
        if not told:
            yield Order(worker, OrderKind.STOP)

    def report_hung(self, now: float) -> Iterator[ReportHung]:
        """Return reports of the workers that hang, whose stacks are taken by now."""
        for worker in self.workers.values():
            if worker.report_at is not None and now >= worker.report_at:
                worker.report_at = None
                yield ReportHung(worker)

    def order_again(self, now: float) -> Iterator[Order]:
        """Return the orders to stop that are due again: they could not be given."""
        for worker in self.workers.values():
            if worker.order_due is not None and now >= worker.order_due:
                worker.order_due = None
                yield Order(worker, OrderKind.STOP)

    def kill_those_due(self, now: float) -> Iterator[Kill]:
        """Return kills of the workers whose time is over."""
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
            yield worker.report_at
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
