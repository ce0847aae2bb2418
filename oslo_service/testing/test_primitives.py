# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a driver's primitives promise: tasks, events, semaphores, readiness."""

import collections
import contextlib
import fcntl
import logging
import os
import random
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from functools import partial
from types import FrameType
from typing import Any

import pytest

from oslo_service.backend.base import Driver, Event
from oslo_service.backend.exceptions import TaskCancelled, UnsupportedBackendError
from oslo_service.testing.waiting import (
    LIMIT,
    Log,
    announced,
    between_lines,
    ended,
    in_another_thread,
    in_native_thread,
    in_time,
    run_script,
    until,
    until_asleep,
    until_set,
)

# Not to be had in whole hundredths of a second, nor, the first, in milliseconds.
ODD = (0.00395, 0.013, 0.23)
# What the arithmetic of times may lose, in seconds.
GRAIN = 1e-6
# How late a wait may end on an idle machine, in seconds, and how often to look for it.
LATE = 0.03
TRIES = 20
# So often the shortest wait is tried: a busy machine hides that it ends too early.
EARLY = 12
# None, and some that is over when anybody looks at the clock again.
NO_TIME = (0, 1e-12)
THREE_YEARS = 1e8


class PlainError(Exception):
    """What the functions of these tests raise."""


def fail() -> None:
    raise PlainError("as asked")


@pytest.fixture
def haltingly() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Make a call that lets other native threads run between any two of its lines."""
    before = sys.gettrace()
    dice = random.Random()  # noqa: S311 - of no secret

    def halt(*_: object) -> Any:
        if dice.random() < 0.3:
            time.sleep(1e-5)
        return halt

    def make(call: Callable[[], object]) -> None:
        sys.settrace(halt)
        try:
            call()
        finally:
            sys.settrace(None)

    yield make
    # Where tasks take turns, one that has not ended has left it to this one.
    sys.settrace(before)


@pytest.fixture
def on_signal() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Make a call when this process gets SIGUSR1."""
    before = signal.getsignal(signal.SIGUSR1)

    def install(call: Callable[[], object]) -> None:
        def handler(signo: int, frame: FrameType | None) -> None:  # noqa: ARG001
            call()

        signal.signal(signal.SIGUSR1, handler)

    yield install
    signal.signal(signal.SIGUSR1, before)


def keeps_time(wait: Callable[[float], object]) -> None:
    """Check that a wait ends when its time is over: never before, and soon after.

    A busy machine delays some tries, but not all; a driver that rounds delays all.
    """
    for seconds in ODD:
        lateness = LATE
        for number in range(1, TRIES + 1):
            begin = time.monotonic()
            wait(seconds)
            took = time.monotonic() - begin
            assert took >= seconds - GRAIN, "a wait never ends early"
            lateness = min(lateness, took - seconds)
            if lateness < LATE and (seconds > ODD[0] or number >= EARLY):
                break
        assert lateness < LATE, f"a wait of {seconds} s is not rounded"


def send_signal_to_sleeping_main_thread() -> threading.Thread:
    def send() -> None:
        until_asleep(threading.main_thread().native_id)
        os.kill(os.getpid(), signal.SIGUSR1)

    return in_native_thread(send)


class TestTasks:
    primitive = "spawn()"

    def test_wait_gives_the_result_of_the_call(self, driver: Driver) -> None:
        task = driver.spawn(lambda: 42, name="answer")

        assert ended(task, "a task whose call returns ends") == 42

    def test_wait_raises_what_the_call_raised(self, driver: Driver) -> None:
        task = driver.spawn(fail, name="fails")

        with pytest.raises(PlainError, match="as asked"):
            ended(task, "a task whose call raises ends")

    def test_system_exit_ends_the_task_alone(
        self, driver: Driver, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        def leave() -> None:
            raise SystemExit(3)

        task = driver.spawn(leave, name="leaver")

        assert ended(task, "SystemExit ends its task, not the program") is None
        assert "leaver" in caplog.text

    def test_spawn_does_not_wait_for_the_call(self, driver: Driver) -> None:
        release = driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="waits")

        assert not task.done, "spawn() returns while the call runs"

        release.set()
        assert ended(task, "a released task ends") is True

    def test_tasks_run_concurrently(self, driver: Driver) -> None:
        ping, pong = driver.event(), driver.event()

        def first() -> bool:
            ping.set()
            return pong.wait(LIMIT)

        def second() -> bool:
            met = ping.wait(LIMIT)
            pong.set()
            return met

        tasks = [driver.spawn(call, name="player") for call in (first, second)]

        assert [ended(task, "two tasks meet") for task in tasks] == [True, True]

    def test_tasks_can_spawn_tasks(self, driver: Driver) -> None:
        task = driver.spawn(lambda: driver.spawn(lambda: 1, name="inner"), name="outer")

        assert ended(ended(task, "the outer ends"), "the inner ends") == 1

    def test_a_native_thread_can_spawn_a_task(self, driver: Driver) -> None:
        spawned = Log()
        driver.spawn(int, name="the first is of the main thread").wait(LIMIT)
        in_native_thread(lambda: spawned(driver.spawn(lambda: 7, name="foreign")))

        until(driver, spawned.__len__, "spawn() is legal in any native thread")

        assert ended(spawned.entries[0], "a task of another thread runs") == 7

    def test_a_task_is_done_when_its_call_has_returned(self, driver: Driver) -> None:
        release = driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="waits")
        assert not task.done

        release.set()
        ended(task, "a released task ends")

        assert task.done

    def test_the_driver_knows_which_tasks_run(self, driver: Driver) -> None:
        begun, release = driver.event(), driver.event()

        def call() -> None:
            begun.set()
            release.wait(LIMIT)

        task = driver.spawn(call, name="known")
        until_set(begun, "a spawned task begins")
        assert task in driver.running

        release.set()
        ended(task, "a released task ends")

        assert task not in driver.running

    def test_a_task_keeps_the_name_it_was_given(self, driver: Driver) -> None:
        task = driver.spawn(int, name="the name")
        ended(task, "it ends")

        assert task.name == "the name"

    def test_a_task_that_waits_forever_does_not_keep_a_program_from_ending(
        self, driver_name: str
    ) -> None:
        result = run_script(
            "import sys\n"
            "from oslo_service import backend\n"
            "backend.init_backend(sys.argv[1])\n"
            "driver = backend.get_backend()\n"
            "begun = driver.event()\n"
            "def call():\n"
            "    begun.set()\n"
            "    driver.event().wait()\n"
            "driver.spawn(call, name='for ever')\n"
            "assert begun.wait(60)\n"
            "print('the end')\n",
            driver_name,
        )

        assert (result.returncode, result.stdout) == (0, "the end\n"), result.stderr


