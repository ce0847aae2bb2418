# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor's decisions, with a clock that is turned by hand."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from paper_workers import SIGKILLED, SIGTERMED, Parent

from oslo_service.supervisor.workers import state


@pytest.fixture
def parent() -> Parent:
    """A parent with one worker, which is ready."""
    parent = Parent()
    parent.add(1)
    parent.ready(parent.worker)
    return parent


class TestReplacing:
    """A worker that dies is replaced at once, unless it is a crash loop."""

    def test_a_killed_worker_is_replaced_at_once_however_often(self, parent) -> None:
        for _ in range(50):
            parent.ready(parent.worker)
            parent.dies(parent.worker, SIGKILLED)
        assert len(parent.started) == 51
        assert parent.pauses == []

    @pytest.mark.parametrize("status", [0, 1, SIGTERMED, None])
    def test_three_early_deaths_in_a_row_are_throttled(self, parent, status) -> None:
        for _ in range(3):
            assert parent.alive
            parent.ready(parent.worker)
            parent.dies(parent.worker, status)
        assert parent.pauses == [0.1]
        assert not parent.alive
        parent.pass_time(0.1)
        assert parent.alive

    def test_deaths_before_it_was_ready_count_even_by_sigkill(self) -> None:
        parent = Parent()
        parent.add(1)
        for _ in range(3):
            parent.dies(parent.worker, SIGKILLED)
        assert parent.pauses == [0.1]

    def test_the_pause_doubles_to_30_seconds(self) -> None:
        parent = Parent()
        parent.add(1)
        for _ in range(14):
            parent.dies(parent.worker, 1)
            parent.pass_time(30)
        assert parent.pauses[:4] == [0.1, 0.2, 0.4, 0.8]
        assert parent.pauses[-3:] == [30.0, 30.0, 30.0]

    def test_a_worker_that_has_lived_for_a_second_starts_the_count_over(
        self, parent
    ) -> None:
        for _ in range(10):
            for _ in range(2):
                parent.ready(parent.worker)
                parent.dies(parent.worker, 1)
            parent.ready(parent.worker)
            parent.pass_time(1.0)
            parent.dies(parent.worker, 1)
        assert parent.pauses == []

    def test_only_the_slot_in_the_crash_loop_waits(self, parent) -> None:
        parent.add(1)
        crashing = parent.worker
        for _ in range(3):
            parent.dies(parent.worker, 1)
        assert parent.worker.slot is crashing.slot
        parent.dies(parent.started[0].worker, SIGKILLED)
        assert parent.worker.slot is parent.started[0].worker.slot

    def test_a_worker_for_which_there_is_no_room_is_tried_again(self) -> None:
        parent = Parent()
        parent.fail_to_start = True
        parent.add(1)
        for seconds in (0.1, 0.2, 0.4):
            parent.pass_time(seconds - 0.01)
            assert parent.worker is parent.started[-1].worker
            tries = parent.refused
            parent.pass_time(0.01)
            assert parent.refused == tries + 1
        parent.fail_to_start = False
        parent.pass_time(0.8)
        assert len(parent.alive) == 1
        assert parent.pauses == [], "it is no crash loop"

    def test_the_pause_for_want_of_room_starts_over_and_is_30_seconds_at_most(
        self,
    ) -> None:
        parent = Parent()
        parent.fail_to_start = True
        parent.add(1)
        for _ in range(12):
            parent.pass_time(30)
        assert parent.refused == 13
        parent.fail_to_start = False
        parent.pass_time(30)
        parent.fail_to_start = True
        parent.ready(parent.worker)
        parent.dies(parent.worker)
        tries = parent.refused
        parent.pass_time(0.1)
        assert parent.refused == tries + 1

    def test_that_pause_does_not_grow_with_every_reload(self) -> None:
        # A reload tries at once; several while there is no room are no reason to wait.
        parent = Parent()
        parent.fail_to_start = True
        parent.add(1)
        for _ in range(10):
            parent.pool.reload()
            parent.pass_time(0)
        tries = parent.refused
        parent.pass_time(0.1)
        assert parent.refused == tries + 1


