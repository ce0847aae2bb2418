# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The slots for applications: bounded, and given in the order of arrival."""

from collections import deque
from threading import Lock

import pytest

from oslo_service.serving.slot_pool import SlotPool


@pytest.fixture
def woken() -> deque[str]:
    """Those that may try again, the first one first."""
    return deque()


@pytest.fixture
def slots(woken) -> SlotPool[str]:
    """One slot."""
    return SlotPool(1, Lock(), woken.appendleft)


def test_no_more_are_given_than_there_are(slots) -> None:
    assert slots.acquire("a")
    assert not slots.acquire("b")
    assert slots.used == 1


def test_what_is_given_back_is_offered_to_the_first_who_waits(slots, woken) -> None:
    slots.acquire("a")
    slots.acquire("b")
    slots.acquire("c")
    assert slots.waiting == 2

    slots.release()

    assert list(woken) == ["b"]
    assert slots.acquire("b")
    assert slots.waiting == 1
    assert not slots.acquire("c")


def test_a_slot_is_offered_to_nobody_who_has_got_one_meanwhile(slots, woken) -> None:
    slots.acquire("a")
    slots.acquire("b")
    slots.resize(2)
    woken.clear()
    assert slots.acquire("b")

    slots.release()

    assert list(woken) == []


def test_one_that_is_over_is_not_waited_with(slots, woken) -> None:
    slots.acquire("a")
    slots.acquire("b")
    slots.acquire("c")
    slots.forget("b")
    slots.forget("b")

    slots.release()

    assert list(woken) == ["c"]


def test_where_there_are_more_all_who_wait_try_again_in_order(slots, woken) -> None:
    for name in "abcd":
        slots.acquire(name)

    slots.resize(3)

    assert list(woken) == ["b", "c", "d"]
    assert [slots.acquire(name) for name in woken] == [True, True, False]


def test_where_there_are_fewer_those_in_use_are_let_finish(slots, woken) -> None:
    slots.resize(2)
    slots.acquire("a")
    slots.acquire("b")
    slots.resize(1)
    slots.acquire("c")
    assert slots.used == 2

    slots.release()
    assert list(woken) == []

    slots.release()
    assert list(woken) == ["c"]


def test_one_that_gets_a_slot_before_it_is_its_turn_waits_no_more(slots, woken) -> None:
    slots.acquire("a")
    slots.acquire("b")
    slots.acquire("c")
    slots.release()
    assert slots.acquire("c"), "it came before the one that was woken"
    woken.clear()

    slots.release()

    assert list(woken) == []