class TestWaitingForTasks:
    primitive = "event(), which tasks are made of"

    def test_wait_raises_timeout_error_when_the_time_is_over(
        self, driver: Driver
    ) -> None:
        release = driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="slow")

        def wait(seconds: float) -> None:
            with pytest.raises(TimeoutError, match="slow"):
                task.wait(seconds)

        keeps_time(wait)
        release.set()
        assert ended(task, "a task survives a time-out of its waiter") is True

    def test_wait_of_no_time_only_looks(self, driver: Driver) -> None:
        release = driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="slow")

        with pytest.raises(TimeoutError):
            task.wait(0)

        release.set()
        ended(task, "a released task ends")
        assert task.wait(0) is True

    def test_every_waiter_gets_the_result(self, driver: Driver) -> None:
        release = driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT) and "it", name="awaited")
        waiters = [
            driver.spawn(lambda: task.wait(LIMIT), name="waiter") for _ in range(10)
        ]
        release.set()

        results = [ended(one, "every waiter is woken") for one in waiters]

        assert results == ["it"] * 10

    def test_every_waiter_gets_the_exception(self, driver: Driver) -> None:
        release = driver.event()

        def call() -> None:
            release.wait(LIMIT)
            fail()

        task = driver.spawn(call, name="awaited")
        waiters = [
            driver.spawn(lambda: task.wait(LIMIT), name="waiter") for _ in range(10)
        ]
        release.set()

        for waiter in waiters:
            with pytest.raises(PlainError):
                ended(waiter, "every waiter is woken")


class TestLinks:
    primitive = "spawn(), or what it makes of Task.link()"

    def test_a_link_is_called_with_the_task_in_the_ending_task(
        self, driver: Driver
    ) -> None:
        release, called, calls = driver.event(), driver.event(), Log()

        def note(task: object) -> None:
            calls(task, driver.current_ident())
            called.set()

        task = driver.spawn(lambda: release.wait(LIMIT), name="linked")
        task.link(note)
        assert not calls.entries, "a link is not called before the end"
        release.set()

        until_set(called, "a link is called at the end")
        assert calls.entries == [(task, task.ident)]

    def test_a_link_to_an_ended_task_is_called_at_once_in_the_caller(
        self, driver: Driver
    ) -> None:
        task = driver.spawn(int, name="ended")
        ended(task, "it ends")
        calls = Log()

        task.link(lambda one: calls(one, driver.current_ident()))

        assert calls.entries == [(task, driver.current_ident())]

    def test_a_link_is_called_when_the_call_raises(self, driver: Driver) -> None:
        task, called = driver.spawn(fail, name="fails"), driver.event()

        task.link(lambda _task: called.set())

        until_set(called, "a link is called when the call has raised")

    def test_an_error_in_a_link_is_logged_and_the_next_link_called(
        self, driver: Driver, caplog: pytest.LogCaptureFixture
    ) -> None:
        release, called = driver.event(), driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="linked")
        task.link(lambda _task: fail())
        task.link(lambda _task: called.set())
        release.set()

        until_set(called, "an error in a link does not keep others from being called")

        assert "PlainError: as asked" in caplog.text, "with its traceback"
        assert ended(task, "the task ends") is True, "the task's result is its own"

    def test_each_link_is_called_exactly_once_however_they_race_with_the_end(
        self, driver: Driver
    ) -> None:
        for _ in range(50):
            release, calls = driver.event(), Log()
            task = driver.spawn(partial(release.wait, LIMIT), name="raced")
            release.set()
            for number in range(5):
                task.link(partial(calls, number))
            ended(task, "it ends")
            until(driver, partial(calls.reaches, 5), "every link is called")
            assert sorted(number for number, _ in calls.entries) == [0, 1, 2, 3, 4]

    def test_a_link_that_is_overtaken_by_the_end_is_called_once(
        self, driver: Driver
    ) -> None:
        number, reached = 1, True
        while reached:
            release, calls = driver.event(), Log()
            task = driver.spawn(partial(release.wait, LIMIT), name="raced")

            def intrude(release: Event = release, task: Any = task) -> None:
                release.set()
                task.join(LIMIT)

            reached, _ = between_lines(number, intrude, partial(task.link, calls))
            release.set()
            ended(task, "it ends")
            until(driver, partial(calls.reaches, 1), "every link is called")
            driver.sleep(0.001)
            assert calls.entries == [task], "a link is called once"
            number += 1

    def test_system_exit_in_a_link_is_logged_and_the_next_link_called(
        self, driver: Driver, caplog: pytest.LogCaptureFixture
    ) -> None:
        release, called = driver.event(), driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="linked")
        task.link(lambda _task: sys.exit(3))
        task.link(lambda _task: called.set())
        release.set()

        until_set(called, "SystemExit in a link ends neither the others nor the task")

        assert "SystemExit: 3" in caplog.text
        task.link(lambda _task: sys.exit(4))
        assert "SystemExit: 4" in caplog.text, "nor does it end who links"
        driver.sleep(0.01)

    @pytest.mark.parametrize("wait", ["wait", "join"])
    def test_linked_functions_are_not_waited_for(
        self, driver: Driver, wait: str
    ) -> None:
        release, linked, begun = driver.event(), driver.event(), driver.event()
        task = driver.spawn(lambda: release.wait(LIMIT), name="linked")
        if wait == "join":  # once before somebody waits, once after
            task.link(lambda _task: linked.wait(2 * LIMIT))
        call = announced(begun, getattr(task, wait))
        waiter = driver.spawn(call, name="waiter")
        until_set(begun, "it begins")
        driver.sleep(0.01)
        task.link(lambda _task: linked.wait(2 * LIMIT))
        release.set()

        assert ended(waiter, "who waits for a task waits for its call only") is True
        assert task.done
        linked.set()