class TestReload:
    """Every worker is replaced; the old one drains meanwhile."""

    def test_the_successor_starts_when_stop_has_returned(self, parent) -> None:
        old = parent.worker
        parent.order("reload")
        assert parent.ordered == {old.number}
        assert len(parent.started) == 1
        parent.stopped(old)
        assert len(parent.started) == 2
        assert parent.started[1].reset
        assert len(parent.alive) == 2
        parent.dies(old, 0)
        assert len(parent.alive) == 1

    def test_the_successor_starts_when_the_old_one_is_gone(self, parent) -> None:
        parent.order("reload")
        parent.dies(parent.worker, 0)
        assert len(parent.started) == 2

    def test_an_old_worker_is_killed_a_second_after_its_limit(self, parent) -> None:
        old = parent.worker
        parent.order("reload")
        parent.stopped(old)
        parent.pass_time(60.9)
        assert parent.killed == set()
        parent.pass_time(0.2)
        assert parent.killed == {old.number}
        parent.dies(old)
        assert parent.pool.status == 0

    def test_one_during_another_replaces_the_new_workers_too(self, parent) -> None:
        parent.order("reload")
        parent.order("reload")
        parent.stopped(parent.worker)
        assert len(parent.started) == 2
        parent.order("reload")
        parent.stopped(parent.worker)
        assert len(parent.started) == 3

    def test_it_ends_the_pause_of_a_crash_loop(self) -> None:
        parent = Parent()
        parent.add(1)
        for _ in range(3):
            parent.dies(parent.worker, 1)
        parent.order("reload")
        assert parent.alive

    def test_of_a_pause_that_it_ends_as_it_begins_nothing_is_told(self) -> None:
        parent = Parent()
        parent.add(1)
        for _ in range(2):
            parent.dies(parent.worker, 1)
        # Both are found out in the same turn.
        del parent.alive[parent.worker.number]
        parent.pool.gone(parent.worker, 1, parent.now)
        parent.order("reload")
        assert parent.pauses == []
        assert parent.worker.generation == 1


class TestResizing:
    """A service can be run by more workers, or by less."""

    def test_what_is_missing_is_started(self, parent) -> None:
        parent.resize(3)
        assert [slot.index for slot in parent.pool.slots] == [0, 1, 2]
        assert len(parent.alive) == 3
        assert not any(start.reset for start in parent.started)

    def test_those_of_the_last_slots_stop_and_are_not_replaced(self, parent) -> None:
        parent.resize(3)
        first, *others = parent.alive.values()
        parent.resize(1)
        assert parent.ordered == {one.number for one in others}
        for worker in others:
            parent.stopped(worker)
            parent.dies(worker, 0)
        assert list(parent.alive.values()) == [first]
        assert parent.pool.replacements == 0

    def test_one_that_is_too_many_is_killed_past_its_limit(self, parent) -> None:
        parent.resize(2)
        parent.ready(parent.worker)
        parent.resize(1)
        parent.pass_time(61)
        assert parent.killed == {parent.worker.number}
        parent.dies(parent.worker)
        assert parent.pool.status == 0

    def test_a_number_that_is_free_again_is_taken_while_the_old_one_finishes(
        self, parent
    ) -> None:
        parent.resize(2)
        old = parent.worker
        parent.resize(1)
        parent.resize(2)
        assert parent.worker is not old
        assert parent.worker.slot.index == old.slot.index == 1
        assert old.number in parent.alive

    def test_the_size_lives_through_a_reload(self, parent) -> None:
        parent.resize(3)
        parent.order("reload")
        for worker in list(parent.alive.values()):
            parent.dies(worker, 0)
        assert len(parent.alive) == 3
        assert all(start.reset for start in parent.started[3:])

    def test_one_that_is_too_many_is_no_part_of_a_reload(self, parent) -> None:
        parent.resize(2)
        parent.resize(1)
        parent.order("reload")
        parent.dies(parent.started[0].worker, 0)
        assert not parent.pool.reloading

    def test_a_slot_in_a_crash_loop_can_be_taken_away(self) -> None:
        parent = Parent()
        parent.add(2)
        for _ in range(3):
            parent.dies(parent.started[1].worker, 1)
            parent.started[1:] = parent.started[2:]
        parent.resize(1)
        assert parent.pool.deadline is None

    def test_what_stops_is_not_resized_any_more(self, parent) -> None:
        parent.order("stop")
        parent.pool.resize("service", 3)
        parent.advance()
        assert len(parent.started) == 1


