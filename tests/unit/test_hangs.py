# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who hangs is found out in time, and nobody who has not had the time to answer."""

import pytest
from paper_workers import Parent

from oslo_service.events import Cause
from oslo_service.supervisor.workers import actions, state
from oslo_service.supervisor.workers.pool_workers import STACKS

LIMIT = 8.0


def a_parent(workers: int = 1, *, stop: float | None = 60.0, **limits: float) -> Parent:
    """Return one whose workers are ready."""
    parent = Parent(stop, **{"worker_timeout": LIMIT, **limits})
    parent.add(workers)
    for worker in list(parent.alive.values()):
        parent.ready(worker)
    return parent


def live(parent: Parent, seconds: float, *, but: tuple[state.Worker, ...] = ()) -> None:
    """Have time pass, and those who are asked answer; but not those."""
    end = parent.now + seconds
    while parent.now < end:
        for worker in parent.asked:
            if worker not in but:
                parent.pool.answered(worker)
        parent.asked[:] = [one for one in parent.asked if one in but]
        due = parent.pool.deadline
        parent.now = end if due is None else min(end, due)
        parent.advance()


def hung(parent: Parent) -> list[state.Worker]:
    """Return who was found to hang."""
    return [one.worker for one in parent.told if isinstance(one, actions.TakeStacks)]


@pytest.mark.parametrize("moment", [0.0, 0.1, 1.0, 1.99, 5.3])
def test_who_does_not_answer_is_found_out_within_one_and_a_quarter(
    moment: float,
) -> None:
    parent = a_parent(2)
    live(parent, moment)
    victim = next(iter(parent.alive.values()))
    live(parent, LIMIT - 0.001, but=(victim,))
    assert hung(parent) == [], "it has had no time to answer"
    live(parent, LIMIT / 4 + 0.002, but=(victim,))
    assert hung(parent) == [victim]


def test_who_answers_does_not_hang() -> None:
    parent = a_parent(3)
    live(parent, 100 * LIMIT)
    assert hung(parent) == []


def test_one_that_was_slow_but_in_time_does_not_either() -> None:
    parent = a_parent()
    for _ in range(10):
        live(parent, LIMIT * 0.95, but=(parent.worker,))
        live(parent, LIMIT)
    assert hung(parent) == []


def test_time_in_which_the_parent_stood_still_does_not_count() -> None:
    parent = a_parent()
    for _ in range(3):
        parent.pass_time(1000 * LIMIT)  # as in a machine that was suspended
    assert hung(parent) == []
    live(parent, 2 * LIMIT, but=(parent.worker,))
    assert len(hung(parent)) == 1


def test_its_slot_gets_a_successor_at_once_and_the_others_notice_nothing() -> None:
    parent = a_parent(3)
    victim, *others = parent.alive.values()
    live(parent, 1.5 * LIMIT, but=(victim,))
    assert parent.ordered == {victim.number}
    assert parent.worker.slot is victim.slot
    assert len(parent.started) == 4
    assert {one.number for one in others} <= set(parent.alive)
    assert victim.cause is Cause.HUNG
    assert parent.pool.restarts == {Cause.HUNG: 1}
    assert parent.pool.replacements == 1


@pytest.mark.parametrize(
    ("stop", "seconds"), [(60.0, LIMIT), (2.0, 2.0), (0, LIMIT), (None, LIMIT)]
)
def test_it_is_killed_after_the_shorter_of_two_limits(
    stop: float | None, seconds: float
) -> None:
    parent = a_parent(stop=stop)
    victim = parent.worker
    while not hung(parent):
        live(parent, 0.1, but=(victim,))
    found = parent.now
    live(parent, seconds - 0.2)
    assert parent.killed == set()
    live(parent, 0.3)
    assert parent.killed == {victim.number}
    assert parent.now - found <= seconds + 0.2


def test_it_is_reported_when_there_was_time_for_its_stacks() -> None:
    parent = a_parent()
    victim = parent.worker
    while not hung(parent):
        live(parent, 0.1, but=(victim,))
    reports = [one for one in parent.told if isinstance(one, actions.ReportHung)]
    assert reports == []
    live(parent, STACKS)
    reports = [one for one in parent.told if isinstance(one, actions.ReportHung)]
    assert [one.worker for one in reports] == [victim]


def test_who_starts_or_stops_has_its_own_time() -> None:
    parent = Parent(worker_timeout=LIMIT)
    parent.add(1)
    live(parent, state.STARTING + state.BEGINNING - 0.1)
    assert parent.asked == []
    parent.ready(parent.worker)
    parent.order("stop")
    live(parent, 5 * LIMIT, but=(parent.worker,))
    assert hung(parent) == []


