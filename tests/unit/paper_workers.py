# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A parent whose workers exist only on paper, with a clock that is turned by hand."""

import pytest

from oslo_service.supervisor.workers import actions, state
from oslo_service.supervisor.workers.limits import Limits
from oslo_service.supervisor.workers.state import (
    Goal,
    Kill,
    Order,
    OrderKind,
    PoolState,
    Start,
)

SIGKILLED, SIGTERMED = -9, -15


class Parent:
    """Does what the state of a pool says, with processes that exist only on paper.

    After each event it checks what must always hold.
    """

    def __init__(self, limit: float | None = 60.0, **limits: float) -> None:
        self.now = 1000.0
        self.limits = Limits(**{"restart_window": 30.0, **limits})
        self.chance = 0.0
        self.pool = PoolState(lambda: limit, lambda: self.limits, lambda: self.chance)
        self.alive: dict[int, state.Worker] = {}
        self.ordered: set[int] = set()
        self.mutated: list[int] = []
        self.asked: list[state.Worker] = []
        self.killed: set[int] = set()
        self.pauses: list[float] = []
        self.started: list[Start] = []
        self.given_up: list[state.ReportGivenUp] = []
        self.fail_to_start = False
        self.refused = 0
        self.fail_to_kill = False
        self.fail_to_order = False
        self.deaf: set[int] = set()
        self.adopted = 0
        self.measured = 0
        self.told: list[state.Action] = []
        #: Whether workers may be told to stop before their successors are ready.
        self.reloads = False

    def advance(self) -> None:
        """Do what there is to do, until there is nothing more."""
        for _ in range(100):
            actions = self.pool.advance(self.now)
            if not actions:
                break
            for action in actions:
                self.do(action)
        else:
            pytest.fail("the parent spins")
        self.check()

    def do(self, action: state.Action) -> None:
        match action:
            case Start(worker, _):
                self.started.append(action)
                if self.fail_to_start:
                    self.refused += 1
                    self.pool.refused(worker, self.now)
                else:
                    self.pool.started(worker)
                    self.alive[worker.number] = worker
            case Order(worker, kind):
                self.give(worker, kind)
            case Kill(worker, _):
                assert worker.number not in self.killed, "a worker is killed once"
                if self.fail_to_kill:
                    self.pool.survived(worker, self.now)
                else:
                    self.killed.add(worker.number)
            case state.ReportCrashLoop(_, pause):
                self.pauses.append(pause)
            case state.ReportGivenUp():
                self.given_up.append(action)
            case actions.Adopt():
                self.adopted += 1
            case actions.Measure():
                self.measured += 1
            case _:
                self.told.append(action)

    def give(self, worker: state.Worker, kind: OrderKind) -> None:
        match kind:
            case OrderKind.STOP if self.fail_to_order:
                self.pool.unstopped(worker, self.now)
            case OrderKind.STOP:
                assert worker.number in self.alive
                assert worker.number not in self.ordered, "an order is given once"
                self.ordered.add(worker.number)
                self.check_capacity(worker)
            case _ if worker.number in self.deaf:
                self.pool.undelivered(worker, kind)
            case OrderKind.MUTATE:
                self.mutated.append(worker.number)
            case OrderKind.ANSWER:
                in_the_way = worker.slot.current is worker and not worker.stopped
                assert in_the_way or worker.number not in self.ordered, (
                    "who stops is left alone, unless its slot waits for that"
                )
                self.asked.append(worker)

    def check_capacity(self, worker: state.Worker) -> None:
        """Check that who is told to stop is not missed, unless it was of no use."""
        if worker.hung or worker.slot.surplus:
            return
        if self.pool.goal is not Goal.RUN or self.reloads:
            return
        serving = worker.slot.current
        was_of_no_use = worker.ready_at is None or worker.started_at == self.now
        assert was_of_no_use or (
            serving is not None
            and serving is not worker
            and (serving.ready_at is not None)
        ), "nobody serves in the place of who was told to stop"

    def check(self) -> None:
        """Check what holds after every event."""
        assert set(self.alive) == set(self.pool.workers), "no worker is forgotten"
        deadline = self.pool.deadline
        assert deadline is None or deadline > self.now, "it would spin"
        for slot in self.pool.slots:
            waits = slot.not_before > self.now
            if self.pool.goal is Goal.RUN:
                assert slot.current is not None or waits, "a slot is left empty"
        assert sum(one.successor is not None for one in self.pool.slots) <= 1
        tried = [one.worker.slot for one in self.started if self.is_tried(one)]
        assert len(tried) == len({id(one) for one in tried}), "successors pile up"
        for worker in self.alive.values():
            told = worker.number in self.ordered
            if worker.slot.surplus and self.pool.goal is Goal.RUN:
                assert told or (worker.order_due or 0) > self.now, "one is too many"
            late = worker.deadline is not None and worker.deadline <= self.now
            killed = worker.number in self.killed or worker.kill_not_before > self.now
            assert not late or killed, "a limit is not kept"
            if self.pool.goal is Goal.STOP:
                waits = (worker.order_due or 0) > self.now
                assert told or waits, "a worker is not told"
            if self.pool.goal is Goal.QUIT:
                assert killed, "a worker is left behind"

    def is_tried(self, start: Start) -> bool:
        """Whether a successor that was started has never been ready, and lives."""
        worker = start.worker
        alive = worker.number in self.alive
        return start.successor and alive and worker.ready_at is None

    # What may happen

    def add(self, workers: int) -> None:
        self.pool.add("service", workers)
        self.advance()

    def resize(self, workers: int) -> None:
        self.pool.resize("service", workers)
        self.advance()
        assert self.pool.size("service") == len(self.pool.slots) == workers

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.advance()

    def ready(self, worker: state.Worker) -> None:
        self.pool.ready(worker, self.now)
        self.advance()

    def stopped(self, worker: state.Worker) -> None:
        self.pool.stopped(worker)
        self.advance()

    def dies(self, worker: state.Worker, status: int | None = SIGKILLED) -> None:
        del self.alive[worker.number]
        self.pool.gone(worker, status, self.now)
        self.advance()

    def order(self, what: str) -> None:
        self.reloads = self.reloads or what == "reload"
        getattr(self.pool, what)()
        self.advance()

    def ask(self) -> list[state.Worker]:
        """Have the workers asked; give those that are."""
        self.asked.clear()
        for action in self.pool.ask():
            self.do(action)
        return list(self.asked)

    def silent(self) -> list[state.Worker]:
        """Return those who should have been heard of by now."""
        return [worker for worker in self.alive.values() if worker.is_silent(self.now)]

    @property
    def worker(self) -> state.Worker:
        """The worker that was started last."""
        return self.started[-1].worker
