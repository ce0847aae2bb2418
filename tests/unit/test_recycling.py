# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers that are replaced because of their age, their size, or their work."""

import pytest
from paper_workers import Parent

from oslo_service.events import Cause
from oslo_service.supervisor.workers import actions
from oslo_service.supervisor.workers.lifespan import MEASURING

AGE, SIZE = 100.0, 1000


def a_parent(workers: int = 1, *, chance: float = 0.0, **limits: float) -> Parent:
    """Return one whose workers are ready."""
    parent = Parent(**limits)
    parent.chance = chance
    parent.add(workers)
    for worker in list(parent.alive.values()):
        parent.ready(worker)
    return parent


def recycled(parent: Parent) -> list[Cause]:
    """Return why workers were recycled."""
    return [
        one.cause for one in parent.told if isinstance(one, actions.ReportRecycling)
    ]


class TestAge:
    """worker_max_age."""

    def test_who_is_too_old_is_followed_by_one_that_is_ready_first(self) -> None:
        parent = a_parent(worker_max_age=AGE)
        old = parent.worker
        parent.pass_time(AGE - 0.01)
        assert recycled(parent) == []
        assert parent.pool.deadline == pytest.approx(parent.now + 0.01)
        parent.pass_time(0.01)
        assert recycled(parent) == [Cause.AGE]
        assert old.number not in parent.ordered
        assert not parent.started[-1].ahead
        assert parent.started[-1].successor
        parent.ready(parent.worker)
        assert parent.ordered == {old.number}
        assert old.cause is Cause.AGE
        assert parent.pool.restarts == {Cause.AGE: 1}
        assert parent.pool.replacements == 0, "nobody was lost"

    def test_one_at_a_time(self) -> None:
        parent = a_parent(3, worker_max_age=AGE)
        parent.pass_time(AGE)
        for count in (1, 2, 3):
            assert len(recycled(parent)) == count
            assert len(parent.started) == 3 + count
            parent.ready(parent.worker)
        assert len(recycled(parent)) == 3

    @pytest.mark.parametrize(("chance", "age"), [(0.0, 100), (0.5, 95), (1.0, 90)])
    def test_chance_takes_a_part_of_it(self, chance: float, age: float) -> None:
        parent = a_parent(chance=chance, worker_max_age=AGE, worker_jitter=0.1)
        parent.pass_time(age - 0.01)
        assert recycled(parent) == []
        parent.pass_time(0.02)
        assert recycled(parent) == [Cause.AGE]

    def test_one_whose_successor_fails_serves_on_and_it_is_tried_again(self) -> None:
        parent = a_parent(worker_max_age=AGE)
        old = parent.worker
        parent.pass_time(AGE)
        for seconds in (0.1, 0.2, 0.4):
            parent.dies(parent.worker, 1)
            assert list(parent.alive.values()) == [old]
            parent.pass_time(seconds)
        parent.ready(parent.worker)
        assert parent.ordered == {old.number}
        assert parent.pauses == [], "no slot was empty"

    def test_successors_that_hang_as_they_start_do_not_pile_up(self) -> None:
        parent = Parent(0, worker_max_age=AGE, start_timeout=5.0)
        parent.add(2)
        for worker in list(parent.alive.values()):
            parent.ready(worker)
        for _ in range(200):
            parent.pass_time(1.0)
            for worker in list(parent.alive.values()):
                if worker.number in parent.killed:
                    parent.dies(worker)
        assert len(parent.started) > 10, "it is tried again"
        assert len(parent.alive) <= 4, "one a slot"

    def test_who_dies_meanwhile_is_replaced_at_once(self) -> None:
        parent = a_parent(worker_max_age=AGE)
        old = parent.worker
        parent.pass_time(AGE)
        parent.dies(old)
        assert len(parent.alive) == 2
        for worker in list(parent.alive.values()):
            parent.ready(worker)
        assert len(parent.alive.keys() - parent.ordered) == 1

    def test_the_limit_of_today_counts(self) -> None:
        parent = a_parent(worker_max_age=AGE)
        parent.limits = a_parent().limits
        parent.pass_time(10 * AGE)
        assert recycled(parent) == []
        assert parent.pool.deadline is None


