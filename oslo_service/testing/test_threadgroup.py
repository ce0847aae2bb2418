# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What groups of threads and timers promise, on every driver."""

import logging
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from oslo_service import loopingcall, threadgroup
from oslo_service._common import deprecation
from oslo_service._common.fork_safety import Inherited
from oslo_service.backend.base import Driver, Event
from oslo_service.backend.exceptions import TaskCancelled
from oslo_service.testing.waiting import (
    LIMIT,
    Log,
    announced,
    ended,
    in_time,
    run_script,
    until,
    until_set,
)

FAR = 3600.0


class PlainError(Exception):
    """What the functions of these tests raise."""


class BareError(BaseException):
    """No Exception, and yet a failure: as eventlet.Timeout is."""


def fail() -> None:
    raise PlainError("as asked")


def listen() -> bool:
    """Run until asked to stop."""
    return threadgroup.stop_requested().wait(LIMIT)


@pytest.fixture
def group(driver: Driver) -> Iterator[threadgroup.ThreadGroup]:
    """A group of two places, stopped afterwards."""
    made = threadgroup.ThreadGroup(2)
    yield made
    made.stop()
    in_time(driver, made.waitall, "a stopped group comes to its end")


@pytest.fixture
def release(driver: Driver) -> Iterator[Event]:
    """An event that is set at the end, whatever happens."""
    event = driver.event()
    yield event
    event.set()


def result_of(driver: Driver, thread: threadgroup.Thread) -> Any:
    return in_time(driver, thread.wait, "a group's thread comes to its end")


def stubborn(release: Event) -> Callable[[], None]:
    """Return a function that ends by ``release`` only: not when killed or asked."""

    def stay() -> None:
        while not release.is_set():
            try:
                release.wait(LIMIT)
            except BaseException:  # noqa: BLE001, S112 - that is the point
                continue

    return stay


def pool_of(group: Any) -> Any:
    """Return the pool, of which the types say nothing."""
    return group.pool