class TestCancelAndStop:
    primitive = "Task.stop()"

    def test_cancel_does_not_touch_a_task_that_has_begun(self, driver: Driver) -> None:
        begun, release = driver.event(), driver.event()

        def call() -> str:
            begun.set()
            release.wait(LIMIT)
            return "finished"

        task = driver.spawn(call, name="begun")
        until_set(begun, "it begins")

        assert task.cancel() is False

        release.set()
        assert ended(task, "it goes on") == "finished"

    def test_cancel_says_whether_the_call_will_ever_run(self, driver: Driver) -> None:
        for _ in range(50):
            calls = Log()
            task = driver.spawn(partial(calls, "ran"), name="perhaps")

            if task.cancel():
                with pytest.raises(TaskCancelled):
                    ended(task, "a cancelled task has ended")
                driver.sleep(0)
                assert not calls.entries, "a cancelled call never runs"
            else:
                ended(task, "what is not cancelled runs")
                assert calls.entries == ["ran"]

    @pytest.mark.lacks_capability("parallel")
    def test_cancel_prevents_a_call_that_has_not_begun(self, driver: Driver) -> None:
        calls = Log()
        task = driver.spawn(partial(calls, "ran"), name="perhaps")

        # Where tasks take turns, nothing happens between the two.
        assert task.cancel() or calls.entries, "False says that it has begun"

        before = calls.entries
        driver.sleep(0.001)
        assert calls.entries == before

    def test_cancel_of_an_ended_task_changes_nothing(self, driver: Driver) -> None:
        task = driver.spawn(lambda: 1, name="ended")
        ended(task, "it ends")

        assert task.cancel() is False
        assert task.wait(0) == 1

    @pytest.mark.needs_capability("kill_tasks")
    def test_stop_kills_a_running_task(self, driver: Driver) -> None:
        begun, release, cleaned = driver.event(), driver.event(), driver.event()

        def call() -> None:
            begun.set()
            try:
                release.wait(LIMIT)
            finally:
                cleaned.set()

        task = driver.spawn(call, name="victim")
        until_set(begun, "it begins")

        task.stop()
        with pytest.raises(TaskCancelled, match="victim"):
            ended(task, "a killed task ends")
        assert cleaned.is_set(), "a killed task runs its finally clauses"

    @pytest.mark.lacks_capability("kill_tasks")
    def test_stop_is_refused_where_tasks_cannot_be_killed(self, driver: Driver) -> None:
        begun, release = driver.event(), driver.event()
        task = driver.spawn(announced(begun, lambda: release.wait(LIMIT)), name="lives")
        until_set(begun, "it begins")

        with pytest.raises(UnsupportedBackendError, match="lives"):
            task.stop()

        assert not task.done
        release.set()
        ended(task, "what cannot be killed goes on")

    @pytest.mark.needs_capability("kill_tasks")
    def test_stop_of_an_ended_task_is_harmless_where_tasks_can_be_killed(
        self, driver: Driver
    ) -> None:
        task = driver.spawn(lambda: 1, name="ended")
        ended(task, "it ends")

        task.stop()
        driver.sleep(0)

        assert task.wait(0) == 1

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_killed_task_calls_its_links(self, driver: Driver) -> None:
        called = driver.event()
        task = driver.spawn(driver.event().wait, name="victim")
        task.link(lambda _task: called.set())

        task.stop()

        until_set(called, "a killed task calls its links")

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_kill_that_meets_the_end_harms_no_link(self, driver: Driver) -> None:
        release, begun, calls = driver.event(), driver.event(), Log()

        def call() -> str:
            begun.set()
            release.wait(LIMIT)
            return "finished"

        def note_slowly(task: object) -> None:
            driver.sleep(0.01)
            calls(task)

        task = driver.spawn(call, name="perhaps")
        task.link(note_slowly)
        task.link(note_slowly)
        until_set(begun, "it begins")
        driver.sleep(0)
        release.set()
        task.stop()

        until(driver, partial(calls.reaches, 2), "every link is called, to its end")
        assert calls.entries == [task, task]

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_kill_that_comes_too_late_harms_no_link(self, driver: Driver) -> None:
        begun, release, calls = driver.event(), driver.event(), Log()

        def note(number: int, _task: object) -> None:
            begun.set()
            release.wait(LIMIT)
            calls(number)

        task = driver.spawn(lambda: "finished", name="ended")
        task.link(partial(note, 1))
        task.link(partial(note, 2))
        until_set(begun, "a link is called at the end")
        task.stop()
        driver.sleep(0)
        release.set()

        until(driver, partial(calls.reaches, 2), "every link is called, to its end")
        assert ended(task, "it has ended") == "finished"

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_task_ends_however_often_it_is_killed(self, driver: Driver) -> None:
        begun, called = driver.event(), driver.event()

        def call() -> None:
            begun.set()
            try:
                driver.event().wait()
            finally:
                driver.event().wait()

        task = driver.spawn(call, name="victim")
        task.link(lambda _task: called.set())
        until_set(begun, "it begins")
        driver.sleep(0)
        for _ in range(2):
            task.stop()
            driver.sleep(0.01)

        with pytest.raises(TaskCancelled, match="victim"):
            ended(task, "a task that is killed twice ends")
        until_set(called, "a killed task calls its links")

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_kill_in_a_link_is_that_of_the_task_that_runs_it(
        self, driver: Driver
    ) -> None:
        begun, calls = driver.event(), Log()
        ended_one = driver.spawn(int, name="ended")
        ended(ended_one, "it ends")

        def wait_for_ever(_task: object) -> None:
            begun.set()
            driver.event().wait()

        linker = driver.spawn(lambda: ended_one.link(wait_for_ever), name="links")
        until_set(begun, "a link to an ended task is called at once")
        linker.stop()

        with pytest.raises(TaskCancelled, match="links"):
            ended(linker, "a kill in a link is that of the task that runs it")
        ended_one.link(calls)
        assert calls.entries == [ended_one]


class TestIdentity:
    primitive = "current_ident()"

    def test_the_driver_is_called_what_its_entry_point_is(
        self, driver: Driver, driver_name: str
    ) -> None:
        assert driver.name == driver_name

    def test_inside_a_task_the_current_ident_is_the_tasks(self, driver: Driver) -> None:
        task = driver.spawn(driver.current_ident, name="who")

        assert ended(task, "it ends") == task.ident

    def test_the_ident_of_a_task_is_known_when_it_is_spawned(
        self, driver: Driver
    ) -> None:
        release, inside = driver.event(), Log()

        def call() -> None:
            inside(driver.current_ident())
            release.wait(LIMIT)

        task = driver.spawn(call, name="who")
        ident = task.ident
        until(driver, partial(inside.reaches, 1), "it begins")
        release.set()
        ended(task, "it ends")

        assert inside.entries == [ident]

    def test_an_ident_is_never_zero_and_differs_between_tasks_that_exist(
        self, driver: Driver
    ) -> None:
        release, seen = driver.event(), Log()

        def call() -> None:
            seen(driver.current_ident())
            release.wait(LIMIT)

        tasks = [driver.spawn(call, name="one of many") for _ in range(20)]
        until(driver, lambda: len(seen) == 20, "all begin")

        idents = {*seen.entries, driver.current_ident()}

        assert len(idents) == 21
        assert 0 not in idents
        release.set()
        for task in tasks:
            ended(task, "they end")


class TestFrames:
    primitive = "frames()"

    def test_each_task_is_where_it_waits(self, driver: Driver) -> None:
        release, begun = driver.event(), driver.event()

        def waiting_for_release() -> None:
            begun.set()
            release.wait(LIMIT)

        task = driver.spawn(waiting_for_release, name="waits")
        until_set(begun, "it begins")
        driver.sleep(0)
        found = driver.frames()

        assert task.ident is not None
        for frames in (found, driver.task_frames()):
            assert "waiting_for_release" in self.names(frames[task.ident])
        own = self.names(found[driver.current_ident()])
        assert "test_each_task_is_where_it_waits" in own
        release.set()
        ended(task, "it ends")
        if driver.capabilities.kill_tasks:  # a thread ends a little later
            assert task.ident not in driver.frames()
            assert task.ident not in driver.task_frames()

    def test_a_task_that_asks_is_where_it_asks(self, driver: Driver) -> None:
        def asking() -> list[str]:
            return self.names(driver.task_frames()[driver.current_ident()])

        task = driver.spawn(asking, name="asks")
        assert "asking" in in_time(driver, task.wait, "it ends")

    @staticmethod
    def names(frame: FrameType | None) -> list[str]:
        found = []
        while frame is not None:
            found.append(frame.f_code.co_name)
            frame = frame.f_back
        return found


# Signals arrive at every point of an event's methods, one at a time.
INTERRUPTED = """
import faulthandler, random, signal, sys, time
from oslo_service import backend

backend.init_backend(sys.argv[1])
event = backend.get_backend().event()
sent = handled = 0

def handler(*_):
    global handled
    event.set()
    handled += 1

signal.signal(signal.SIGALRM, handler)
faulthandler.dump_traceback_later(float(sys.argv[2]), exit=True)
end = time.monotonic() + 1
while sent < 3000 and time.monotonic() < end:
    sent += 1
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-4))
    while handled < sent:
        event.set()
        event.clear()
        event.wait(1e-6)
print("it never hung")
"""