class TestSize:
    """worker_max_memory."""

    def test_it_is_looked_at_as_long_as_there_is_a_limit(self) -> None:
        parent = a_parent(worker_max_memory=SIZE)
        assert parent.measured == 1
        for count in (2, 3):
            assert parent.pool.deadline == pytest.approx(parent.now + MEASURING)
            parent.pass_time(MEASURING)
            assert parent.measured == count
        parent.limits = a_parent().limits
        parent.pass_time(MEASURING)
        assert parent.pool.deadline is None

    @pytest.mark.parametrize(("size", "wanted"), [(SIZE, []), (SIZE + 1, ["MEMORY"])])
    def test_who_uses_more_is_recycled(self, size: int, wanted: list[str]) -> None:
        parent = a_parent(worker_max_memory=SIZE)
        parent.pool.measured(parent.worker, size)
        parent.advance()
        assert [one.name for one in recycled(parent)] == wanted

    def test_who_does_not_serve_yet_or_any_more_is_not_looked_at(self) -> None:
        parent = a_parent(worker_max_memory=SIZE)
        old = parent.worker
        parent.order("recycle")
        parent.pool.measured(parent.worker, 2 * SIZE)
        parent.ready(parent.worker)
        parent.pool.measured(old, 2 * SIZE)
        parent.advance()
        assert recycled(parent) == [Cause.RECYCLED]


class TestOthers:
    """What workers say themselves, and what somebody orders."""

    def test_who_has_answered_enough_is_recycled(self) -> None:
        parent = a_parent(2)
        parent.pool.served(parent.worker)
        parent.advance()
        assert recycled(parent) == [Cause.REQUESTS]

    def test_an_order_recycles_all_one_after_the_other(self) -> None:
        parent = a_parent(3)
        before = set(parent.alive)
        parent.order("recycle")
        for _ in range(3):
            parent.ready(parent.worker)
        assert recycled(parent) == [Cause.RECYCLED] * 3
        assert parent.ordered == before

    def test_it_is_known_how_many_though_a_slot_is_empty(self) -> None:
        parent = a_parent(3)
        victim = parent.worker
        for _ in range(3):
            parent.dies(parent.worker, 1)
        assert victim.slot.current is None
        assert parent.pool.recycle() == 3
        assert parent.pool.recycle(lambda slot: slot.index == 1) == 1

    def test_who_is_due_already_is_due_for_what_came_first(self) -> None:
        parent = a_parent()
        parent.pool.served(parent.worker)
        parent.order("recycle")
        assert recycled(parent) == [Cause.REQUESTS]

    def test_a_reload_takes_its_place(self) -> None:
        parent = a_parent(2)
        parent.order("recycle")
        successor = parent.worker
        parent.order("reload")
        assert successor.number in parent.ordered
        for worker in list(parent.alive.values()):
            parent.stopped(worker)
        assert parent.worker.generation == 1
        assert not parent.pool.reloading

    def test_who_starts_is_let_start(self) -> None:
        parent = Parent()
        parent.add(1)
        parent.order("recycle")
        assert len(parent.started) == 1
        parent.ready(parent.worker)
        assert len(parent.started) == 2


def test_a_reload_that_comes_meanwhile_replaces_them_and_nothing_more() -> None:
    parent = Parent(60.0)
    parent.add(3)
    for worker in list(parent.alive.values()):
        parent.ready(worker)
    parent.order("recycle")
    assert len(parent.started) == 3 + 1
    old = [slot.current for slot in parent.pool.slots]
    parent.order("reload")
    for worker in old:
        assert worker is not None
        parent.stopped(worker)
    for slot in parent.pool.slots:
        assert slot.current is not None
        assert slot.current.generation == 1
        parent.ready(slot.current)
    assert len(parent.started) == 3 + 1 + 3
    assert all(slot.successor is None for slot in parent.pool.slots)