@pytest.mark.parametrize(("stop", "seconds"), [(60.0, LIMIT), (0, LIMIT), (2.0, 2.0)])
@pytest.mark.parametrize("moment", [0.0, 0.1, 3.0])
def test_who_does_not_stop_for_a_reload_nor_answer_hangs(
    stop: float, seconds: float, moment: float
) -> None:
    parent = a_parent(2, stop=stop, restart_limit=1)
    victims = tuple(parent.alive.values())
    live(parent, moment)
    parent.order("reload")
    assert parent.ordered == {one.number for one in victims}
    live(parent, LIMIT * 1.25 + 0.001, but=victims)
    new = [slot.current for slot in parent.pool.slots]
    assert {one.generation for one in new if one} == {1}
    assert parent.pool.restarts == {Cause.HUNG: 2}
    live(parent, seconds)
    assert parent.killed == {one.number for one in victims}
    assert not parent.given_up, "they were told to stop"


def test_who_answers_may_take_its_time_to_stop_for_a_reload() -> None:
    parent = a_parent(stop=0)
    old = parent.worker
    parent.order("reload")
    live(parent, 10 * LIMIT)
    assert hung(parent) == []
    parent.stopped(old)
    assert parent.worker is not old
    live(parent, 10 * LIMIT, but=(old,))
    assert hung(parent) == [], "its slot has another now"


def test_one_that_never_begins_is_found_out_too() -> None:
    parent = Parent(worker_timeout=LIMIT)
    parent.add(1)
    stuck = parent.worker
    live(parent, state.STARTING + state.BEGINNING + 1.5 * LIMIT, but=(stuck,))
    assert hung(parent) == [stuck]


def test_who_says_that_its_work_takes_too_long_is_replaced_likewise() -> None:
    parent = a_parent(2)
    victim = parent.worker
    parent.pool.overdue(victim)
    parent.advance()
    assert hung(parent) == [victim]
    assert parent.ordered == {victim.number}
    assert parent.worker.slot is victim.slot


def test_hangs_count_for_the_restart_limit() -> None:
    parent = a_parent(restart_limit=2)
    for _ in range(3):
        parent.pool.overdue(parent.worker)
        parent.advance()
        if parent.worker.ready_at is None:
            parent.ready(parent.worker)
    assert parent.given_up
    assert parent.pool.status == 1


def test_nobody_is_asked_while_it_is_off() -> None:
    parent = a_parent(worker_timeout=0)
    assert parent.pool.deadline is None
    parent.pass_time(1000)
    assert parent.asked == []


def test_it_is_switched_off_and_on_again_as_it_runs() -> None:
    parent = a_parent()
    on, off = parent.limits, Parent().limits
    live(parent, LIMIT / 2, but=(parent.worker,))
    parent.limits = off
    parent.advance()
    assert parent.pool.deadline is None, "nobody wakes up for it"
    parent.pass_time(1000 * LIMIT)
    parent.limits = on
    parent.advance()
    live(parent, LIMIT / 2 - 0.01, but=(parent.worker,))
    assert hung(parent) == [], "what has passed meanwhile does not count"
    live(parent, LIMIT / 4 + 0.02, but=(parent.worker,))
    assert len(hung(parent)) == 1


@pytest.mark.parametrize("moment", [0.0, 1.0])
def test_a_limit_that_becomes_shorter_counts_at_once(moment: float) -> None:
    parent = a_parent(worker_timeout=1000 * LIMIT)
    live(parent, moment)
    parent.limits = a_parent().limits
    parent.advance()
    live(parent, LIMIT * 1.25 + 0.001, but=(parent.worker,))
    assert len(hung(parent)) == 1


def test_one_that_hangs_does_not_keep_the_watchdog_from_being_fed() -> None:
    parent = a_parent()
    live(parent, 1.5 * LIMIT, but=(parent.worker,))
    assert [one for one in parent.silent() if one.hung] == []


def test_a_successor_that_hangs_ends_a_rolling_reload() -> None:
    parent = a_parent(2, start_timeout=0)
    parent.order("roll")
    parent.ready(parent.worker)
    new = parent.pool.slots[0].current
    assert new is not None
    live(parent, 1.5 * LIMIT, but=(new,))
    assert [
        one.worker for one in parent.told if isinstance(one, actions.ReportRollFailed)
    ]
    assert {slot.current.generation for slot in parent.pool.slots if slot.current} == {
        0
    }


def test_its_end_by_force_does_not_make_a_stop_that_follows_a_failure() -> None:
    parent = a_parent(2)
    victim = parent.worker
    parent.pool.overdue(victim)
    parent.advance()
    parent.order("stop")
    parent.dies(victim)
    for worker in list(parent.alive.values()):
        parent.dies(worker, 0)
    assert parent.pool.ended
    assert parent.pool.status == 0
