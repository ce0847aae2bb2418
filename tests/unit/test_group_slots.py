# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The slots of a thread group, with tasks that wait where the test can see them."""

from collections.abc import Iterator

import pytest

from oslo_service.groups.slots import Slots
from oslo_service.testing.scripted import ScriptedDriver, ScriptedTask


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with ScriptedDriver() as driver:
        yield driver


@pytest.fixture
def slots() -> Slots:
    """One slot."""
    return Slots(1)


def waiting(driver: ScriptedDriver, slots: Slots, name: str) -> ScriptedTask:
    """Have a task wait for a slot."""
    task = driver.spawn(lambda: slots.wait(driver), name=name)
    driver.run()
    return task


def test_no_more_are_taken_than_there_are() -> None:
    slots = Slots(2)
    assert [slots.take() for _ in range(3)] == [True, True, False]
    slots.release()
    assert [slots.take() for _ in range(2)] == [True, False]


def test_who_waits_where_one_is_free_has_it_at_once(driver, slots) -> None:
    assert waiting(driver, slots, "first").wait() is True
    assert not slots.take()


def test_one_that_is_released_goes_to_the_first_who_waits(driver, slots) -> None:
    slots.take()
    first, second = (waiting(driver, slots, name) for name in ("first", "second"))
    slots.release()
    assert not slots.take(), "it was handed over"
    driver.run()
    assert first.wait() is True
    assert not second.done
    slots.release()
    driver.run()
    assert second.wait() is True
    slots.release()
    assert slots.take(), "nobody waits any more"


def test_who_is_killed_while_it_waits_takes_none(driver, slots) -> None:
    slots.take()
    first, second = (waiting(driver, slots, name) for name in ("first", "second"))
    first.stop()
    driver.run()
    slots.release()
    driver.run()
    assert second.wait() is True


def test_who_is_killed_when_it_has_been_given_one_hands_it_on(driver, slots) -> None:
    slots.take()
    first, second = (waiting(driver, slots, name) for name in ("first", "second"))
    slots.release()
    first.stop()
    driver.run()
    assert second.wait() is True
    slots.release()
    assert slots.take()


def test_those_who_are_told_not_to_wait_have_none(driver, slots) -> None:
    slots.take()
    tasks = [waiting(driver, slots, name) for name in ("first", "second")]
    slots.cancel_waiting()
    driver.run()
    assert [task.wait() for task in tasks] == [False, False]
    slots.release()
    assert slots.take()
    assert not slots.take()


def test_who_is_killed_when_it_was_told_not_to_wait_gives_none_back(
    driver, slots
) -> None:
    slots.take()
    task = waiting(driver, slots, "first")
    slots.cancel_waiting()
    task.stop()
    driver.run()
    assert task.done
    assert not slots.take()


def test_who_is_killed_just_when_it_is_told_not_to_wait_gives_none_back(
    driver, slots
) -> None:
    slots.take()
    task = waiting(driver, slots, "first")

    class Gap:
        """A lock; whoever has released it first is held up, and the task killed."""

        entered = False

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_exc_info: object) -> None:
            if not self.entered:
                self.entered = True
                task.stop()
                driver.run()

    slots._lock = Gap()
    slots.cancel_waiting()
    assert task.done
    assert not slots.take()


def test_where_there_are_more_those_who_wait_have_them_in_turn(driver, slots) -> None:
    slots.take()
    tasks = [waiting(driver, slots, name) for name in ("first", "second", "third")]
    slots.resize(3)
    driver.run()
    assert [task.done for task in tasks] == [True, True, False]
    assert (slots.size, slots.taken, slots.waiting) == (3, 3, 1)
    slots.resize(9)
    driver.run()
    assert tasks[2].wait() is True
    assert (slots.taken, slots.waiting) == (4, 0)


def test_where_there_are_fewer_those_that_are_taken_stay_so(driver) -> None:
    slots = Slots(3)
    for _ in range(3):
        slots.take()
    slots.resize(2)
    assert slots.taken == 3
    task = waiting(driver, slots, "first")
    slots.release()
    driver.run()
    assert not task.done, "it was one too many"
    slots.release()
    driver.run()
    assert task.wait() is True
    assert slots.taken == 2