class TestEvents:
    primitive = "event()"

    def test_an_event_is_not_set_when_made(self, driver: Driver) -> None:
        event = driver.event()

        assert not event.is_set()
        assert event.wait(0) is False

    def test_an_event_that_is_set_is_not_waited_for(self, driver: Driver) -> None:
        event = driver.event()
        event.set()
        event.set()

        assert event.is_set()
        assert event.wait() is True
        assert event.wait(0) is True
        assert event.wait(THREE_YEARS) is True

    def test_a_cleared_event_is_waited_for_again(self, driver: Driver) -> None:
        event = driver.event()
        event.set()
        event.clear()
        event.clear()

        assert not event.is_set()
        assert event.wait(0.01) is False

        event.set()
        assert event.wait(LIMIT) is True

    def test_wait_says_that_the_time_was_over_and_not_before(
        self, driver: Driver
    ) -> None:
        event, results = driver.event(), Log()

        keeps_time(lambda seconds: results(event.wait(seconds)))

        assert {*results.entries} == {False}

    def test_wait_with_a_negative_timeout_only_looks(self, driver: Driver) -> None:
        assert driver.event().wait(-1) is False

    @pytest.mark.parametrize("seconds", NO_TIME)
    def test_waiting_without_time_in_a_loop_lets_other_tasks_run(
        self, driver: Driver, seconds: float
    ) -> None:
        event = driver.event()
        task = driver.spawn(event.set, name="setter")
        end = time.monotonic() + LIMIT

        while not event.wait(seconds):
            assert time.monotonic() < end, f"wait({seconds}) lets other tasks run"

        ended(task, "it ends")

    @pytest.mark.parametrize("timeout", [None, LIMIT, THREE_YEARS])
    def test_set_wakes_every_waiter(
        self, driver: Driver, timeout: float | None
    ) -> None:
        event, begun = driver.event(), Log()

        def call() -> bool:
            begun("one")
            return event.wait(timeout)

        waiters = [driver.spawn(call, name="waiter") for _ in range(20)]
        until(driver, lambda: len(begun) == 20, "all begin")
        event.set()

        assert all(ended(one, "set() wakes every waiter") for one in waiters)

    @pytest.mark.parametrize("timeout", [None, LIMIT, THREE_YEARS])
    def test_set_in_another_native_thread_wakes_a_sleeping_waiter(
        self, driver: Driver, timeout: float | None
    ) -> None:
        event, waiter = driver.event(), threading.get_native_id()

        def wake() -> None:
            until_asleep(waiter)
            event.set()

        thread = in_native_thread(wake)
        begin = time.monotonic()

        assert event.wait(timeout), "Event.set() is legal in any native thread"
        assert time.monotonic() - begin < LIMIT / 2, "and not when it wakes up anyway"
        thread.join(LIMIT)

    @pytest.mark.parametrize("timeout", [None, LIMIT])
    def test_set_in_a_signal_handler_wakes_a_sleeping_waiter(
        self,
        driver: Driver,
        timeout: float | None,
        on_signal: Callable[[Callable[[], object]], None],
    ) -> None:
        event, freed = driver.event(), driver.event()
        on_signal(event.set)

        def wait() -> None:
            event.wait(timeout)
            freed.set()

        waiter = driver.spawn(wait, name="waiter")
        thread = send_signal_to_sleeping_main_thread()

        until_set(event, "Event.set() in a signal handler wakes the main thread")
        until_set(freed, "Event.set() in a signal handler wakes other tasks")
        ended(waiter, "it ends")
        thread.join(LIMIT)

    def test_set_in_a_signal_handler_waits_for_no_lock(self, driver_name: str) -> None:
        result = run_script(INTERRUPTED, driver_name, str(min(LIMIT, 30)))

        assert (result.returncode, result.stdout) == (0, "it never hung\n"), (
            "Event.set() is legal in a signal handler, whatever is interrupted:"
            f" {result.stderr}"
        )

    @pytest.mark.parametrize(("setters", "clearers"), [(1, 1), (3, 1), (1, 3), (3, 3)])
    def test_many_setters_and_clearers_lose_no_wake_up(
        self,
        driver: Driver,
        haltingly: Callable[[Callable[[], object]], None],
        setters: int,
        clearers: int,
    ) -> None:
        event, over = driver.event(), threading.Event()
        sent: collections.deque[threading.Lock] = collections.deque()
        # Nobody sets the event again before everything that is sent has been taken.
        together = threading.Barrier(setters, timeout=LIMIT)

        def send() -> bool:
            taken = threading.Lock()
            taken.acquire()
            for _ in range(300):
                together.wait()
                sent.append(taken)
                haltingly(event.set)
                if not taken.acquire(timeout=LIMIT):
                    together.abort()
                    return False
            return True

        def take() -> None:
            while not over.is_set():
                haltingly(event.wait)
                haltingly(event.clear)
                while sent:
                    with contextlib.suppress(IndexError):
                        sent.popleft().release()
            event.set()  # another may have missed it

        takers = [driver.spawn(take, name="taker") for _ in range(clearers)]
        with futures.ThreadPoolExecutor() as pool:
            senders = [pool.submit(send) for _ in range(setters)]
            while not all(one.done() for one in senders):
                driver.sleep(0.01)
        over.set()
        event.set()

        for taker in takers:
            ended(taker, "no wake-up is lost")
        assert not any(one.exception() for one in senders), "no wake-up is lost"
        assert all(one.result() for one in senders), "no wake-up is lost"