class TestStopping:
    """The end, in order or by force."""

    def test_every_worker_is_told_and_none_replaced(self, parent) -> None:
        parent.add(2)
        parent.order("stop")
        assert len(parent.ordered) == 3
        for worker in list(parent.alive.values()):
            assert not parent.pool.ended
            parent.dies(worker, 0)
        assert parent.pool.ended
        assert parent.pool.status == 0
        assert len(parent.started) == 3

    @pytest.mark.parametrize("status", [1, SIGKILLED, None])
    def test_a_worker_that_does_not_end_in_order_makes_the_status_1(
        self, parent, status
    ) -> None:
        parent.order("stop")
        parent.dies(parent.worker, status)
        assert parent.pool.status == 1

    def test_a_worker_past_its_limit_is_killed(self, parent) -> None:
        parent.order("stop")
        parent.pass_time(61)
        assert parent.killed == {parent.worker.number}

    @pytest.mark.parametrize("limit", [0, None])
    def test_no_limit_kills_nobody(self, limit) -> None:
        parent = Parent(limit)
        parent.add(1)
        parent.order("stop")
        assert parent.pool.deadline is None
        parent.pass_time(1e9)
        assert parent.killed == set()

    def test_quitting_kills_everybody(self, parent) -> None:
        parent.order("stop")
        parent.order("quit")
        assert parent.killed == {parent.worker.number}
        assert parent.pool.status == 1

    def test_mutating_tells_those_that_go_on(self, parent) -> None:
        parent.add(1)
        parent.order("mutate")
        assert sorted(parent.mutated) == sorted(parent.alive)
        assert parent.ordered == set()

    def test_readiness_takes_every_worker(self, parent) -> None:
        assert parent.pool.all_ready
        parent.add(1)
        assert not parent.pool.all_ready
        parent.ready(parent.worker)
        assert parent.pool.all_ready


class TestRefusals:
    """What could not be done is done later, or is not waited for."""

    def test_a_kill_that_is_refused_is_tried_again_with_growing_pauses(
        self, parent
    ) -> None:
        parent.fail_to_kill = True
        parent.order("stop")
        parent.pass_time(61)
        for seconds in (0.1, 0.2, 0.4):
            due = parent.pool.deadline
            assert due == pytest.approx(parent.now + seconds)
            parent.now = due
            parent.advance()
        parent.fail_to_kill = False
        parent.pass_time(0.79)
        assert parent.killed == set()
        parent.pass_time(0.02)
        assert parent.killed == {parent.worker.number}
        assert parent.pool.deadline is None

    def test_so_is_one_of_an_end_at_once(self, parent) -> None:
        parent.fail_to_kill = True
        parent.order("quit")
        parent.fail_to_kill = False
        parent.pass_time(0.1)
        assert parent.killed == {parent.worker.number}

    def test_what_no_worker_hears_is_not_waited_for(self, parent) -> None:
        parent.deaf.add(parent.worker.number)
        parent.order("mutate")
        assert not parent.pool.reloading
        parent.ask()
        assert parent.silent() == []
        parent.deaf.clear()
        assert parent.ask() == [parent.worker], "it may hear again"

    @pytest.mark.parametrize("order", ["stop", "reload"])
    def test_an_order_to_stop_that_is_refused_is_given_again(
        self, parent, order
    ) -> None:
        parent.fail_to_order = True
        parent.order(order)
        parent.pass_time(0.1)
        assert parent.pool.deadline == pytest.approx(parent.now + 0.2)
        parent.fail_to_order = False
        parent.pass_time(0.3)
        assert parent.ordered == {parent.worker.number}
        assert parent.pool.deadline == pytest.approx(parent.now + 60.6)


class TestHealth:
    """Who hangs is found out, and who has time is not."""

    def test_who_is_asked_is_silent_until_the_answer(self, parent) -> None:
        assert parent.silent() == []
        assert parent.ask() == [parent.worker]
        assert parent.silent() == [parent.worker]
        assert parent.ask() == [], "it is asked once"
        parent.pool.answered(parent.worker)
        assert parent.silent() == []
        assert parent.ask() == [parent.worker]

    def test_who_starts_has_its_time(self) -> None:
        parent = Parent()
        parent.add(1)
        assert parent.ask() == []
        parent.pass_time(state.STARTING)
        assert parent.silent() == []
        parent.pass_time(state.BEGINNING)
        assert parent.silent() == [parent.worker]
        parent.ready(parent.worker)
        assert parent.silent() == []

    @pytest.mark.parametrize("order", ["stop", "reload"])
    def test_who_stops_has_its_time(self, parent, order) -> None:
        worker = parent.worker
        parent.ask()
        parent.order(order)
        assert worker.number in parent.ordered
        assert parent.silent() == []
        assert parent.ask() == []

    def test_who_is_gone_is_not_waited_for(self, parent) -> None:
        parent.ask()
        parent.dies(parent.worker)
        assert parent.silent() == []


class TestAccount:
    """What is told of the workers."""

    def test_who_is_started_for_a_dead_one_is_a_restart(self, parent) -> None:
        assert parent.pool.replacements == 0
        parent.dies(parent.worker)
        parent.dies(parent.worker, 1)
        assert parent.pool.replacements == 2

    def test_who_is_started_at_a_reload_is_none(self, parent) -> None:
        parent.order("reload")
        parent.dies(parent.started[0].worker, 0)
        parent.ready(parent.worker)
        assert len(parent.started) == 2
        assert parent.pool.replacements == 0

    def test_a_reload_is_done_when_every_successor_is_there(self, parent) -> None:
        old = parent.worker
        assert not parent.pool.reloading
        parent.order("reload")
        assert parent.pool.reloading
        parent.stopped(old)
        assert parent.worker is not old
        assert not parent.pool.reloading
        assert not parent.pool.all_ready, "its start is another matter"

    def test_a_mutation_is_done_when_every_worker_has_said_so(self, parent) -> None:
        parent.add(1)
        first, second = parent.alive.values()
        for _ in range(2):
            parent.order("mutate")
        for worker in (first, first, second):
            assert parent.pool.reloading
            parent.pool.mutated(worker)
        assert parent.pool.reloading
        parent.dies(second)
        assert not parent.pool.reloading, "its successor knows nothing else"


