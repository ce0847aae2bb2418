# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The slots for applications: bounded, and offered to waiters in order of arrival.

``acquire()`` takes a slot, or has its caller wait for one; ``release()`` gives one
back, and wakes the first waiter, who has to acquire it like anybody.
"""

from collections import deque
from threading import Lock

import pytest

from oslo_service.serving.slot_pool import SlotPool


@pytest.fixture
def woken() -> deque[str]:
    """Those that may try again, the first one first: who is woken goes to the front."""
    return deque()


@pytest.fixture
def slots(woken) -> SlotPool[str]:
    """One slot."""
    return SlotPool(1, Lock(), woken.appendleft)


@pytest.fixture
def awaited(slots) -> SlotPool[str]:
    """One slot, which a has, and for which b waits, and then c."""
    assert slots.acquire("a")
    assert not slots.acquire("b")
    assert not slots.acquire("c")
    return slots


def test_no_more_are_given_than_there_are(slots) -> None:
    assert slots.acquire("a")
    assert not slots.acquire("b")
    assert slots.used == 1


def test_what_is_given_back_is_offered_to_the_first_who_waits(awaited, woken) -> None:
    assert awaited.waiting == 2

    awaited.release()

    assert list(woken) == ["b"]
    assert awaited.waiting == 1, "who is woken waits no more"
    assert awaited.acquire("b")
    assert not awaited.acquire("c")


def test_a_slot_is_offered_to_nobody_who_has_got_one_meanwhile(slots, woken) -> None:
    slots.acquire("a")
    slots.acquire("b")
    slots.resize(2)
    assert slots.acquire("b"), "the second slot"
    woken.clear()

    slots.release()

    assert list(woken) == [], "b has one"


def test_who_waits_no_more_is_passed_over(awaited, woken) -> None:
    awaited.forget("b")
    awaited.forget("b")  # it does no harm

    awaited.release()

    assert list(woken) == ["c"]


def test_where_there_are_more_all_who_wait_try_again_in_order(awaited, woken) -> None:
    awaited.acquire("d")

    awaited.resize(3)

    assert list(woken) == ["b", "c", "d"]
    assert [awaited.acquire(name) for name in woken] == [True, True, False]


def test_where_there_are_fewer_those_in_use_are_let_finish(slots, woken) -> None:
    slots.resize(2)
    slots.acquire("a")
    slots.acquire("b")

    slots.resize(1)
    assert slots.used == 2, "both go on"
    assert not slots.acquire("c")

    slots.release()
    assert list(woken) == [], "that slot is gone"

    slots.release()
    assert list(woken) == ["c"]


def test_one_that_gets_a_slot_before_it_is_its_turn_waits_no_more(
    awaited, woken
) -> None:
    awaited.release()
    assert list(woken) == ["b"]
    assert awaited.acquire("c"), "it came before b, which was woken"
    woken.clear()

    awaited.release()

    assert list(woken) == [], "c has had its slot, and b has not come back"
