# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what has ended leaves nothing behind, however it has ended."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from oslo_service.backend.base import Driver
from oslo_service.backend.exceptions import TaskCancelled
from oslo_service.testing.waiting import (
    LIMIT,
    Log,
    announced,
    ended,
    in_native_thread,
    in_time,
    until,
    until_asleep,
    until_set,
)
from oslo_service.testing.ways_to_wait import (
    WAYS,
    grows,
    is_busy,
    wait_for_ever,
)

# More than any pool of threads has at hand.
MANY = 300
# No stack of this size is to be had, in bytes.
HUGE = 1 << 46


def descriptors() -> int:
    """Return how many descriptors are open; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len([*folder.iterdir()]) if folder.exists() else 0


def fail() -> None:
    raise ZeroDivisionError("as asked")


@pytest.fixture
def no_more_threads() -> Iterator[Callable[[], None]]:
    """Have the system refuse threads from now on, to the end of the test."""
    before = threading.stack_size()

    def refuse() -> None:
        threading.stack_size(HUGE)

    yield refuse
    threading.stack_size(before)


@pytest.mark.needs_capability("kill_tasks")
class TestKilledTasks:
    """A kill is raised where the task waits, and that wait leaves nothing."""

    primitive = "Task.stop(), and what the task was waiting in"

    @pytest.mark.parametrize("way", WAYS)
    def test_what_kills_is_raised_in_every_wait(
        self, driver: Driver, pipe: tuple[int, int], way: str
    ) -> None:
        begun, seen = driver.event(), Log()

        def call() -> None:
            begun.set()
            try:
                wait_for_ever(driver, way, pipe)
            except driver.killed_by:
                seen("killed")
                raise
            seen("went on")

        task = driver.spawn(call, name="victim")
        until_set(begun, "it begins")
        driver.sleep(0)
        task.stop()

        with pytest.raises(TaskCancelled, match="victim"):
            ended(task, "a task that is killed ends, whatever it waits in")
        assert seen.entries == ["killed"]
        assert task not in driver.running

    @pytest.mark.parametrize("way", WAYS)
    def test_a_killed_task_does_not_go_on_later(
        self, driver: Driver, pipe: tuple[int, int], way: str
    ) -> None:
        begun, steps = driver.event(), Log()

        def call() -> None:
            begun.set()
            try:
                wait_for_ever(driver, way, pipe)
            finally:
                steps("wait")
                driver.sleep(0.01)
                steps("clean-up")

        task = driver.spawn(call, name="victim")
        until_set(begun, "it begins")
        driver.sleep(0)
        task.stop()
        os.set_blocking(pipe[1], False)
        with pytest.raises(TaskCancelled):
            ended(task, "a killed task ends when its clean-up has")

        assert steps.entries == ["wait", "clean-up"]

    @pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
    def test_its_descriptor_is_not_watched_any_more(
        self, driver: Driver, pipe: tuple[int, int], writing: bool
    ) -> None:
        reader, writer = pipe
        way = "wait_ready-to-write" if writing else "wait_ready"
        begun = driver.event()
        task = driver.spawn(
            announced(begun, partial(wait_for_ever, driver, way, pipe)), name="victim"
        )
        until_set(begun, "it begins")
        driver.sleep(0)
        task.stop()
        with pytest.raises(TaskCancelled):
            ended(task, "a killed task ends")

        fd = writer if writing else reader
        if writing:
            os.read(reader, 1 << 20)
        else:
            os.write(writer, b"!")
        assert not is_busy(driver), "a descriptor is watched that nobody waits for"
        arguments = ([], [fd]) if writing else ([fd], [])
        again = in_time(
            driver,
            partial(driver.wait_ready, *arguments, LIMIT),
            "another task can wait for the descriptor of one that was killed",
        )
        assert again == arguments

    def test_stop_in_another_native_thread_kills_a_sleeping_task(
        self, driver: Driver
    ) -> None:
        begun, main = driver.event(), threading.get_native_id()
        task = driver.spawn(announced(begun, driver.event().wait), name="victim")
        until_set(begun, "it begins")
        driver.sleep(0)

        def kill() -> None:
            until_asleep(main)
            task.stop()

        thread = in_native_thread(kill)
        begin = time.monotonic()
        with pytest.raises(TaskCancelled):
            ended(task, "stop() is legal in any native thread")
        assert time.monotonic() - begin < LIMIT / 2, "and not when it wakes up anyway"
        thread.join(LIMIT)

    def test_a_task_may_stop_itself(self, driver: Driver) -> None:
        mine, steps = Log(), Log()
        given = driver.event()

        def call() -> None:
            given.wait(LIMIT)
            mine.entries[0].stop()
            steps("stopped")
            driver.sleep(LIMIT)
            steps("went on")

        task = driver.spawn(call, name="victim")
        mine(task)
        given.set()

        with pytest.raises(TaskCancelled, match="victim"):
            ended(task, "a task that stops itself ends where it next waits")
        assert "went on" not in steps.entries

    def test_its_clean_up_may_wait(self, driver: Driver) -> None:
        begun, steps = driver.event(), Log()

        def call() -> None:
            begun.set()
            try:
                driver.event().wait()
            finally:
                steps(driver.event().wait(0.03))
                driver.sleep(0.01)
                steps("cleaned up")

        task = driver.spawn(call, name="victim")
        until_set(begun, "it begins")
        driver.sleep(0)
        task.stop()

        with pytest.raises(TaskCancelled):
            ended(task, "a killed task ends when its clean-up has")
        assert steps.entries == [False, "cleaned up"], "one stop() is one exception"

    @pytest.mark.lacks_capability("parallel")
    def test_stop_cancels_a_task_that_has_not_begun(self, driver: Driver) -> None:
        calls, linked = Log(), Log()
        task = driver.spawn(partial(calls, "ran"), name="early")
        task.link(linked)

        if not calls.entries:
            task.stop()
            with pytest.raises(TaskCancelled):
                ended(task, "a task that is stopped before it begins has ended")
            driver.sleep(0.001)
            assert not calls.entries, "it never begins"
            assert linked.entries == [task], "and calls its links"

    def test_a_killed_task_leaves_nothing_in_memory(self, driver: Driver) -> None:
        def call() -> None:
            task = driver.spawn(driver.event().wait, name="victim")
            driver.sleep(0)
            task.stop()
            task.join(LIMIT)

        assert not grows(call), "something is left of each task that is killed"


class TestWaits:
    """A wait that is over is forgotten."""

    primitive = "event(), semaphore() or wait_ready()"

    def test_of_an_event_whose_time_is_over_nothing_is_left(
        self, driver: Driver
    ) -> None:
        event = driver.event()

        assert not grows(lambda: event.wait(1e-6)), "each time-out leaves something"

    def test_of_an_event_that_is_set_in_time_nothing_is_left(
        self, driver: Driver
    ) -> None:
        def call() -> None:
            event = driver.event()
            task = driver.spawn(event.set, name="setter")
            assert event.wait(2 * LIMIT)
            task.join(LIMIT)

        assert not grows(call), "each wait leaves something, such as a timer"

    def test_of_a_semaphore_whose_time_is_over_nothing_is_left(
        self, driver: Driver
    ) -> None:
        semaphore = driver.semaphore(0)

        assert not grows(lambda: semaphore.acquire(timeout=1e-6))
        semaphore.release()
        assert semaphore.acquire(blocking=False), "nor does it take a permit along"

    def test_a_descriptor_whose_time_is_over_is_not_watched_any_more(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        assert driver.wait_ready([reader], timeout=0.001) == ([], [])
        os.write(writer, b"!")

        assert not is_busy(driver), "a descriptor is watched that nobody waits for"

    def test_of_two_descriptors_the_other_one_is_not_watched_any_more(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        other, its_writer = os.pipe()
        try:
            os.write(writer, b"!")
            assert driver.wait_ready([other, reader], timeout=LIMIT) == ([reader], [])
            os.write(its_writer, b"!")
            assert not is_busy(driver)
            assert driver.wait_ready([other], timeout=LIMIT) == ([other], [])
        finally:
            os.close(other)
            os.close(its_writer)

    def test_a_number_is_another_descriptor_when_it_is_used_again(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        for _ in range(3):
            reader, writer = os.pipe()
            assert driver.wait_ready([reader], timeout=0.001) == ([], [])
            os.write(writer, b"!")
            assert driver.wait_ready([reader], timeout=LIMIT) == ([reader], [])
            os.close(reader)
            os.dup2(pipe[0], reader)
            assert driver.wait_ready([reader], timeout=0.001) == ([], [])
            os.close(reader)
            os.close(writer)

    def test_of_a_wait_for_descriptors_nothing_is_left(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        os.write(writer, b"!")

        assert not grows(lambda: driver.wait_ready([reader], timeout=2 * LIMIT))
        os.read(reader, 1)
        assert not grows(lambda: driver.wait_ready([reader], timeout=1e-6))

    def test_of_a_wait_for_descriptors_no_descriptor_is_left(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        before = descriptors()
        for _ in range(20):
            driver.wait_ready([pipe[0]], timeout=0.0001)

        assert descriptors() < before + 10


class TestTasks:
    """A task that has ended, however, is nowhere any more."""

    primitive = "spawn()"

    @pytest.mark.parametrize(
        "call", [int, fail, sys.exit], ids=lambda one: one.__name__
    )
    def test_one_that_has_ended_is_not_among_those_that_run(
        self, driver: Driver, call: Callable[[], object]
    ) -> None:
        before = {*driver.running}
        task = driver.spawn(call, name="ends")
        assert task.join(LIMIT)

        assert {*driver.running} <= before

    def test_of_one_that_has_ended_nothing_is_left(self, driver: Driver) -> None:
        assert not grows(lambda: driver.spawn(int, name="ends").join(LIMIT))
        assert not grows(lambda: driver.spawn(fail, name="fails").join(LIMIT))

    @pytest.mark.lacks_capability("parallel")
    def test_one_that_has_not_begun_is_not_among_those_that_run(
        self, driver: Driver
    ) -> None:
        task = driver.spawn(driver.event().wait, name="perhaps")

        assert task not in driver.running
        assert task.cancel()
        driver.sleep(0.001)
        assert task not in driver.running

    def test_hundreds_run_at_a_time(self, driver: Driver) -> None:
        release, begun = driver.event(), Log()

        def call() -> None:
            begun("one")
            release.wait(LIMIT)

        tasks = [driver.spawn(call, name="one of many") for _ in range(MANY)]
        try:
            until(
                driver,
                partial(begun.reaches, MANY),
                "spawn() runs a task at once or raises: none waits for another's end",
            )
            assert {*tasks} <= driver.running
        finally:
            release.set()
        for task in tasks:
            ended(task, "they end")
        assert not {*tasks} & driver.running

    def test_of_a_spawn_that_fails_nothing_is_left(
        self, driver: Driver, no_more_threads: Callable[[], None]
    ) -> None:
        release, begun, tasks = driver.event(), Log(), []

        def call() -> None:
            begun("one")
            release.wait(LIMIT)

        no_more_threads()
        failed = False
        for _ in range(MANY):  # there may be threads at hand
            try:
                tasks.append(driver.spawn(call, name="perhaps"))
            except RuntimeError:
                failed = True
                break
        try:
            until(driver, partial(begun.reaches, len(tasks)), "what is spawned begins")
            assert {*driver.running} == {*tasks}, (
                "who could not be spawned does not run"
            )
        finally:
            release.set()
        for task in tasks:
            ended(task, "what is spawned ends")
        assert failed or len(tasks) == MANY
        assert len(begun) == len(tasks), "what could not be spawned never begins"

    def test_after_a_spawn_that_failed_others_run(
        self, driver: Driver, no_more_threads: Callable[[], None]
    ) -> None:
        before = threading.stack_size()
        no_more_threads()
        try:
            driver.spawn(int, name="perhaps")
        except RuntimeError:
            pass
        threading.stack_size(before)

        assert ended(driver.spawn(lambda: 3, name="runs"), "it runs") == 3


class TestNativeThreads:
    """Of a native thread that has waited, no descriptor is left when it has ended."""

    primitive = "event()"

    def test_no_descriptor_is_left(self, driver: Driver) -> None:
        def visit() -> None:
            in_native_thread(lambda: driver.event().wait(0.001)).join(LIMIT)

        visit()
        before = descriptors()
        for _ in range(20):
            visit()

        assert descriptors() < before + 10