class TestEventsOfThree:
    """Who sets, who clears, and who waits are three."""

    primitive = "event()"

    @pytest.mark.parametrize("timeout", [None, LIMIT, THREE_YEARS])
    def test_a_pulse_wakes_every_waiter(
        self, driver: Driver, timeout: float | None
    ) -> None:
        event, begun = driver.event(), Log()

        def call() -> bool:
            begun(threading.get_native_id())
            return event.wait(timeout)

        waiters = [driver.spawn(call, name="waiter") for _ in range(10)]
        until(driver, partial(begun.reaches, 10), "all begin")
        self.until_they_wait(driver, begun)
        event.set()
        event.clear()

        for waiter in waiters:
            assert ended(waiter, "set() wakes all that wait, though cleared at once")
        assert not event.is_set()
        assert event.wait(0) is False

    def test_who_begins_to_wait_after_a_pulse_is_not_woken_by_it(
        self, driver: Driver
    ) -> None:
        event = driver.event()
        for _ in range(3):
            event.set()
            event.clear()

        assert event.wait(0.01) is False

    def test_a_set_that_is_overtaken_by_a_clear_takes_no_effect_again(
        self, driver: Driver
    ) -> None:
        number, reached = 1, True
        while reached:
            event, cleared = driver.event(), Log()
            waiters: list[Any] = []

            def intrude(
                event: Any = event, cleared: Log = cleared, waiters: Any = waiters
            ) -> None:
                if event.is_set():
                    event.clear()
                    cleared("before it has returned")
                    waiters.append(driver.spawn(event.wait, name="waiter"))
                    driver.sleep(0)

            reached, _ = between_lines(number, intrude, event.set)
            if cleared.entries:
                driver.sleep(0.001)
                assert not event.is_set(), "a set() raises the flag once"
                assert not waiters[0].done, "a set() wakes those who waited before"
            event.set()
            for waiter in waiters:
                ended(waiter, "the next set() wakes it")
            number += 1

    def test_a_wait_lasts_no_longer_than_its_time_whoever_sets_and_clears(
        self, driver: Driver
    ) -> None:
        event, over = driver.event(), driver.event()

        def flicker() -> None:
            while not over.is_set():
                event.set()
                event.clear()
                driver.sleep(0)

        task = driver.spawn(flicker, name="sets and clears")

        def wait() -> None:
            begin = time.monotonic()
            event.wait(0.05)
            late.append(time.monotonic() - begin - 0.05)

        late: list[float] = []
        for _ in range(TRIES):
            in_time(driver, wait, "a wait ends")
        over.set()
        ended(task, "it ends")

        assert min(late) < LATE, "no time-out begins anew"

    def test_nobody_waits_for_an_event_that_is_set_whoever_has_cleared_it(
        self,
        driver: Driver,
        haltingly: Callable[[Callable[[], object]], None],
    ) -> None:
        for _ in range(100):
            event = driver.event()
            event.set()
            waiter, clearer, setter = (
                driver.spawn(partial(haltingly, call), name=call.__name__)
                for call in (event.wait, event.clear, event.set)
            )
            ended(clearer, "clear() ends")
            ended(setter, "set() ends")
            if not event.is_set():
                event.set()

            ended(waiter, "nobody waits for an event that is set")

    def test_a_clear_that_is_overtaken_holds_up_no_waiter(self, driver: Driver) -> None:
        number, reached = 1, True
        while reached:
            event, begun, waiters = driver.event(), Log(), []
            event.set()

            def call(event: Any = event, begun: Log = begun) -> None:
                begun(threading.get_native_id())
                event.wait()

            def intrude(event: Any = event, call: Any = call) -> None:
                waiters.append(driver.spawn(call, name="waiter"))  # noqa: B023
                self.until_they_wait(driver, begun)  # noqa: B023
                event.set()

            reached, _ = between_lines(number, intrude, event.clear)
            if not event.is_set():
                event.set()
            for waiter in waiters:
                ended(waiter, "nobody waits for an event that is set")
            number += 1

    def test_what_is_set_while_somebody_begins_to_wait_ends_this_wait(
        self, driver: Driver
    ) -> None:
        number, reached = 1, True
        while reached:
            event, took = driver.event(), Log()
            begin = time.monotonic()

            def intrude(
                event: Any = event, took: Log = took, begin: float = begin
            ) -> None:
                in_another_thread(driver, event.set)
                took(time.monotonic() - begin)

            reached, found = between_lines(number, intrude, partial(event.wait, 0.03))
            if took.entries and took.entries[0] < 0.03:
                assert found is True, "set() ends the waits that have begun"
            number += 1

    def test_what_is_set_while_somebody_begins_to_wait_ends_no_other_wait(
        self, driver: Driver
    ) -> None:
        number, reached = 1, True
        while reached:
            event = driver.event()
            reached, _ = between_lines(
                number,
                partial(in_another_thread, driver, event.set),
                partial(event.wait, 0.01),
            )
            self.check_that_no_wake_up_is_under_way(driver)
            number += 1

    def test_a_pulse_while_somebody_begins_to_wait_ends_no_other_wait(
        self, driver: Driver
    ) -> None:
        number, reached = 1, True
        while reached:
            event = driver.event()

            def pulse(event: Any = event) -> None:
                event.set()
                event.clear()

            intrude = partial(in_another_thread, driver, pulse)
            reached, _ = between_lines(number, intrude, partial(event.wait, 0.01))
            self.check_that_no_wake_up_is_under_way(driver)
            found = event.wait(0.001)
            assert found is False, "a pulse ends the waits that have begun only"
            number += 1

    @staticmethod
    def check_that_no_wake_up_is_under_way(driver: Driver) -> None:
        """Wait for a descriptor, which is ready when the scheduler has turned often."""
        reader, writer = os.pipe()

        def write() -> None:
            for _ in range(10):
                driver.sleep(0)
            os.write(writer, b"!")

        try:
            task = driver.spawn(write, name="writer")
            found = driver.wait_ready([reader])
            assert found == ([reader], []), (
                "set() ends the waits for its event, and no other"
            )
            ended(task, "it ends")
        finally:
            os.close(reader)
            os.close(writer)

    @staticmethod
    def until_they_wait(driver: Driver, begun: Log) -> None:
        """Wait until tasks that are about to wait, and have noted their threads, do."""
        if driver.capabilities.parallel:
            while not begun.reaches(1):
                driver.sleep(0)
            for native_id in begun.entries:
                until_asleep(native_id)
        driver.sleep(0)


class TestSemaphores:
    primitive = "semaphore(), or event()"

    def test_a_semaphore_has_as_many_places_as_it_was_given(
        self, driver: Driver
    ) -> None:
        semaphore = driver.semaphore(2)

        taken = [semaphore.acquire(blocking=False) for _ in range(3)]

        assert taken == [True, True, False]

    def test_a_place_that_is_given_back_can_be_taken_again(
        self, driver: Driver
    ) -> None:
        semaphore = driver.semaphore()
        with semaphore:
            assert semaphore.acquire(blocking=False) is False

        assert semaphore.acquire(timeout=LIMIT) is True

    def test_a_semaphore_is_never_negative(self, driver: Driver) -> None:
        with pytest.raises(ValueError, match="-1"):
            driver.semaphore(-1)

    def test_acquire_gives_up_when_the_time_is_over_and_not_before(
        self, driver: Driver
    ) -> None:
        semaphore, results = driver.semaphore(0), Log()

        keeps_time(lambda seconds: results(semaphore.acquire(timeout=seconds)))

        assert {*results.entries} == {False}

    def test_release_wakes_one_who_waits(self, driver: Driver) -> None:
        semaphore = driver.semaphore(0)
        waiter = driver.spawn(semaphore.acquire, name="waiter")
        driver.sleep(0)
        semaphore.release()

        assert ended(waiter, "release() wakes one who waits") is True

    def test_waiters_are_woken_in_the_order_in_which_they_came(
        self, driver: Driver
    ) -> None:
        semaphore, threads, waiters = driver.semaphore(0), Log(), []

        def wait() -> bool:
            threads(threading.get_native_id())
            return semaphore.acquire(timeout=LIMIT)

        for number in range(1, 4):
            waiters.append(driver.spawn(wait, name="waiter"))
            until(driver, partial(threads.reaches, number), "it begins")
            if threads.entries[-1] != threading.get_native_id():
                until_asleep(threads.entries[-1])
        for waiter in waiters:
            semaphore.release()
            assert ended(waiter, "release() wakes the first who waits") is True

    def test_no_more_hold_a_place_than_there_are(self, driver: Driver) -> None:
        semaphore, inside, peaks = driver.semaphore(3), set(), Log()

        def call() -> None:
            for _ in range(30):
                with semaphore:
                    inside.add(driver.current_ident())
                    peaks(len(inside))
                    driver.sleep(0)
                    inside.discard(driver.current_ident())

        tasks = [driver.spawn(call, name="guest") for _ in range(8)]
        for task in tasks:
            ended(task, "everyone gets a place")

        assert max(peaks.entries) <= 3
        assert [semaphore.acquire(blocking=False) for _ in range(4)] == [
            True,
            True,
            True,
            False,
        ], "every place is free again"

    def test_waiters_that_give_up_lose_nobody_elses_wake_up(
        self, driver: Driver
    ) -> None:
        semaphore = driver.semaphore(1)

        def impatient() -> None:
            for _ in range(30):
                if semaphore.acquire(timeout=0.0005):
                    driver.sleep(0.0005)
                    semaphore.release()

        def patient() -> bool:
            for _ in range(30):
                semaphore.acquire()
                driver.sleep(0)
                semaphore.release()
            return True

        calls = [impatient, patient] * 4
        tasks = [driver.spawn(call, name=call.__name__) for call in calls]

        for task in tasks:
            ended(task, "a release always wakes one who waits")

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_killed_waiter_takes_nobody_elses_wake_up_along(
        self, driver: Driver
    ) -> None:
        semaphore, begun = driver.semaphore(0), Log()

        def wait() -> bool:
            begun("one")
            return semaphore.acquire()

        victim = driver.spawn(wait, name="victim")
        until(driver, lambda: len(begun) == 1, "the first waits")
        heir = driver.spawn(wait, name="heir")
        until(driver, lambda: len(begun) == 2, "the second waits")
        victim.stop()
        until(driver, lambda: victim.done, "a killed task ends")

        semaphore.release()

        assert ended(heir, "release() wakes one who still waits") is True

    @pytest.mark.needs_capability("kill_tasks")
    def test_a_waiter_that_is_killed_as_it_is_woken_has_the_next_one_woken(
        self, driver: Driver
    ) -> None:
        semaphore, begun = driver.semaphore(0), Log()

        def wait() -> bool:
            begun("one")
            return semaphore.acquire()

        victim = driver.spawn(wait, name="victim")
        until(driver, partial(begun.reaches, 1), "the first waits")
        heir = driver.spawn(wait, name="heir")
        until(driver, partial(begun.reaches, 2), "the second waits")
        victim.stop()
        semaphore.release()

        assert ended(heir, "release() wakes one who still waits") is True


