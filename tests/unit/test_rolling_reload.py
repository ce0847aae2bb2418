# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A rolling reload, and its end: every worker has the new, or every one the old."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)
from paper_workers import SIGKILLED, Parent

from oslo_service.supervisor.workers import actions, state

START = 10.0


def a_parent(workers: int, limit: float | None = 60.0, **limits: float) -> Parent:
    """Return one whose workers are ready."""
    parent = Parent(limit, **{"start_timeout": START, **limits})
    parent.add(workers)
    for worker in list(parent.alive.values()):
        parent.ready(worker)
    return parent


def generations(parent: Parent) -> list[int | None]:
    """Return what the slots have."""
    return [
        None if slot.current is None else slot.current.generation
        for slot in parent.pool.slots
    ]


def failures(parent: Parent) -> list[state.Worker]:
    """Return whom reloads have failed of."""
    return [
        one.worker for one in parent.told if isinstance(one, actions.ReportRollFailed)
    ]


def is_settled(parent: Parent) -> bool:
    """Whether there is one worker in each slot, and none is to be replaced."""
    return len(parent.alive) == len(parent.pool.slots) and all(
        slot.successor is None
        and slot.current is not None
        and slot.current.ready_at is not None
        and slot.current.due is None
        for slot in parent.pool.slots
    )