class TestThreads:
    def test_wait_gives_the_result(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        thread = group.add_thread(lambda *args, **kwargs: (args, kwargs), 1, b=2)

        assert result_of(driver, thread) == ((1,), {"b": 2})

    @pytest.mark.parametrize("kind", [PlainError, BareError])
    def test_wait_raises_what_the_function_raised(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        caplog: pytest.LogCaptureFixture,
        kind: type,
    ) -> None:
        def call() -> None:
            raise kind("as asked")

        thread = group.add_thread(call)

        with pytest.raises(kind, match="as asked"):
            result_of(driver, thread)
        said = f"{kind.__name__}: as asked"
        assert said in caplog.text, "logged with its traceback"

    def test_system_exit_ends_that_thread_alone(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        other = group.add_thread(listen)
        thread = group.add_thread(sys.exit, 3)

        assert result_of(driver, thread) is None
        assert not other.done

    def test_add_thread_returns_a_thread_of_the_group(
        self, group: threadgroup.ThreadGroup
    ) -> None:
        thread = group.add_thread(listen)

        assert isinstance(thread, threadgroup.Thread)
        assert thread.group is group
        assert group.threads == [thread]
        assert not thread.done

    def test_a_thread_that_ended_leaves_the_list(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        threads = [group.add_thread(int), group.add_thread(fail)]

        until(driver, lambda: all(one.done for one in threads), "they end")

        until(driver, lambda: not group.threads, "what has ended leaves the list")

    def test_many_threads_leave_nothing_in_the_list(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        for _ in range(300):
            group.add_thread(int)

        in_time(driver, group.wait, "they end")

        until(driver, lambda: not group.threads, "what has ended leaves the list")

    def test_thread_done_takes_a_thread_out_of_the_list(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        thread = group.add_thread(release.wait, LIMIT)

        group.thread_done(thread)
        group.thread_done(thread)

        assert group.threads == []
        release.set()
        assert result_of(driver, thread) is True, "it is not stopped"

    def test_every_thread_has_an_ident_of_its_own_while_it_runs(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        begun = Log()

        def call() -> None:
            begun(driver.current_ident())
            listen()

        threads = [group.add_thread(call) for _ in range(2)]
        until(driver, lambda: len(begun) == 2, "both begin")

        assert {one.ident for one in threads} == set(begun.entries)
        assert len({*begun.entries, driver.current_ident()}) == 3

    def test_a_thread_has_its_ident_and_its_task_from_the_beginning(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        thread = group.add_thread(driver.current_ident)

        ident = thread.ident
        assert thread.thread is not None
        assert ident == result_of(driver, thread)

    def test_one_that_waits_for_itself_is_told_so(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        threads: list[Any] = []

        def wait() -> None:
            release.wait(LIMIT)
            threads[0].wait()

        threads.append(group.add_thread(wait))
        release.set()

        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            result_of(driver, threads[0])


class TestLinks:
    def test_a_link_is_called_with_the_thread_in_the_ending_thread(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        calls, called = Log(), driver.event()

        def note(*args: Any, **kwargs: Any) -> None:
            calls(args, kwargs, driver.current_ident())
            called.set()

        thread = group.add_thread(release.wait, LIMIT)
        thread.link(note, 1, two=2)
        assert not calls.entries
        release.set()

        until_set(called, "a link is called when the thread ends")
        assert calls.entries == [((thread, 1), {"two": 2}, thread.ident)]

    def test_a_link_to_an_ended_thread_is_called_at_once(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        thread, calls = group.add_thread(int), Log()
        result_of(driver, thread)

        thread.link(calls, "one")

        assert calls.entries == [(thread, "one")]

    def test_an_error_in_a_link_is_logged(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        thread = group.add_thread(int)
        result_of(driver, thread)

        thread.link(lambda _thread: fail())

        assert "PlainError: as asked" in caplog.text

    def test_who_waits_for_a_thread_does_not_wait_for_its_links(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        release, over, begun = driver.event(), driver.event(), driver.event()
        thread = group.add_thread(lambda: release.wait(LIMIT))
        waiter = driver.spawn(announced(begun, thread.wait), name="waiter")
        until_set(begun, "it begins")
        driver.sleep(0.01)
        thread.link(lambda _thread: over.wait(2 * LIMIT))
        release.set()

        assert ended(waiter, "who waits does so for the call only") is True
        in_time(driver, group.wait, "nor does the group wait for links")
        over.set()


class TestFullGroup:
    def test_add_thread_waits_for_a_place(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        inside, peaks = Log(), Log()

        def call() -> None:
            inside(1)
            peaks(sum(inside.entries))
            driver.sleep(0.001)
            inside(-1)

        for _ in range(20):
            group.add_thread(call)
        in_time(driver, group.wait, "they end")

        assert len(peaks) == 20
        assert max(peaks.entries) <= 2, "no more threads than places"

    def test_who_waits_for_a_place_goes_on_when_a_thread_ends(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        order = Log()

        def member() -> None:
            release.wait(LIMIT)
            order("member")

        for _ in range(2):
            group.add_thread(member)
        adding = driver.spawn(
            lambda: group.add_thread(order, "added"), name="outside the group"
        )
        driver.sleep(0.01)
        assert not adding.done, "add_thread() waits for a slot"

        release.set()

        result_of(driver, ended(adding, "a place becomes free"))
        in_time(driver, group.wait, "they end")
        assert order.entries.index("added") >= 1, "after a member has ended"

    def test_added_by_a_member_the_function_runs_in_the_caller(
        self, driver: Driver
    ) -> None:
        group = threadgroup.ThreadGroup(1)

        def outer() -> tuple[int, threadgroup.Thread]:
            return driver.current_ident(), group.add_thread(driver.current_ident)

        member, inner = result_of(driver, group.add_thread(outer))

        assert inner.done, "the returned thread has ended"
        assert inner.wait() == member

    def test_what_a_function_raises_in_a_calling_member_stays_in_its_thread(
        self, driver: Driver
    ) -> None:
        group = threadgroup.ThreadGroup(1)
        inner = result_of(driver, group.add_thread(group.add_thread, fail))

        with pytest.raises(PlainError):
            inner.wait()

    def test_a_member_may_add_at_once_however_it_races_with_add_thread(
        self, driver: Driver
    ) -> None:
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for _ in range(200):
                group = threadgroup.ThreadGroup(1)
                thread = group.add_thread(lambda g=group: g.add_thread(int))
                result_of(driver, thread)
        finally:
            sys.setswitchinterval(interval)

    def test_added_by_a_timer_the_function_runs_in_the_timer(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        for _ in range(2):
            group.add_thread(release.wait, LIMIT)
        idents, done = Log(), driver.event()

        def tick() -> None:
            idents(driver.current_ident())
            inner = group.add_thread(driver.current_ident)
            idents(inner.wait())
            done.set()
            raise loopingcall.LoopingCallDone

        group.add_timer(0.001, tick)

        until_set(done, "a timer of a full group never waits for a slot")
        assert idents.entries[0] == idents.entries[1]

    def test_a_nested_call_listens_to_its_callers_stop(
        self, driver: Driver, release: Event
    ) -> None:
        group = threadgroup.ThreadGroup(1)
        begun, ending = driver.event(), Log()

        def inner() -> None:
            begun.set()
            ending(listen())
            release.wait(LIMIT)

        group.add_thread(lambda: group.add_thread(inner))
        until_set(begun, "it begins")
        release.set()
        group.stop()
        in_time(driver, group.waitall, "a member's own call ends when it is stopped")

        assert ending.entries in ([True], [])


@pytest.mark.filterwarnings("ignore:ThreadGroup.cancel:DeprecationWarning")
class TestCancel:
    def test_cancel_prevents_a_start_or_says_that_it_has_begun(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        for _ in range(30):
            calls = Log()
            thread = group.add_thread(calls, "ran")
            if thread.cancel():
                with pytest.raises(TaskCancelled):
                    result_of(driver, thread)
                assert not calls.entries
            else:
                result_of(driver, thread)
                assert calls.entries == ["ran"]

        until(driver, lambda: not group.threads, "a cancelled thread leaves the list")

    def test_cancel_leaves_threads_that_have_begun_alone(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()
        thread = group.add_thread(announced(begun, release.wait), LIMIT)
        until_set(begun, "it begins")

        group.cancel()

        assert not thread.done
        release.set()
        assert result_of(driver, thread) is True

    def test_cancel_sends_away_who_waits_in_add_thread(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        calls, begun = Log(), [driver.event(), driver.event()]
        for event in begun:
            group.add_thread(announced(event, release.wait), LIMIT)
            until_set(event, "it begins")
        adding = driver.spawn(lambda: group.add_thread(calls, "ran"), name="adds")

        def is_sent_away() -> bool:
            group.cancel()  # it may come before the other waits
            return adding.done

        until(driver, is_sent_away, "it does not wait for a slot any more")

        with pytest.raises(TaskCancelled):
            adding.wait().wait()
        assert not calls.entries

    def test_cancel_with_a_timeout_stops_what_still_runs_then(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        begun = driver.event()
        group.add_thread(announced(begun, listen))
        until_set(begun, "it begins")

        group.cancel(timeout=0.01, wait_time=0.001)

        in_time(driver, group.waitall, "it is stopped")

    @pytest.mark.needs_capability("kill_tasks")
    def test_what_cancel_has_killed_has_left_when_it_returns(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()
        thread = group.add_thread(announced(begun, release.wait))
        until_set(begun, "it begins")

        in_time(driver, lambda: group.cancel(timeout=0.01), "cancel() returns")

        assert thread.done
        assert group.threads == []


class TestPool:
    """What groups had when they were made of green pools."""

    def test_what_it_spawns_is_of_the_group(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        pool, begun = pool_of(group), Log()

        def call(number: int) -> int:
            begun(number)
            release.wait(LIMIT)
            return number

        first = pool.spawn(call, 1)
        assert pool.spawn_n(call, number=2) is None
        until(driver, lambda: len(begun) == 2, "both begin")

        assert len(group.threads) == 2
        assert (pool.running(), pool.free(), pool.waiting()) == (2, 0, 0)
        release.set()
        assert in_time(driver, first.wait, "it gives the result") == 1
        in_time(driver, pool.waitall, "all have ended")
        assert pool.running() == 0
        assert group.threads == []

    def test_the_group_waits_for_it_and_stops_it(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        begun = Log()

        def call() -> None:
            begun("call")
            listen()

        for _ in range(2):
            pool_of(group).spawn(call)
        until(driver, lambda: len(begun) == 2, "both begin")
        waiting = driver.spawn(group.wait, name="wait")
        driver.sleep(0.05)
        assert not waiting.done

        in_time(driver, group.stop, "stop() returns")

        ended(waiting, "wait() returns")
        until(driver, lambda: not group.threads, "they are ended")

    def test_a_full_one_makes_spawn_wait_until_it_is_resized(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        pool = pool_of(group)
        for _ in range(2):
            pool.spawn(release.wait)
        spawning = driver.spawn(lambda: pool.spawn(release.wait), name="spawn")
        until(driver, lambda: pool.waiting() == 1, "it waits")

        pool.resize(3)
        ended(spawning, "there is room")
        assert (pool.size, pool.running(), pool.free()) == (3, 3, 0)

        pool.resize(1)
        assert pool.free() == -2
        release.set()
        in_time(driver, pool.waitall, "all have ended")
        assert pool.free() == 1

    def test_a_smaller_one_hands_no_place_over_until_there_is_one(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        pool, second, begun = pool_of(group), driver.event(), Log()
        pool.spawn(release.wait)
        pool.spawn(second.wait)
        pool.resize(1)
        waiting = driver.spawn(lambda: pool.spawn(begun, "third"), name="spawn")
        until(driver, lambda: pool.waiting() == 1, "it waits")

        second.set()
        until(driver, lambda: pool.running() == 1, "the second has ended")
        assert not waiting.done
        release.set()
        ended(waiting, "there is room")
        in_time(driver, pool.waitall, "all have ended")
        assert begun.entries == ["third"]

    def test_waitall_does_not_wait_for_its_caller_nor_for_timers(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        group.add_timer(FAR, int)

        thread = group.add_thread(pool_of(group).waitall)

        result_of(driver, thread)

    def test_a_member_of_a_full_one_makes_the_call_itself(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()
        group.add_thread(announced(begun, release.wait))
        until_set(begun, "it begins")

        def call() -> tuple[int, int]:
            inner = pool_of(group).spawn(driver.current_ident).wait()
            return inner, driver.current_ident()

        inner, outer = result_of(driver, group.add_thread(call))

        assert inner == outer

    def test_it_is_the_same_each_time(self, group: threadgroup.ThreadGroup) -> None:
        assert pool_of(group) is pool_of(group)


class TestStop:
    def test_stop_ends_threads_that_listen(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        threads = [group.add_thread(listen) for _ in range(2)]

        group.stop()

        until(driver, lambda: all(one.done for one in threads), "stop() ends threads")
        until(driver, lambda: not group.threads, "what has ended leaves the list")

    @pytest.mark.needs_capability("kill_tasks")
    def test_stop_ends_threads_that_wait_for_ever_where_they_can_be_killed(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        begun = driver.event()
        thread = group.add_thread(announced(begun, driver.event().wait))
        until_set(begun, "it begins")

        group.stop()

        with pytest.raises(TaskCancelled):
            result_of(driver, thread)
        assert "failed" not in caplog.text, "it did not: it was killed"

    def test_stop_names_the_threads_that_linger_and_keeps_them_in_the_list(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        release: Event,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        begun, stay = driver.event(), stubborn(release)
        thread = group.add_thread(announced(begun, stay))
        until_set(begun, "it begins")

        in_time(driver, group.stop, "stop() does not wait for what lingers")

        lines = [one for one in caplog.records if one.levelno == logging.WARNING]
        assert len(lines) == 1
        assert "stubborn" in lines[0].getMessage()
        assert group.threads == [thread]
        release.set()
        until(driver, lambda: not group.threads, "it leaves when it ends")

    def test_who_waits_for_what_lingers_goes_on_when_the_group_is_stopped(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()
        thread = group.add_thread(announced(begun, stubborn(release)))
        until_set(begun, "it begins")
        waiting = driver.spawn(group.wait, name="waits for the group")
        driver.sleep(0.01)
        assert not waiting.done

        group.stop()

        ended(waiting, "what was told to end is not waited for")
        assert not thread.done

    def test_stop_says_nothing_where_nothing_lingers(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        group.add_timer(FAR, int)
        group.stop()
        in_time(driver, group.waitall, "it ends")

        assert not caplog.records

    def test_who_waits_in_add_thread_gets_a_cancelled_thread(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        calls, begun = Log(), [driver.event(), driver.event()]
        for event in begun:
            group.add_thread(announced(event, stubborn(release)))
            until_set(event, "it begins")
        adding = [
            driver.spawn(lambda: group.add_thread(calls, "ran"), name="adds")
            for _ in range(3)
        ]
        # One of them may come after the first stop().
        while not all(one.done for one in adding):
            group.stop()

        for one in adding:
            thread = ended(one, "stop() frees those who wait in add_thread()")
            with pytest.raises(TaskCancelled):
                thread.wait()
        assert not calls.entries

    def test_a_stopped_group_accepts_new_work_with_a_new_event(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        group.add_thread(listen)
        group.stop()
        in_time(driver, group.waitall, "the first work ends")

        thread = group.add_thread(lambda: threadgroup.stop_requested().is_set())

        assert result_of(driver, thread) is False

    def test_stop_gracefully_waits_for_the_calls_in_progress(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun, finished = Log(), Log()

        def call(name: str) -> None:
            begun(name)
            release.wait(LIMIT)
            finished(name)

        group.add_thread(call, "thread")
        group.add_timer(FAR, call, None, "timer")
        until(driver, lambda: len(begun) == 2, "both begin")

        def stop() -> list[Any]:
            group.stop(graceful=True)
            return finished.entries

        stopping = driver.spawn(stop, name="stops")
        driver.sleep(0)
        release.set()

        at_return = ended(stopping, "a graceful stop comes to its end")
        assert sorted(at_return) == ["thread", "timer"]

    def test_stop_gracefully_does_not_ask_threads_to_end(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()

        def call() -> bool:
            begun.set()
            release.wait(LIMIT)
            return threadgroup.stop_requested().is_set()

        thread = group.add_thread(call)
        until_set(begun, "it begins")
        stopping = driver.spawn(lambda: group.stop(graceful=True), name="stops")
        driver.sleep(0.01)
        release.set()

        assert result_of(driver, thread) is False
        ended(stopping, "a graceful stop comes to its end")

    def test_stop_twice_and_of_an_empty_group_is_harmless(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        for graceful in (True, False):
            for _ in range(2):
                in_time(
                    driver,
                    partial(group.stop, graceful=graceful),
                    "stop() of an empty group returns",
                )

    def test_outside_any_group_nobody_asks_to_stop(self, driver: Driver) -> None:
        del driver
        assert not threadgroup.stop_requested().is_set()

    def test_a_timer_is_told_to_stop(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        begun, told = driver.event(), driver.event()

        def tick() -> None:
            begun.set()
            if listen():
                told.set()

        group.add_timer(FAR, tick)
        until_set(begun, "it begins")

        group.stop_timers()

        until_set(told, "stop_requested() tells a timer's call in progress")


class TestTimers:
    def test_a_timer_calls_with_its_arguments(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        calls = Log()

        def call(*args: Any, **kwargs: Any) -> None:
            calls(args, kwargs)
            raise loopingcall.LoopingCallDone

        group.add_timer(0.001, call, None, 1, b=2)
        group.add_timer_args(0.001, call, (1,), {"b": 2})
        group.add_timer_args(0.001, call, args=[1], kwargs={"b": 2}, initial_delay=0)
        group.add_dynamic_timer(call, None, None, 1, b=2)
        group.add_dynamic_timer_args(call, [1], {"b": 2}, periodic_interval_max=1)
        in_time(driver, group.wait, "they end")

        assert calls.entries == [((1,), {"b": 2})] * 5

    def test_a_timer_is_a_looping_call_that_runs(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        calls = Log()

        timer = group.add_timer(0.001, calls, None, "tick")

        assert isinstance(timer, loopingcall.FixedIntervalLoopingCall)
        assert group.timers == [timer]
        until(driver, lambda: len(calls) > 3, "a timer goes on")

    def test_a_dynamic_timer_says_when_it_wants_to_be_called_again(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        calls = Log()

        def tick() -> float:
            calls("tick")
            return 0.001

        timer = group.add_dynamic_timer(tick)

        assert isinstance(timer, loopingcall.DynamicLoopingCall)
        until(driver, lambda: len(calls) > 3, "a dynamic timer goes on")

    @pytest.mark.parametrize("ending", [loopingcall.LoopingCallDone, PlainError])
    def test_a_timer_that_ends_on_its_own_leaves_the_list(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        ending: type[Exception],
    ) -> None:
        def call() -> None:
            raise ending

        timer = group.add_timer(0.001, call)
        try:
            in_time(driver, timer.wait, "it ends")
        except PlainError:
            pass

        until(driver, lambda: not group.timers, "what has ended leaves the list")

    def test_a_timer_that_is_stopped_leaves_the_list(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        timer = group.add_timer(FAR, int)

        timer.stop()

        until(driver, lambda: not group.timers, "what has ended leaves the list")

    def test_a_timer_that_is_being_added_when_the_group_stops_ends_at_once(
        self,
        driver: Driver,
        group: threadgroup.ThreadGroup,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        kind = loopingcall.FixedIntervalLoopingCall
        start = kind.start

        def start_late(timer: Any, *args: Any) -> Any:
            in_time(driver, group.stop, "the group stops meanwhile")
            return start(timer, *args)

        monkeypatch.setattr(kind, "start", start_late)
        timer = group.add_timer(FAR, int)

        assert in_time(driver, timer.wait, "it is stopped") is True
        assert group.timers == []

    def test_a_timer_goes_on_after_exceptions_where_that_was_asked(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        calls = Log()

        def call() -> float:
            calls("tick")
            raise PlainError

        group.add_timer_args(0.001, call, stop_on_exception=False)
        group.add_dynamic_timer_args(
            call, periodic_interval_max=0.001, stop_on_exception=False
        )

        until(driver, lambda: len(calls) > 6, "both go on")

    def test_a_timer_that_cannot_start_is_not_in_the_list(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        del driver
        with pytest.raises(ValueError, match="interval"):
            group.add_timer(-1, int)

        assert group.timers == []

    def test_timer_done_takes_a_timer_out_of_the_list_and_does_not_stop_it(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        calls = Log()
        timer = group.add_timer(0.001, calls, None, "tick")

        group.timer_done(timer)
        group.timer_done(timer)

        assert group.timers == []
        seen = len(calls)
        until(driver, lambda: len(calls) > seen + 1, "it goes on")
        timer.stop()
        in_time(driver, timer.wait, "it ends")

    def test_stopped_timers_have_left_at_once_and_are_waited_for(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()
        group.add_timer(FAR, announced(begun, release.wait))
        group.add_timer(FAR, int, FAR)
        until_set(begun, "it ticks")

        group.stop_timers()

        assert group.timers == []
        waiting = driver.spawn(group.wait, name="wait")
        driver.sleep(0.05)
        assert not waiting.done, "a call is in progress"
        release.set()
        ended(waiting, "it has ended")
        assert group._members.here().all() == []

    def test_a_stopped_timer_may_touch_its_group(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()

        def tick() -> None:
            begun.set()
            release.wait(LIMIT)
            group.wait()
            group.stop(graceful=True)

        timer = group.add_timer(FAR, tick)
        until_set(begun, "it ticks")
        group.stop_timers()
        release.set()

        in_time(driver, timer.wait, "it does not wait for itself")
        assert group._members.here().all() == []

    def test_stop_timers_leaves_threads_alone(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        thread = group.add_thread(listen)
        group.add_timer(FAR, int)
        group.add_dynamic_timer(lambda: FAR)

        in_time(driver, lambda: group.stop_timers(wait=True), "timers end")

        assert group.timers == []
        assert not thread.done

    def test_timers_take_no_place(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        for _ in range(5):
            group.add_timer(FAR, int)

        thread = in_time(driver, lambda: group.add_thread(int), "there is a place")

        result_of(driver, thread)


class TestWaiting:
    def test_wait_waits_for_threads_and_timers_and_raises_nothing(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        finished = Log()

        def call() -> None:
            release.wait(LIMIT)
            finished("one")
            fail()

        group.add_thread(call)
        group.add_timer(0.001, call)

        def wait() -> int:
            group.wait()
            return len(finished)

        waiting = driver.spawn(wait, name="waits")
        driver.sleep(0)
        release.set()

        assert ended(waiting, "wait() returns when all have ended") == 2

    def test_wait_of_an_empty_group_returns(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        in_time(driver, group.wait, "an empty group is not waited for")
        in_time(driver, group.waitall, "an empty group is not waited for")

    def test_waitall_waits_also_for_what_is_added_meanwhile(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        finished = Log()

        def call(more: int) -> None:
            driver.sleep(0.001)
            if more:
                group.add_thread(call, more - 1)
            finished(more)

        group.add_thread(call, 5)
        in_time(driver, group.waitall, "waitall() waits until the group is empty")

        assert sorted(finished.entries) == [0, 1, 2, 3, 4, 5]
        assert group.threads == []


class TestFromInside:
    """Every method may be called from inside the group."""

    @pytest.mark.parametrize("kind", ["thread", "timer"])
    @pytest.mark.filterwarnings("ignore:ThreadGroup.cancel:DeprecationWarning")
    @pytest.mark.parametrize(
        "method",
        ["wait", "waitall", "stop", "stop gracefully", "stop_timers", "cancel"],
    )
    def test_no_method_waits_for_its_own_caller(
        self, driver: Driver, group: threadgroup.ThreadGroup, kind: str, method: str
    ) -> None:
        returned = Log()
        methods: dict[str, Callable[[], None]] = {
            "wait": group.wait,
            "waitall": group.waitall,
            "stop": group.stop,
            "stop gracefully": lambda: group.stop(graceful=True),
            "stop_timers": lambda: group.stop_timers(wait=True),
            "cancel": lambda: group.cancel(timeout=0.001),
        }

        def call() -> None:
            methods[method]()
            returned(method)
            raise loopingcall.LoopingCallDone

        if kind == "timer":
            group.add_timer(0.001, call)
        else:
            group.add_thread(call)

        until(driver, lambda: len(returned) == 1, f"{method}() returns to a {kind}")

    @pytest.mark.parametrize("method", ["wait", "waitall", "stop gracefully"])
    def test_members_that_wait_for_the_group_at_once_do_not_wait_in_a_circle(
        self, driver: Driver, group: threadgroup.ThreadGroup, method: str
    ) -> None:
        together, returned = driver.event(), Log()
        methods: dict[str, Callable[[], None]] = {
            "wait": group.wait,
            "waitall": group.waitall,
            "stop gracefully": lambda: group.stop(graceful=True),
        }

        def call() -> None:
            together.wait()
            methods[method]()
            returned(method)
            raise loopingcall.LoopingCallDone

        group.add_timer(FAR, call)
        for _ in range(group.thread_pool_size):
            group.add_thread(call)
        together.set()

        everybody = group.thread_pool_size + 1
        until(
            driver,
            lambda: len(returned) == everybody,
            f"{method}() returns to everybody",
        )

    def test_a_member_that_stops_the_group_ends_the_others(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        begun, after = driver.event(), driver.event()
        other = group.add_thread(announced(begun, listen))
        group.add_timer(FAR, int)
        until_set(begun, "it begins")

        def call() -> None:
            group.stop()
            after.set()

        group.add_thread(call)

        until_set(after, "a member that stops the group goes on")
        until(driver, lambda: other.done and not group.timers, "the others end")

    def test_a_timer_may_touch_its_group_during_a_graceful_stop(
        self, driver: Driver, group: threadgroup.ThreadGroup, release: Event
    ) -> None:
        begun = driver.event()

        def tick() -> None:
            begun.set()
            release.wait(LIMIT)
            group.timer_done(timer)
            added = group.add_timer(FAR, int)
            added.stop()
            group.add_thread(int)

        timer = group.add_timer(FAR, tick)
        until_set(begun, "it begins")
        stopping = driver.spawn(lambda: group.stop(graceful=True), name="stops")
        driver.sleep(0)
        release.set()

        ended(stopping, "no lock is held while waiting")

    def test_a_link_may_add_to_the_group(
        self, driver: Driver, group: threadgroup.ThreadGroup
    ) -> None:
        added = driver.event()
        thread = group.add_thread(int)
        thread.link(lambda _thread: group.add_thread(added.set))

        until_set(added, "a link may call the group")


class TestConstruction:
    def test_a_group_has_ten_places_unless_it_is_told(self, driver: Driver) -> None:
        del driver
        assert threadgroup.ThreadGroup().thread_pool_size == 10
        assert threadgroup.ThreadGroup(thread_pool_size=3).thread_pool_size == 3

    def test_max_threads_is_the_deprecated_name(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del driver
        monkeypatch.setattr(deprecation, "_warned", Inherited(set))
        with pytest.warns(DeprecationWarning, match="thread_pool_size"):
            group = threadgroup.ThreadGroup(max_threads=7)
        with pytest.warns(DeprecationWarning, match="thread_pool_size"):
            assert group.max_threads == 7
        assert group.thread_pool_size == 7

    def test_it_is_1000_where_nobody_states_a_size(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del driver
        monkeypatch.setattr(
            deprecation, "_warned", Inherited(lambda: {"ThreadGroup.max_threads"})
        )
        assert threadgroup.ThreadGroup().max_threads == 1000
        assert threadgroup.ThreadGroup(7).max_threads == 7

    @pytest.mark.parametrize(
        ("size", "error"), [(0, ValueError), (-1, ValueError), ("many", TypeError)]
    )
    def test_a_wrong_size_is_refused(
        self, driver: Driver, size: Any, error: type[Exception]
    ) -> None:
        del driver
        with pytest.raises(error, match="thread_pool_size"):
            threadgroup.ThreadGroup(size)

    def test_a_group_is_pickled_without_what_runs_in_it(
        self, group: threadgroup.ThreadGroup
    ) -> None:
        group.add_timer(FAR, int)

        copy = pickle.loads(pickle.dumps(group))  # noqa: S301 - our own

        assert (copy.thread_pool_size, copy.timers, copy.threads) == (2, [], [])


PROGRAM = """
import sys
from oslo_service import backend, threadgroup
backend.init_backend(sys.argv[1])
driver = backend.get_backend()
begun = driver.event()
def stay():
    begun.set()
    while True:
        driver.event().wait()
group = threadgroup.ThreadGroup()
group.add_thread(stay)
group.add_timer(3600, int)
assert begun.wait(60)
"""

FORKING = """
import os
driver.sleep(0.01)
pid = os.fork()
if pid == 0:
    status = 1
    try:
        assert group.threads == [] and group.timers == []
        group.stop()
        group.waitall()
        assert group.add_thread(int).wait() == 0
        status = 0
    finally:
        os._exit(status)
assert os.waitpid(pid, 0)[1] == 0
assert len(group.threads) == len(group.timers) == 1
print('the end')
"""


class TestInAProcess:
    @pytest.mark.parametrize("ending", ["", "group.stop()\n", "group.cancel()\n"])
    def test_a_program_that_ends_is_not_held_up(
        self, driver_name: str, ending: str
    ) -> None:
        result = run_script(f"{PROGRAM}{ending}print('the end')\n", driver_name)

        assert (result.returncode, result.stdout) == (0, "the end\n"), result.stderr

    def test_a_group_is_empty_in_a_forked_child(self, driver_name: str) -> None:
        result = run_script(PROGRAM + FORKING, driver_name)

        assert (result.returncode, result.stdout) == (0, "the end\n"), result.stderr


class TestNothingIsLeft:
    def test_threads_that_ended_leave_no_native_thread(self, driver: Driver) -> None:
        before, group = threading.active_count(), threadgroup.ThreadGroup(5)
        for _ in range(50):
            group.add_thread(int)
        group.add_timer(FAR, int)
        group.stop(graceful=True)

        until(
            driver,
            lambda: threading.active_count() <= before,
            "what has ended leaves no thread behind",
        )
