# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The slots of a thread group, with tasks that wait where the test can see them."""

import threading
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oslo_service.backend.exceptions import TaskCancelled
from oslo_service.groups.slots import Slots
from oslo_service.testing.scripted import ScriptedDriver, ScriptedTask
from oslo_service.testing.waiting import LIMIT, between_lines, in_native_thread


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
    assert slots.taken == 1


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
    with pytest.raises(TaskCancelled):
        first.wait()
    assert not second.done
    assert (slots.taken, slots.waiting) == (1, 1)
    slots.release()
    driver.run()
    assert second.wait() is True


def test_who_is_killed_while_others_wait_before_it_gives_them_none(
    driver, slots
) -> None:
    slots.take()
    first, second = (waiting(driver, slots, name) for name in ("first", "second"))
    second.stop()
    driver.run()
    assert not first.done
    assert (slots.taken, slots.waiting) == (1, 1)


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


class Turn(threading.Event):
    """An event that nobody waits for for ever.

    :param first: is called when somebody is about to wait for it.
    """

    def __init__(self, first: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._first = first

    def wait(self, timeout: float | None = LIMIT) -> bool:
        self._first()
        if not super().wait(timeout):
            raise TimeoutError
        return True


class Killing(Turn):
    """An event at which whoever waits for it is killed."""

    def wait(self, timeout: float | None = LIMIT) -> bool:
        raise KeyboardInterrupt


# What is done to slots, and has others act before it waits. Each returns how many more
# are taken by it.
Act = Callable[[Slots, Callable[[], object]], int]


def take(slots: Slots, first: object) -> int:
    return slots.take()


def release(slots: Slots, first: object) -> int:
    slots.release()
    return -1


def widen(slots: Slots, first: object) -> int:
    slots.resize(2)
    return 0


def wait(slots: Slots, first: Any, turn: type[Turn] = Turn) -> int:
    driver: Any = types.SimpleNamespace(event=lambda: turn(first))
    return slots.wait(driver)


def be_killed(slots: Slots, first: object) -> int:
    try:
        return wait(slots, first, Killing)
    except KeyboardInterrupt:
        return 0


# What is done, and by another thread at the same time; how many there are, how many
# of them are taken, and how many wait.
RACES: dict[str, tuple[Act, Act, int, int, int]] = {
    "two take the last": (take, take, 1, 0, 0),
    "one waits where another takes the last but one": (wait, take, 2, 0, 0),
    "one waits as another releases the last": (wait, release, 1, 1, 0),
    "two release and one waits": (release, release, 2, 2, 1),
    "there are more as one is released": (widen, release, 1, 1, 1),
    "one is killed as another releases the last": (be_killed, release, 1, 1, 0),
}


def reaches_line(
    number: int, call: Act, other: Act, size: int, taken: int, waiting: int
) -> bool:
    """Have the other thread act before a line of the call; whether it has so many."""
    slots, more, began = Slots(size), [taken], []
    for _ in range(taken):
        slots.take()
    threads = [
        in_native_thread(lambda: more.append(wait(slots, int))) for _ in range(waiting)
    ]
    while slots.waiting < waiting:
        time.sleep(0)

    def intrude() -> None:
        if not began:
            began.append(True)
            thread = in_native_thread(lambda: more.append(other(slots, int)))
            thread.join(0.02)  # beyond that, it waits until the call is over
            threads.append(thread)

    reached, by_call = between_lines(number, intrude, lambda: call(slots, intrude))
    intrude()
    for thread in threads:
        thread.join(LIMIT)

    assert len(more) == 2 + waiting, f"one waits for ever, at line {number}"
    assert by_call + sum(more) == slots.taken <= slots.size, f"at line {number}"
    assert slots.waiting == 0
    return reached


@pytest.mark.parametrize("race", RACES)
def test_threads_that_race_leave_none_over_and_take_none_twice(race) -> None:
    number = 1
    while reaches_line(number, *RACES[race]):
        number += 1
    assert number > 1