class TestForward:
    """It goes on as long as successors are ready in time."""

    def test_slot_by_slot_the_successor_first(self) -> None:
        parent = a_parent(3)
        old = [slot.current for slot in parent.pool.slots]
        parent.order("roll")
        for index, worker in enumerate(old):
            assert len(parent.alive) == len(old) + 1 - 0 * index
            assert worker is not None
            start = parent.started[-1]
            assert start.worker.slot is parent.pool.slots[index]
            assert start.ahead
            assert start.reset
            assert start.successor
            assert worker.number not in parent.ordered
            parent.ready(start.worker)
            assert worker.number in parent.ordered
            parent.dies(worker, 0)
        assert generations(parent) == [1, 1, 1]
        assert parent.adopted == 1
        assert not parent.pool.reloading
        assert failures(parent) == []

    def test_the_parent_adopts_it_when_the_last_one_is_ready(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.ready(parent.worker)
        assert (parent.adopted, parent.pool.generation) == (0, 0)
        assert parent.pool.reloading
        parent.ready(parent.worker)
        assert (parent.adopted, parent.pool.generation) == (1, 1)
        parent.dies(parent.worker)
        assert not parent.started[-1].ahead, "it is the parent's own by now"

    def test_an_old_worker_that_dies_meanwhile_is_replaced_by_an_old_one(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        second = parent.pool.slots[1].current
        assert second is not None
        parent.dies(second)
        assert parent.worker.generation == 0
        assert failures(parent) == []

    def test_a_slot_that_stays_empty_gets_the_new_one(self) -> None:
        parent = Parent(start_timeout=START)
        parent.add(1)
        for _ in range(3):
            parent.dies(parent.worker, 1)
        assert generations(parent) == [None]
        parent.order("roll")
        assert parent.worker.generation == 1
        parent.ready(parent.worker)
        assert generations(parent) == [1]
        assert parent.adopted == 1

    def test_another_one_begins_with_the_first_slot_again(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.ready(parent.worker)
        given_up = parent.worker
        parent.order("roll")
        assert given_up.number in parent.ordered
        assert parent.worker.generation == 2
        assert parent.worker.slot is parent.pool.slots[0]
        parent.dies(given_up, 0)
        for _ in range(2):
            parent.ready(parent.worker)
        assert generations(parent) == [2, 2]
        assert parent.adopted == 1

    def test_an_end_of_all_is_not_held_up_by_it(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.order("stop")
        assert set(parent.alive) == parent.ordered
        for worker in list(parent.alive.values()):
            parent.dies(worker, 0)
        assert parent.pool.ended
        assert parent.pool.status == 0


class TestBack:
    """The first that fails ends it, and all is as it was."""

    @pytest.mark.parametrize("status", [0, 1, SIGKILLED])
    def test_one_that_ends_before_it_is_ready(self, status: int) -> None:
        parent = a_parent(2)
        old = [slot.current for slot in parent.pool.slots]
        parent.order("roll")
        failed = parent.worker
        parent.dies(failed, status)
        assert failures(parent) == [failed]
        assert [slot.current for slot in parent.pool.slots] == old
        assert parent.ordered == set()
        assert not parent.pool.reloading
        assert parent.adopted == 0

    def test_one_that_is_not_ready_in_time_and_not_one_moment_before(self) -> None:
        parent = a_parent(1)
        parent.order("roll")
        late = parent.worker
        parent.pass_time(START - 0.01)
        assert failures(parent) == []
        assert parent.pool.deadline == pytest.approx(parent.now + 0.01)
        parent.pass_time(0.01)
        assert failures(parent) == [late]
        assert late.number in parent.ordered
        assert [one for one in parent.told if isinstance(one, actions.ReportLate)]
        assert generations(parent) == [0]

    @pytest.mark.parametrize(
        ("limit", "seconds"), [(0, START), (None, START), (60.0, START), (2.0, 3.0)]
    )
    def test_one_that_was_never_ready_is_killed_soon(
        self, limit: float | None, seconds: float
    ) -> None:
        parent = a_parent(2, limit=limit)
        parent.order("roll")
        late = parent.worker
        parent.pass_time(START)
        parent.stopped(late)  # but its start() has not returned
        parent.pass_time(seconds - 0.01)
        assert parent.killed == set()
        parent.pass_time(0.01)
        assert parent.killed == {late.number}

    @pytest.mark.parametrize("what", ["roll", "stop"])
    def test_so_is_one_that_is_not_wanted_any_more(self, what: str) -> None:
        parent = a_parent(2, limit=0, start_timeout=0)
        parent.order("roll")
        hanging = parent.worker
        parent.order(what)
        parent.pass_time(state.STARTING)
        assert parent.killed == {hanging.number}

    def test_its_slot_gets_no_other_before_it_has_ended(self) -> None:
        parent = a_parent(1, limit=0)
        parent.order("roll")
        late = parent.worker
        parent.pass_time(START)
        parent.order("roll")
        assert parent.worker is late
        parent.dies(late)
        assert parent.worker is not late
        parent.ready(parent.worker)
        assert generations(parent) == [2]

    def test_one_that_was_ready_finishes_its_work(self) -> None:
        parent = a_parent(1, limit=0)
        parent.order("roll")
        parent.now += START
        parent.ready(parent.worker)
        parent.pass_time(1000)
        assert parent.killed == set()

    def test_one_that_was_ready_too_late_but_is_heard_of_first(self) -> None:
        parent = a_parent(1)
        parent.order("roll")
        parent.now += START
        parent.ready(parent.worker)
        assert failures(parent)
        assert generations(parent) == [0]

    def test_without_a_limit_it_is_waited_for(self) -> None:
        parent = a_parent(1, start_timeout=0)
        parent.order("roll")
        assert parent.pool.deadline is None
        parent.pass_time(10_000)
        parent.ready(parent.worker)
        assert generations(parent) == [1]

    def test_what_was_replaced_is_rolled_back_the_same_way(self) -> None:
        parent = a_parent(3)
        parent.order("roll")
        for _ in range(2):
            parent.ready(parent.worker)
        new = [slot.current for slot in parent.pool.slots[:2]]
        parent.dies(parent.worker, 1)
        assert parent.pool.reloading
        for worker in new:
            assert worker is not None
            back = parent.started[-1]
            assert not back.ahead
            assert not back.reset, "no reload has come before it"
            assert back.worker.slot is worker.slot
            assert worker.number not in parent.ordered
            parent.ready(back.worker)
            assert worker.number in parent.ordered
        assert generations(parent) == [0, 0, 0]
        assert not parent.pool.reloading
        assert parent.adopted == 0
        assert len(failures(parent)) == 1

    def test_one_that_was_ready_and_dies_before_the_last_is(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.ready(parent.worker)
        new = parent.pool.slots[0].current
        assert new is not None
        parent.dies(new, 1)
        assert failures(parent) == [new]
        current = parent.pool.slots[0].current
        assert current is not None
        assert current.generation == 0

    def test_a_way_back_that_fails_is_tried_again_and_the_new_one_serves(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.ready(parent.worker)
        parent.dies(parent.worker, 1)
        for seconds in (0.1, 0.2, 0.4):
            parent.dies(parent.worker, 1)
            assert generations(parent) == [1, 0]
            parent.pass_time(seconds)
        parent.ready(parent.worker)
        assert generations(parent) == [0, 0]
        told = [
            one for one in parent.told if isinstance(one, actions.ReportRollbackFailed)
        ]
        assert [one.worker.slot.index for one in told] == [0], "once"

    def test_a_way_back_that_fails_is_told_again_after_another_reload(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.ready(parent.worker)
        parent.dies(parent.worker, 1)
        parent.dies(parent.worker, 1)
        parent.order("roll")
        parent.dies(parent.worker, 1)
        parent.pass_time(1)
        parent.dies(parent.worker, 1)
        kinds = [type(one) for one in parent.told]
        assert kinds == 2 * [actions.ReportRollFailed, actions.ReportRollbackFailed]

    def test_a_way_back_that_is_never_ready_is_one_that_fails(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.ready(parent.worker)
        parent.dies(parent.worker, 1)
        kinds = [type(one) for one in parent.told]
        assert kinds == [actions.ReportRollFailed], "the way back has only begun"
        parent.pass_time(START)
        kinds = [type(one) for one in parent.told]
        assert kinds[1:] == [actions.ReportLate, actions.ReportRollbackFailed]
        assert parent.pool.reloading

    def test_what_finds_no_room_is_waited_for(self) -> None:
        parent = a_parent(1)
        parent.fail_to_start = True
        parent.order("roll")
        assert parent.pool.deadline == pytest.approx(parent.now + 0.1)
        parent.pass_time(5)
        assert parent.refused
        assert failures(parent) == []
        parent.fail_to_start = False
        parent.pass_time(30)
        parent.ready(parent.worker)
        assert generations(parent) == [1]

    def test_a_reload_may_follow_which_succeeds(self) -> None:
        parent = a_parent(2)
        parent.order("roll")
        parent.dies(parent.worker, 1)
        parent.order("roll")
        for _ in range(2):
            parent.ready(parent.worker)
        assert generations(parent) == [2, 2]
        assert parent.adopted == 1


class AnyRoll(RuleBasedStateMachine):
    """Whatever happens, as many serve as before: see :meth:`Parent.check_capacity`."""

    @initialize(
        workers=st.integers(1, 4),
        timeout=st.sampled_from([0.0, 8.0]),
        restarts=st.sampled_from([0, 0, 3]),
    )
    def begin(self, workers, timeout, restarts) -> None:
        self.parent = Parent(
            2.0,
            start_timeout=START,
            worker_max_age=500.0,
            worker_timeout=timeout,
            restart_limit=restarts,
        )
        self.parent.add(workers)

    alive = precondition(lambda self: self.parent.alive)
    number = st.integers(0, 1000)

    def pick(self, number: int) -> state.Worker:
        workers = list(self.parent.alive.values())
        return workers[number % len(workers)]

    @rule(what=st.sampled_from(["roll", "roll", "recycle"]))
    def order(self, what) -> None:
        self.parent.order(what)

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 5.0, 10.0, 100.0]))
    def pass_time(self, seconds) -> None:
        self.parent.pass_time(seconds)

    @alive
    @rule(number=number)
    def ready(self, number) -> None:
        worker = self.pick(number)
        if worker.ready_at is None:
            self.parent.ready(worker)

    @alive
    @rule(number=number, status=st.sampled_from([0, 1, SIGKILLED]))
    def dies(self, number, status) -> None:
        self.parent.dies(self.pick(number), status)

    @rule(number=number)
    def answers(self, number) -> None:
        asked = self.parent.asked
        if asked:
            self.parent.pool.answered(asked.pop(number % len(asked)))
            self.parent.advance()

    @alive
    @rule(number=number)
    def takes_too_long(self, number) -> None:
        self.parent.pool.overdue(self.pick(number))
        self.parent.advance()

    @rule(fails=st.booleans())
    def system_is_full(self, fails) -> None:
        self.parent.fail_to_start = fails

    def teardown(self) -> None:
        """When nothing happens any more, all have one configuration."""
        parent = getattr(self, "parent", None)
        if parent is None:
            return
        parent.fail_to_start = False
        parent.limits = Parent().limits
        if parent.given_up:
            for worker in list(parent.alive.values()):
                parent.dies(worker, 0)
            assert parent.pool.ended
            assert parent.pool.status == 1
            return
        for _ in range(50):
            for worker in list(parent.alive.values()):
                if worker.number in parent.ordered:
                    parent.dies(worker, 0)
                elif worker.ready_at is None:
                    parent.ready(worker)
            if not parent.pool.reloading and is_settled(parent):
                break
            parent.pass_time(31.0)
        assert set(generations(parent)) == {parent.pool.generation}
        assert not parent.pool.reloading
        assert len(parent.alive.keys() - parent.ordered) == len(parent.pool.slots)


TestAnyRoll = AnyRoll.TestCase
TestAnyRoll.settings = settings(max_examples=80, stateful_step_count=30)
