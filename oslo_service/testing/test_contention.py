# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: native threads and tasks meet thousands of times, and nothing is lost."""

import contextvars
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from oslo_service.backend.base import Driver, Event
from oslo_service.testing.waiting import (
    LIMIT,
    Log,
    announced,
    ended,
    in_native_thread,
    until,
    until_set,
)

ROUNDS = 2000


def hand_over(mine: Event, others: Event, rounds: int) -> bool:
    """Wait and set in turn; return whether each wait has ended in time."""
    for _ in range(rounds):
        if not mine.wait(LIMIT):
            return False
        mine.clear()
        others.set()
    return True


class TestHandingOver:
    """Two that hand an event back and forth lose no wake-up."""

    primitive = "event()"

    def test_between_a_native_thread_and_a_task(self, driver: Driver) -> None:
        here, there = driver.event(), driver.event()
        results = Log()
        thread = in_native_thread(
            lambda: results(hand_over(there, here, ROUNDS)),
        )
        task = driver.spawn(partial(hand_over, here, there, ROUNDS), name="player")
        here.set()

        assert ended(task, "no wake-up is lost") is True
        until(driver, partial(results.reaches, 1), "no wake-up is lost")
        assert results.entries == [True]
        thread.join(LIMIT)

    def test_between_two_native_threads(self, driver: Driver) -> None:
        here, there = driver.event(), driver.event()
        results = Log()

        def play(mine: Event, others: Event) -> None:
            results(hand_over(mine, others, ROUNDS // 2))

        for pair in ((here, there), (there, here)):
            in_native_thread(partial(play, *pair))
        here.set()

        until(driver, partial(results.reaches, 2), "no wake-up is lost")
        assert results.entries == [True, True]

    def test_between_two_tasks(self, driver: Driver) -> None:
        here, there = driver.event(), driver.event()
        tasks = [
            driver.spawn(partial(hand_over, *pair, ROUNDS), name="player")
            for pair in ((here, there), (there, here))
        ]
        here.set()

        assert [ended(task, "no wake-up is lost") for task in tasks] == [True, True]

    def test_a_fresh_event_for_each_turn(self, driver: Driver) -> None:
        # Who waits has just begun, or is about to, when it is set.
        turns: list[Event] = [driver.event() for _ in range(ROUNDS)]

        def set_all() -> None:
            for one in turns:
                one.set()

        thread = in_native_thread(set_all)

        def take() -> bool:
            return all(one.wait(LIMIT) for one in turns)

        assert ended(driver.spawn(take, name="taker"), "no wake-up is lost") is True
        thread.join(LIMIT)

    @pytest.mark.parametrize("seconds", [0.0002, 0.001])
    def test_a_time_that_is_over_as_it_is_set_harms_nobody(
        self, driver: Driver, seconds: float
    ) -> None:
        event, over = driver.event(), threading.Event()

        def disturb() -> None:
            while not over.is_set():
                time.sleep(seconds)
                event.set()
                event.clear()

        thread = in_native_thread(disturb)

        def wait() -> bool:
            for _ in range(150):
                event.wait(seconds)
                begin = time.monotonic()
                driver.sleep(0.0005)
                if time.monotonic() - begin < 0.0005 - 1e-6:
                    return False
            return True

        try:
            task = driver.spawn(wait, name="waits")
            assert ended(task, "it ends") is True, "a wake-up ends one wait only"
        finally:
            over.set()
        thread.join(LIMIT)


class TestSpawning:
    """Whoever spawns, each call runs, and once."""

    primitive = "spawn()"

    def test_from_native_threads_at_once(self, driver: Driver) -> None:
        calls = Log()
        driver.spawn(int, name="the first is of the main thread").wait(LIMIT)

        def spawn(number: int) -> None:
            for turn in range(100):
                driver.spawn(partial(calls, (number, turn)), name="foreign")

        for number in range(4):
            in_native_thread(partial(spawn, number))

        until(driver, partial(calls.reaches, 400), "every call runs")
        driver.sleep(0.01)
        assert len(calls) == len({*calls.entries}) == 400

    def test_permits_are_neither_lost_nor_made(self, driver: Driver) -> None:
        semaphore, rounds = driver.semaphore(2), Log()

        def use(patience: float) -> None:
            for _ in range(100):
                if semaphore.acquire(timeout=patience):
                    driver.sleep(0)
                    semaphore.release()
            rounds(1)

        for number in range(6):
            call = partial(use, (LIMIT, 0.0001)[number % 2])
            if number < 4:
                driver.spawn(call, name="user")
            else:
                in_native_thread(call)

        until(driver, partial(rounds.reaches, 6), "a release wakes who waits")
        assert [semaphore.acquire(blocking=False) for _ in range(3)] == [
            True,
            True,
            False,
        ]


class TestNativeThreads:
    """A native thread that is no task may wait, too; it blocks itself alone."""

    primitive = "event()"

    def test_it_can_wait_for_some_time(self, driver: Driver) -> None:
        results = Log()

        def wait() -> None:
            begin = time.monotonic()
            results(driver.event().wait(0.02), time.monotonic() - begin)

        in_native_thread(wait)

        until(driver, partial(results.reaches, 1), "a native thread's wait ends")
        ((found, took),) = results.entries
        assert found is False
        assert took >= 0.02 - 1e-6

    @pytest.mark.parametrize("timeout", [None, LIMIT])
    def test_a_task_wakes_it(self, driver: Driver, timeout: float | None) -> None:
        event, results, begun = driver.event(), Log(), threading.Event()

        def wait() -> None:
            begun.set()
            results(event.wait(timeout))

        in_native_thread(wait)
        begun.wait(LIMIT)
        driver.sleep(0.01)
        ended(driver.spawn(event.set, name="setter"), "it ends")

        until(driver, partial(results.reaches, 1), "a native thread is woken")
        assert results.entries == [True]

    def test_it_wakes_a_task_while_it_waits(self, driver: Driver) -> None:
        event, over = driver.event(), driver.event()
        task = driver.spawn(partial(event.wait, LIMIT), name="waits")

        def wake_and_wait() -> None:
            event.set()
            over.wait(LIMIT)

        thread = in_native_thread(wake_and_wait)

        assert ended(task, "tasks go on while a native thread waits") is True
        over.set()
        until(driver, lambda: not thread.is_alive(), "it is woken")

    def test_it_can_wait_for_a_task(self, driver: Driver) -> None:
        release, results = driver.event(), Log()
        task = driver.spawn(lambda: release.wait(LIMIT) and "it", name="awaited")
        in_native_thread(lambda: results(task.wait(LIMIT)))
        driver.sleep(0.01)
        release.set()

        until(driver, partial(results.reaches, 1), "its wait ends with the task")
        assert results.entries == ["it"]

    def test_it_can_take_a_permit(self, driver: Driver) -> None:
        semaphore, results = driver.semaphore(0), Log()
        in_native_thread(lambda: results(semaphore.acquire(timeout=LIMIT)))
        driver.sleep(0.01)
        semaphore.release()

        until(driver, partial(results.reaches, 1), "release() wakes it")
        assert results.entries == [True]


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")


class TestContextVariables:
    """A task begins with no context variable set, and sets them for itself."""

    primitive = "spawn(), or what it makes of Task.main()"

    @staticmethod
    def leave(value: str) -> str | None:
        found = variable.get(None)
        variable.set(value)
        return found

    def test_nothing_of_the_spawners_is_seen(self, driver: Driver) -> None:
        token = variable.set("the spawner's")
        try:
            task = driver.spawn(partial(self.leave, "the task's"), name="task")
            assert ended(task, "it ends") is None
            assert variable.get() == "the spawner's"
        finally:
            variable.reset(token)

    def test_nothing_of_a_task_is_seen_by_the_next(self, driver: Driver) -> None:
        for number in range(10):
            task = driver.spawn(partial(self.leave, f"{number}"), name="task")
            assert ended(task, "it ends") is None

    def test_nothing_that_a_link_leaves_is_seen_by_the_next(
        self, driver: Driver
    ) -> None:
        for number in range(10):
            release, linked = driver.event(), driver.event()
            found = Log()

            def link(_task: object, number: int = number, found: Log = found) -> None:
                found(self.leave(f"{number}"))

            task = driver.spawn(partial(release.wait, LIMIT), name="task")
            task.link(link)

            def end(_task: object, linked: Event = linked) -> None:
                linked.set()

            task.link(end)
            release.set()
            until_set(linked, "links are called")
            assert found.entries == [None]
            driver.sleep(0)

    def test_tasks_side_by_side_see_their_own(self, driver: Driver) -> None:
        def call(value: str) -> bool:
            self.leave(value)
            for _ in range(20):
                driver.sleep(0)
                if variable.get() != value:
                    return False
            return True

        tasks = [
            driver.spawn(partial(call, f"{number}"), name="one") for number in range(5)
        ]

        assert all(ended(task, "it ends") for task in tasks)
        assert variable.get(None) is None

    def test_who_wants_the_spawners_hands_them_over(self, driver: Driver) -> None:
        token = variable.set("the spawner's")
        try:
            call: Callable[[], str | None] = partial(
                contextvars.copy_context().run, variable.get, None
            )
            task = driver.spawn(call, name="task")
            assert ended(task, "it ends") == "the spawner's"
        finally:
            variable.reset(token)


class TestCapabilities:
    """What is declared is so."""

    primitive = "capabilities"

    @pytest.mark.needs_capability("parallel")
    def test_a_task_that_computes_does_not_hold_up_the_others(
        self, driver: Driver
    ) -> None:
        begun, over = driver.event(), Log()
        end = time.monotonic() + LIMIT / 2

        def compute() -> bool:
            begun.set()
            while not over.reaches(1):
                if time.monotonic() > end:
                    return False
            return True

        task = driver.spawn(compute, name="computes")
        until_set(begun, "it begins")
        other = driver.spawn(lambda: over("it"), name="other")

        ended(other, "others run while one computes")
        assert ended(task, "it ends") is True

    @pytest.mark.lacks_capability("parallel")
    def test_nothing_else_runs_while_a_task_does_not_wait(self, driver: Driver) -> None:
        calls, begun = Log(), driver.event()

        def compute() -> int:
            driver.spawn(partial(calls, "it"), name="other")
            end = time.monotonic() + 0.03
            while time.monotonic() < end:
                pass
            return len(calls)

        task = driver.spawn(announced(begun, compute), name="computes")
        assert ended(task, "it ends") == 0, "tasks take turns where they wait"

    def test_what_kills_is_no_failure_of_a_call(self, driver: Driver) -> None:
        ends = (*driver.killed_by, KeyboardInterrupt, SystemExit, GeneratorExit)

        assert [driver.is_failure(one()) for one in ends] == [False] * len(ends)
        assert driver.is_failure(ValueError())

    @pytest.mark.needs_capability("kill_tasks")
    def test_there_is_something_that_kills(self, driver: Driver) -> None:
        assert driver.killed_by
        assert not any(issubclass(one, Exception) for one in driver.killed_by), (
            "'except Exception' does not keep a task from ending"
        )