class TestSleep:
    primitive = "sleep()"

    def test_sleep_returns_when_the_time_is_over_and_not_before(
        self, driver: Driver
    ) -> None:
        keeps_time(driver.sleep)

    @pytest.mark.parametrize("seconds", ["1e8", "1e10", "float('inf')"])
    def test_a_long_sleep_holds_up_nobody(self, driver_name: str, seconds: str) -> None:
        result = run_script(
            "import sys\n"
            "from oslo_service import backend\n"
            "backend.init_backend(sys.argv[1])\n"
            "driver = backend.get_backend()\n"
            "sleep = lambda: driver.sleep(" + seconds + ")\n"
            "sleeper = driver.spawn(sleep, name='sleeper')\n"
            "driver.sleep(0.01)\n"
            "print('awake' if not sleeper.done else sleeper.wait())\n",
            driver_name,
        )

        assert (result.returncode, result.stdout) == (0, "awake\n"), result.stderr

    @pytest.mark.parametrize("seconds", [0, -1])
    def test_sleep_of_no_time_returns(self, driver: Driver, seconds: float) -> None:
        driver.sleep(seconds)

    @pytest.mark.parametrize("seconds", NO_TIME)
    def test_sleep_lets_other_tasks_run(self, driver: Driver, seconds: float) -> None:
        event = driver.event()
        task = driver.spawn(event.set, name="other")
        end = time.monotonic() + LIMIT

        while not event.is_set():
            assert time.monotonic() < end, f"sleep({seconds}) lets other tasks run"
            driver.sleep(seconds)

        ended(task, "it ends")


