# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When a service that cannot be kept up is given up, to the moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_workers import SIGKILLED, Parent

from oslo_service.supervisor.workers.crash_loops import CRASHES

LIMIT, WINDOW = 3, 30.0


def a_parent(workers: int = 1, **limits: float) -> Parent:
    """Return one whose workers are ready."""
    limits = {"restart_limit": LIMIT, "restart_window": WINDOW, **limits}
    parent = Parent(**limits)
    parent.add(workers)
    for worker in list(parent.alive.values()):
        parent.ready(worker)
    return parent


def lose(parent: Parent, index: int = 0, *, ready: bool = True) -> None:
    """Have the worker of a slot die, and its successor be ready."""
    slot = parent.pool.slots[index]
    assert slot.current is not None
    parent.dies(slot.current, SIGKILLED)
    if ready and slot.current is not None:
        parent.ready(slot.current)


def test_one_loss_more_than_the_limit_is_the_end() -> None:
    parent = a_parent()
    for _ in range(LIMIT):
        lose(parent)
    assert not parent.given_up
    lose(parent)
    (told,) = parent.given_up
    assert told.slot is parent.pool.slots[0]
    assert told.limits.restart_limit == LIMIT
    assert parent.pool.ended
    assert parent.pool.gave_up
    assert parent.pool.status == 1


@pytest.mark.parametrize(
    ("later", "gives_up"), [(WINDOW - 0.01, True), (WINDOW, False)]
)
def test_a_loss_counts_as_long_as_the_window_is(later: float, gives_up: bool) -> None:
    parent = a_parent()
    lose(parent)
    parent.pass_time(later)
    for _ in range(LIMIT):
        lose(parent)
    assert bool(parent.given_up) is gives_up


def test_without_a_limit_it_is_never_given_up() -> None:
    parent = a_parent(restart_limit=0)
    for _ in range(1000):
        lose(parent)
    assert not parent.given_up
    assert len(parent.pool.slots[0].losses) == 0, "nor is anything kept for it"


def test_one_healthy_slot_keeps_the_service_up() -> None:
    parent = a_parent(2)
    for _ in range(5 * LIMIT):
        lose(parent, 0)
    for _ in range(5 * LIMIT):
        lose(parent, 1)
    assert not parent.given_up, "slot 0 serves, whatever lies in its window"
    lose(parent, 0, ready=False)
    assert not parent.given_up, "slot 1 serves"
    lose(parent, 1)
    assert parent.given_up


def test_so_does_one_that_has_just_left_its_crash_loop() -> None:
    parent = a_parent(2)
    for _ in range(2 * LIMIT):
        lose(parent, 0, ready=False)
        parent.pass_time(max(0.0, parent.pool.slots[0].not_before - parent.now))
    recovered = parent.pool.slots[0].current
    assert recovered is not None
    parent.ready(recovered)
    parent.pass_time(0.1)
    for _ in range(LIMIT + 1):
        lose(parent, 1, ready=False)
    assert not parent.given_up
    parent.dies(recovered, 1)
    assert parent.given_up, "it has not left it after all"


def test_another_service_does_not_keep_it_up_and_is_stopped_in_order() -> None:
    parent = a_parent()
    parent.pool.add("another service", 2)
    parent.advance()
    others = list(parent.alive.values())[1:]
    for _ in range(LIMIT + 1):
        lose(parent)
    assert parent.given_up
    assert parent.ordered == {one.number for one in others}
    assert not parent.pool.ended
    for worker in others:
        parent.dies(worker, 0)
    assert parent.pool.ended
    assert parent.pool.status == 1


def test_a_slot_whose_pauses_have_become_long_is_past_it_still() -> None:
    parent = a_parent(2, restart_window=5.0)
    first = parent.pool.slots[0]
    for _ in range(12):
        if first.current is not None:
            lose(parent, 0, ready=False)
        parent.pass_time(max(0.0, first.not_before - parent.now))
    # It loses one worker in 30 seconds now, which is fewer than the limit.
    parent.pass_time(20.0)
    for _ in range(LIMIT + 1):
        lose(parent, 1)
    assert parent.given_up


def test_one_that_has_come_to_life_again_is_not() -> None:
    parent = a_parent(2, restart_window=5.0)
    for _ in range(LIMIT + 1):
        lose(parent, 0, ready=False)
        parent.pass_time(1.0)
    assert parent.pool.slots[0].current is not None
    parent.ready(parent.pool.slots[0].current)
    parent.pass_time(6.0)
    for _ in range(LIMIT + 1):
        lose(parent, 1)
    assert not parent.given_up, "slot 0 serves"
    lose(parent, 0, ready=False)
    lose(parent, 1)
    assert not parent.given_up, "slot 0 has lost one of late, not in a crash loop"


def test_a_crash_loop_within_the_limit_is_throttled_and_no_more() -> None:
    parent = a_parent(restart_limit=2 * CRASHES)
    for _ in range(2 * CRASHES):
        lose(parent, ready=False)
        parent.pass_time(max(0.0, parent.pool.slots[0].not_before - parent.now))
    assert parent.pauses
    assert not parent.given_up
    lose(parent, ready=False)
    assert parent.given_up


def test_a_reload_starts_the_count_over() -> None:
    parent = a_parent()
    for _ in range(LIMIT):
        lose(parent)
    parent.order("reload")
    parent.stopped(parent.worker)
    parent.ready(parent.worker)
    for _ in range(LIMIT):
        lose(parent)
    assert not parent.given_up


def test_the_limit_of_today_counts() -> None:
    parent = a_parent()
    for _ in range(LIMIT):
        lose(parent)
    parent.limits = a_parent(restart_limit=2 * LIMIT).limits
    for _ in range(LIMIT):
        lose(parent)
    assert not parent.given_up
    lose(parent)
    assert parent.given_up


def test_who_was_told_to_end_and_what_found_no_room_count_for_nothing() -> None:
    parent = a_parent()
    for _ in range(3 * LIMIT):
        old = parent.worker
        parent.order("reload")
        parent.dies(old, 0)
        parent.ready(parent.worker)
    parent.fail_to_start = True
    lose(parent)
    for _ in range(10):
        parent.pass_time(30)
    assert not parent.given_up


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["dies", "fails", "is ready"]),
            st.sampled_from([0.0, 0.05, 0.9, 1.0, WINDOW / 3, WINDOW]),
        ),
        max_size=60,
    )
)
def test_it_is_given_up_when_nobody_serves_and_every_slot_is_past_it(
    course: list[tuple[int, str, float]],
) -> None:
    parent = a_parent(3)
    lost: list[list[float]] = [[], [], []]
    looping = [False] * 3
    for index, what, seconds in course:
        worker = parent.pool.slots[index].current
        if worker is None:
            parent.pass_time(seconds)
            continue
        if what == "is ready":
            if worker.ready_at is None:
                parent.ready(worker)
            parent.pass_time(seconds)
            continue
        parent.dies(worker, SIGKILLED if what == "dies" else 1)
        lost[index].append(parent.now)
        recent = [
            sum(one > parent.now - WINDOW for one in moments) > LIMIT
            for moments in lost
        ]
        loops = parent.pool.slots[index].crashes >= CRASHES
        looping[index] = recent[index] or (looping[index] and loops)
        serves = [
            slot.current is not None
            and slot.current.ready_at is not None
            and slot.current.number in parent.alive
            for slot in parent.pool.slots
        ]
        past = [any(one) for one in zip(recent, looping, strict=True)]
        assert bool(parent.given_up) is (all(past) and not any(serves))
        if parent.given_up:
            return
        parent.pass_time(seconds)