class AnyOrder(RuleBasedStateMachine):
    """Events in any order whatever: see :meth:`Parent.check`."""

    @initialize(
        limit=st.sampled_from([0, None, 2.0, 60.0]),
        restarts=st.sampled_from([0, 0, 1, 3]),
        timeout=st.sampled_from([0.0, 8.0]),
    )
    def begin(self, limit, restarts, timeout) -> None:
        limits = {"restart_limit": restarts, "worker_timeout": timeout}
        self.parent = Parent(limit, **limits)
        self.parent.add(1)

    def pick(self, number: int) -> state.Worker:
        workers = list(self.parent.alive.values())
        return workers[number % len(workers)]

    alive = precondition(lambda self: self.parent.alive)
    number = st.integers(0, 1000)

    @rule(workers=st.integers(1, 3))
    def add(self, workers) -> None:
        self.parent.add(workers)

    @rule(workers=st.integers(1, 5))
    def resize(self, workers) -> None:
        self.parent.resize(workers)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.1, 0.99, 1.0, 3.0, 31.0, 100.0]))
    def pass_time(self, seconds) -> None:
        self.parent.pass_time(seconds)

    @alive
    @rule(number=number)
    def ready(self, number) -> None:
        self.parent.ready(self.pick(number))

    @alive
    @rule(number=number)
    def stopped(self, number) -> None:
        self.parent.stopped(self.pick(number))

    @alive
    @rule(number=number, status=st.sampled_from([0, 1, SIGKILLED, SIGTERMED, None]))
    def dies(self, number, status) -> None:
        self.parent.dies(self.pick(number), status)

    @rule(what=st.sampled_from(["reload", "mutate", "reload", "mutate", "stop"]))
    def order(self, what) -> None:
        self.parent.order(what)

    @rule(fails=st.booleans())
    def system_is_full(self, fails) -> None:
        self.parent.fail_to_start = fails

    @rule(orders=st.booleans(), kills=st.booleans())
    def signals_are_refused(self, orders, kills) -> None:
        self.parent.fail_to_order = orders
        self.parent.fail_to_kill = kills

    @alive
    @rule(number=number)
    def hears_nothing(self, number) -> None:
        self.parent.deaf.add(self.pick(number).number)

    @invariant()
    def nothing_is_left_to_do(self) -> None:
        assert self.parent.pool.advance(self.parent.now) == []

    def teardown(self) -> None:
        """However it went, it comes to its end."""
        parent = getattr(self, "parent", None)
        if parent is None:
            return
        parent.order("stop")
        for worker in list(parent.alive.values()):
            parent.dies(worker, 0)
        assert parent.pool.ended


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=120, stateful_step_count=40)


def test_ten_thousand_random_lives_lose_nobody_and_end() -> None:
    for seed in range(10_000):
        dice = random.Random(seed)
        parent = Parent(dice.choice([0, None, 2.0, 60.0]))
        parent.add(dice.randint(1, 3))
        for _ in range(dice.randint(1, 30)):
            live_a_little(parent, dice)
        parent.order(dice.choice(["stop", "quit"]))
        while parent.alive:
            parent.dies(dice.choice(list(parent.alive.values())), 0)
        assert parent.pool.ended, f"seed {seed}"


def live_a_little(parent: Parent, dice: random.Random) -> None:
    workers = list(parent.alive.values())
    what = dice.random()
    if what < 0.2:
        parent.pass_time(dice.choice([0.01, 0.1, 1.0, 31.0]))
    elif what < 0.3:
        parent.order(dice.choice(["reload", "mutate"]))
    elif what < 0.32:
        parent.resize(dice.randint(1, 4))
    elif what < 0.35:
        parent.fail_to_kill = dice.random() < 0.5
        parent.fail_to_order = dice.random() < 0.5
    elif not workers:
        parent.fail_to_start = dice.random() < 0.2
    elif what < 0.55:
        parent.ready(dice.choice(workers))
    elif what < 0.75:
        parent.stopped(dice.choice(workers))
    else:
        parent.dies(dice.choice(workers), dice.choice([0, 1, SIGKILLED, None]))