def high_descriptor(fd: int) -> int:
    """Duplicate a descriptor to a number that is beyond those of select(2)."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < 1100:
        pytest.skip("a process may have too few descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1100), hard))
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD, 1050)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def fill(writer: int) -> None:
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        return


@contextlib.contextmanager
def limit_of_descriptors(most: int) -> Iterator[None]:
    """Let no more descriptors be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestReadiness:
    primitive = "wait_ready()"

    @pytest.mark.parametrize("timeout", [None, 0, LIMIT, THREE_YEARS])
    def test_what_can_be_read_is_ready(
        self, driver: Driver, pipe: tuple[int, int], timeout: float | None
    ) -> None:
        reader, writer = pipe
        os.write(writer, b"!")

        assert driver.wait_ready([reader], timeout=timeout) == ([reader], [])

    @pytest.mark.parametrize("timeout", [None, 0, LIMIT])
    def test_what_can_be_written_is_ready(
        self, driver: Driver, pipe: tuple[int, int], timeout: float | None
    ) -> None:
        _, writer = pipe

        assert driver.wait_ready([], [writer], timeout) == ([], [writer])

    def test_nothing_is_ready_when_the_time_is_over_and_not_before(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        _, writer = pipe
        fill(writer)
        left, right = socket.socketpair()

        def wait(seconds: float) -> None:
            assert driver.wait_ready([left.fileno()], [writer], seconds) == ([], [])

        with left, right:
            keeps_time(wait)

    def test_no_time_only_looks(self, driver: Driver, pipe: tuple[int, int]) -> None:
        reader, _ = pipe

        assert driver.wait_ready([reader], timeout=0) == ([], [])
        assert driver.wait_ready([reader], timeout=-1) == ([], [])

    def test_a_descriptor_of_a_high_number_can_be_waited_for(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        high = high_descriptor(reader)
        try:
            os.write(writer, b"!")
            assert driver.wait_ready([high], timeout=LIMIT) == ([high], [])
        finally:
            os.close(high)

    def test_looking_in_a_loop_lets_other_tasks_run(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        task = driver.spawn(lambda: os.write(writer, b"!"), name="writer")
        end = time.monotonic() + LIMIT

        while driver.wait_ready([reader], timeout=0) == ([], []):
            assert time.monotonic() < end, "wait_ready() of no time lets others run"

        ended(task, "it ends")

    @pytest.mark.parametrize("timeout", [None, LIMIT, THREE_YEARS])
    def test_a_sleeping_task_is_woken_by_what_arrives(
        self, driver: Driver, pipe: tuple[int, int], timeout: float | None
    ) -> None:
        reader, writer = pipe
        waiter = threading.get_native_id()

        def write() -> None:
            until_asleep(waiter)
            os.write(writer, b"!")

        thread = in_native_thread(write)
        task = driver.spawn(
            lambda: driver.wait_ready([reader], timeout=timeout), name="reader"
        )

        assert ended(task, "what arrives wakes the task") == ([reader], [])
        thread.join(LIMIT)

    def test_a_task_is_woken_when_there_is_room_to_write(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        fill(writer)
        begun = driver.event()

        def wait() -> tuple[list[int], list[int]]:
            begun.set()
            return driver.wait_ready([], [writer], LIMIT)

        task = driver.spawn(wait, name="writer")
        until_set(begun, "it begins")
        assert not task.done

        os.read(reader, 1 << 20)

        assert ended(task, "room to write wakes the task") == ([], [writer])

    def test_a_hang_up_makes_the_reading_end_ready(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        task = driver.spawn(
            lambda: driver.wait_ready([reader], timeout=LIMIT), name="reader"
        )
        driver.sleep(0)
        os.close(writer)

        assert ended(task, "a hang-up wakes the task") == ([reader], [])

    def test_an_error_makes_the_writing_end_ready(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        fill(writer)
        task = driver.spawn(
            lambda: driver.wait_ready([], [writer], LIMIT), name="writer"
        )
        driver.sleep(0)
        os.close(reader)

        assert ended(task, "an error wakes the task") == ([], [writer])

    def test_a_peer_that_closes_makes_a_socket_ready(self, driver: Driver) -> None:
        left, right = socket.socketpair()
        with left:
            right.close()

            ready, _ = driver.wait_ready([left.fileno()], timeout=LIMIT)

            assert ready == [left.fileno()]

    def test_more_may_be_waited_for_than_may_be_opened(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        # poll(2) refuses to: the limit was lowered since, by prlimit(1), say.
        reader, writer = pipe
        with limit_of_descriptors(0):
            assert driver.wait_ready([reader], timeout=0.01) == ([], [])
            assert driver.wait_ready([reader], [writer], LIMIT) == ([], [writer])
            os.write(writer, b"!")
            assert driver.wait_ready([reader], timeout=LIMIT) == ([reader], [])
            assert driver.wait_ready([reader]) == ([reader], [])
            assert driver.wait_ready([reader], timeout=0) == ([reader], [])

    def test_of_several_descriptors_the_ready_one_is_given(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        pairs = [socket.socketpair() for _ in range(5)]
        idle = [left.fileno() for left, _ in pairs]
        try:
            os.write(writer, b"!")
            assert driver.wait_ready([*idle, reader], timeout=LIMIT) == ([reader], [])

            os.read(reader, 1)
            pairs[3][1].send(b"!")
            assert driver.wait_ready([reader, *idle], timeout=LIMIT) == ([idle[3]], [])
        finally:
            for left, right in pairs:
                left.close()
                right.close()

    def test_every_ready_descriptor_is_found_in_the_end(self, driver: Driver) -> None:
        pairs = [socket.socketpair() for _ in range(5)]
        try:
            for _, right in pairs:
                right.send(b"!")
            waiting = {left.fileno(): left for left, _ in pairs}
            while waiting:
                ready, _ = driver.wait_ready(list(waiting), timeout=LIMIT)
                assert ready, "at least one is given while the time is not over"
                for fd in ready:
                    waiting.pop(fd).recv(1)
        finally:
            for left, right in pairs:
                left.close()
                right.close()

    def test_one_descriptor_can_be_waited_for_both_ways(self, driver: Driver) -> None:
        left, right = socket.socketpair()
        with left, right:
            fd = left.fileno()

            assert driver.wait_ready([fd], [fd], LIMIT) == ([], [fd])

            fill(fd)
            right.send(b"!")
            assert driver.wait_ready([fd], [fd], LIMIT) == ([fd], [])

    def test_waiting_blocks_the_task_and_not_the_process(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe

        def write() -> None:
            driver.sleep(0.01)  # The other waits by then.
            os.write(writer, b"!")

        reading = driver.spawn(lambda: driver.wait_ready([reader]), name="reader")
        writing = driver.spawn(write, name="writer")

        ended(writing, "other tasks run while one waits for a descriptor")
        assert ended(reading, "and wake it") == ([reader], [])

    def test_tasks_wait_side_by_side_each_for_its_own(self, driver: Driver) -> None:
        pairs = [socket.socketpair() for _ in range(3)]
        waiting = []
        try:
            for left, _ in pairs:
                begun, fd = driver.event(), left.fileno()
                wait = announced(begun, partial(driver.wait_ready, [fd]))
                waiting.append((driver.spawn(wait, name="reader"), fd))
                until_set(begun, "it begins")
            driver.sleep(0)
            # Those who came first wait for what comes last.
            for (task, fd), (_, right) in reversed([*zip(waiting, pairs, strict=True)]):
                assert not task.done
                right.send(b"!")
                assert ended(task, "none waits for another's") == ([fd], [])
        finally:
            for _, right in pairs:
                right.send(b"!")
            for task, _ in waiting:
                ended(task, "it ends")
            for left, right in pairs:
                left.close()
                right.close()

    def test_a_descriptor_can_be_waited_for_again_and_by_another_task(
        self, driver: Driver, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        for _ in range(3):
            assert driver.wait_ready([reader], timeout=0.001) == ([], [])
            os.write(writer, b"!")
            ready = in_time(
                driver,
                lambda: driver.wait_ready([reader], timeout=LIMIT),
                "a descriptor that was waited for can be again",
            )
            assert ready == ([reader], [])
            os.read(reader, 1)


IDLE = """
import os, sys
from pathlib import Path
from oslo_service import backend

def switches():
    return sum(
        int(task.read_text().partition("\\nvoluntary_ctxt_switches:")[2].split()[0])
        for task in Path("/proc/self/task").glob("*/status")
    )

backend.init_backend(sys.argv[1])
driver = backend.get_backend()
reader, writer = os.pipe()
other, _ = os.pipe()
waits = {
    "event": [driver.event().wait, lambda: driver.event().wait(1e6)],
    "sleep": [lambda: driver.sleep(1e6)],
    "wait_ready": [
        lambda: driver.wait_ready([reader]),
        lambda: driver.wait_ready([other], (), 1e6),
    ],
}
for what in sys.argv[2:]:
    for wait in waits[what]:
        driver.spawn(wait, name="waits")
pause = driver.event()
pause.wait(0.3)
before = switches()
pause.wait(1)
print(switches() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5) is Linux's")
class TestIdleness:
    primitive = "what wakes up: event(), sleep() or wait_ready()"
    # The pause ends, and a lock may be taken meanwhile.
    FEW = 4

    def test_a_task_that_waits_does_not_wake_up_in_between(
        self, driver_name: str
    ) -> None:
        ways = ["event", "sleep", "wait_ready"]
        if self.wake_ups(driver_name, *ways) > self.FEW:
            found = {way: self.wake_ups(driver_name, way) for way in ways}
            assert max(found.values()) <= self.FEW, f"what waits must not poll: {found}"

    @staticmethod
    def wake_ups(driver_name: str, *ways: str) -> int:
        result = run_script(IDLE, driver_name, *ways)

        assert result.returncode == 0, result.stderr
        return int(result.stdout)


class TestOriginalModules:
    primitive = "original()"

    @pytest.mark.parametrize(
        "module",
        ["os", "signal", "time", "select", "socket", "threading", "subprocess", "json"],
    )
    def test_every_module_of_the_standard_library_can_be_had(
        self, driver: Driver, module: str
    ) -> None:
        assert driver.original(module).__name__ == module


@contextlib.contextmanager
def executing(driver: Driver, max_workers: int) -> Iterator[Any]:
    """Make an executor; nobody waits for its end: idle threads may take their time."""
    executor = driver.executor(max_workers)
    yield executor
    executor.shutdown(wait=False)


class TestExecutors:
    primitive = "executor()"

    def test_an_executor_runs_calls_and_gives_their_results(
        self, driver: Driver
    ) -> None:
        with executing(driver, 2) as executor:
            futures = [executor.submit(pow, number, 2) for number in range(5)]
            until(
                driver,
                lambda: all(one.done() for one in futures),
                "an executor runs what is submitted",
            )

        assert [one.result() for one in futures] == [0, 1, 4, 9, 16]

    def test_an_executor_passes_all_arguments_on(self, driver: Driver) -> None:
        with executing(driver, 1) as executor:
            future = executor.submit(dict, [("a", 1)], b=2)
            until(driver, future.done, "an executor runs what is submitted")

        assert future.result() == {"a": 1, "b": 2}

    def test_an_executor_gives_the_exception_of_a_call(self, driver: Driver) -> None:
        with executing(driver, 1) as executor:
            future = executor.submit(fail)
            until(driver, future.done, "an executor runs what is submitted")

        assert isinstance(future.exception(), PlainError)

    def test_an_executor_runs_no_more_calls_at_a_time_than_it_was_told(
        self, driver: Driver
    ) -> None:
        inside, peaks = Log(), Log()

        def call() -> None:
            inside(1)
            peaks(sum(inside.entries))
            driver.sleep(0.001)
            inside(-1)

        with executing(driver, 2) as executor:
            futures = [executor.submit(call) for _ in range(10)]
            until(
                driver,
                lambda: all(one.done() for one in futures),
                "an executor runs what is submitted",
            )

        assert max(peaks.entries) <= 2

    def test_an_executor_runs_as_many_calls_at_a_time_as_it_was_told(
        self, driver: Driver
    ) -> None:
        come = [driver.event() for _ in range(3)]

        def meet(mine: int) -> bool:
            come[mine].set()
            return all(other.wait(LIMIT) for other in come)

        with executing(driver, 3) as executor:
            futures = [executor.submit(meet, number) for number in range(3)]
            until(
                driver,
                lambda: all(one.done() for one in futures),
                "as many calls run at a time as there are places",
            )

        assert [one.result() for one in futures] == [True] * 3

    def test_waiting_for_a_call_blocks_the_task_and_not_the_process(
        self, driver: Driver
    ) -> None:
        release = driver.event()
        with executing(driver, 1) as executor:
            future = executor.submit(release.wait, LIMIT)
            waiter = driver.spawn(lambda: future.result(LIMIT), name="waiter")
            driver.spawn(release.set, name="other")

            assert ended(waiter, "other tasks run while one waits for a call") is True

    def test_the_end_of_an_executor_is_awaited_and_it_accepts_nothing_more(
        self, driver: Driver
    ) -> None:
        calls = Log()

        def call() -> None:
            driver.sleep(0.03)
            calls(1)

        executor = driver.executor(2)
        for _ in range(6):
            executor.submit(call)
        in_time(driver, executor.shutdown, "shutdown() ends")

        assert len(calls) == 6
        with pytest.raises(RuntimeError):
            executor.submit(call)


class TestDefer:
    primitive = "defer()"

    def test_what_a_signal_handler_defers_runs_and_may_wait(
        self, driver: Driver, on_signal: Callable[[Callable[[], object]], None]
    ) -> None:
        done = driver.event()

        def deferred() -> None:
            driver.sleep(0.001)
            driver.event().wait(0.001)
            done.set()

        on_signal(lambda: driver.defer(deferred))
        thread = send_signal_to_sleeping_main_thread()

        until_set(done, "defer() brings a call out of a signal handler, soon")
        thread.join(LIMIT)

    def test_all_that_is_deferred_runs_and_once(self, driver: Driver) -> None:
        done = Log()
        for number in range(20):
            driver.defer(partial(done, number))

        until(driver, partial(done.reaches, 20), "nothing that is deferred is lost")
        driver.sleep(0.001)
        assert sorted(done.entries) == [*range(20)]


AFTER_FORK = """
import faulthandler, os, sys, traceback
limit = float(sys.argv[2])
faulthandler.dump_traceback_later(1.6 * limit, exit=True)
from oslo_service import backend
from oslo_service.backend.exceptions import TaskCancelled

backend.init_backend(sys.argv[1])
driver = backend.get_backend()
release, begun = driver.event(), driver.event()
ran_in = []

def call():
    begun.set()
    release.wait(limit)
    ran_in.append(os.getpid())
    return "parent's"

parent, inherited = os.getpid(), driver.spawn(call, name="inherited")
assert begun.wait(limit)
reader, writer = os.pipe()
reading = driver.spawn(lambda: driver.wait_ready([reader], timeout=limit), name="r")
driver.sleep(0.001)
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    status = 1
    try:
        assert inherited.done, "inherited tasks count as ended"
        try:
            inherited.wait(0)
        except TaskCancelled:
            pass
        else:
            raise AssertionError("waiting for an inherited task raises TaskCancelled")
        assert not driver.running, "nothing runs in a fresh child"
        release.set()
        assert driver.spawn(lambda: 5, name="new").wait(limit) == 5, "new tasks run"
        event = driver.event()
        assert event.wait(0.01) is False
        driver.spawn(event.set, name="setter")
        assert event.wait(limit), "events work in a child"
        with driver.semaphore() as taken:
            assert taken
        one, other = os.pipe()
        task = driver.spawn(lambda: driver.wait_ready([one], timeout=limit), name="r")
        driver.sleep(0.001)
        os.write(other, b"!")
        assert task.wait(limit) == ([one], []), "readiness works in a child"
        driver.sleep(0.01)
        assert not ran_in, "a task of the parent never runs on in a child"
        assert not driver.running, "nothing is left"
        status = 7  # none that a process ends with of itself
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
while True:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    driver.sleep(0.005)
assert os.waitstatus_to_exitcode(status) == 7, status
assert not inherited.done, "the parent's tasks live on"
assert not reading.done
os.write(writer, b"!")
assert reading.wait(limit) == ([reader], []), "the parent's waits are not disturbed"
release.set()
assert inherited.wait(limit) == "parent's"
assert ran_in == [parent]
print("as it should be")
"""

SIGNAL_AFTER_FORK = """
import faulthandler, os, signal, sys
faulthandler.dump_traceback_later(50, exit=True)
from oslo_service import backend

driver = backend.bootstrap(argv=[])
driver.sleep(0)
tasks = []

def spawn(*_):
    tasks.append(driver.spawn(lambda: "ran", name="spawned by a handler"))

def sleep_and_be_interrupted(after):
    def count(frame, event, _):
        nonlocal after
        after -= event == "call"
        if after == 0:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGUSR1)

    sys.setprofile(count)
    driver.sleep(0.001)
    sys.setprofile(None)

signal.signal(signal.SIGUSR1, spawn)
for after in range(1, 40):
    pid = os.fork()
    if pid == 0:
        driver.after_fork()
        sleep_and_be_interrupted(after)
        assert [task.wait(30) for task in tasks] in ([], ["ran"])
        os._exit(0 if tasks else 77)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 77:
        break  # there is nothing of it left to interrupt
    assert status == 0, (after, status)
assert after > 1
print("as it should be")
"""

UNBEGUN = """
import os
from oslo_service import backend

driver = backend.bootstrap(argv=[])
driver.sleep(0)
reader, writer = os.pipe()
task = driver.spawn(lambda: os.write(writer, b"begun "), name="unbegun")
if os.fork() == 0:
    driver.sleep(0.05)
    os._exit(0)
task.wait()
os.wait()
print(os.read(reader, 100).decode().strip())
"""


class TestAfterFork:
    primitive = "after_fork()"

    def test_what_has_not_begun_does_not_begin_in_a_child_too(
        self, driver_name: str
    ) -> None:
        result = run_script(UNBEGUN, env={"OS_OSLO_SERVICE__BACKEND": driver_name})

        assert result.stdout == "begun\n", result.stderr

    def test_a_signal_may_come_before_anything_has_waited(
        self, driver_name: str
    ) -> None:
        result = run_script(
            SIGNAL_AFTER_FORK, env={"OS_OSLO_SERVICE__BACKEND": driver_name}
        )

        assert result.stdout == "as it should be\n", result.stderr

    def test_a_forked_child_is_usable_and_its_parent_undisturbed(
        self, driver_name: str
    ) -> None:
        result = run_script(AFTER_FORK, driver_name, str(min(LIMIT, 30)))

        assert result.stdout == "as it should be\n", result.stderr
        assert result.returncode == 0, result.stderr
