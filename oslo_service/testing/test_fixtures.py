# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The fixtures that projects have for their tests."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from oslo_config import cfg

from oslo_service import (
    fixture,
    loopingcall,
    periodic_task,
    threadgroup,
)
from oslo_service._common import clock as real_clock
from oslo_service.backend import base
from oslo_service.testing.waiting import LIMIT, Log, until, until_set


@pytest.mark.usefixtures("driver")
class TestSleepFixture:
    def test_loops_do_not_pause_and_their_pauses_are_known(self):
        ticks = iter(range(1000))

        def tick():
            if next(ticks) == 3:
                raise loopingcall.LoopingCallDone("enough")

        loop = loopingcall.FixedIntervalLoopingCall(tick)
        with fixture.SleepFixture() as sleeping:
            task = loop.start(interval=60.1, initial_delay=3600)
            assert task.wait(LIMIT) == "enough"
        pauses = [call.args for call in sleeping.mock_wait.call_args_list]
        assert pauses == [(3600,), (60.1,), (60.1,), (60.1,)]

    def test_retries_do_not_pause(self):
        @loopingcall.RetryDecorator(3, 10, 60, ValueError)
        def fail():
            raise ValueError("failed")

        with (
            fixture.SleepFixture() as sleeping,
            pytest.raises(ValueError, match="failed"),
        ):
            fail()
        assert [call.args[0] for call in sleeping.mock_wait.call_args_list] == [
            *(10, 20, 30)
        ]

    def test_a_time_limit_counts_the_pauses(self):
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(lambda: None)
        with fixture.SleepFixture() as sleeping:
            task = loop.start(interval=10, timeout=95)
            with pytest.raises(loopingcall.LoopingCallTimeOut):
                task.wait(LIMIT)
        assert sleeping.mock_wait.call_count == 10

    def test_others_have_their_turn_meanwhile(self, driver):
        done = driver.event()

        def poll():
            if done.is_set():
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(poll)
        with fixture.SleepFixture():
            task = loop.start(interval=3600)
            driver.spawn(done.set, name="done")
            assert task.wait(LIMIT) is True

    def test_what_the_mock_raises_is_raised_in_the_loop(self):
        loop = loopingcall.FixedIntervalLoopingCall(lambda: None)
        with fixture.SleepFixture() as sleeping:
            sleeping.mock_wait.side_effect = loopingcall.LoopingCallDone(5)
            assert loop.start(interval=3600).wait(LIMIT) == 5

    def test_a_loop_that_outlives_it_goes_on_in_real_time(self, driver):
        paused, left = driver.event(), driver.event()

        def pause(_seconds):
            paused.set()
            left.wait(LIMIT)

        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(int)
        with fixture.SleepFixture() as sleeping:
            sleeping.mock_wait.side_effect = pause
            task = loop.start(0.01, timeout=0.1)
            until_set(paused, "it would pause")
        left.set()
        with pytest.raises(loopingcall.LoopingCallTimeOut):
            task.wait(LIMIT)

    def test_afterwards_they_pause_again(self):
        with fixture.SleepFixture():
            pass
        began = time.monotonic()
        loopingcall.LoopingCallBase()._sleep(0.02)
        assert time.monotonic() - began >= 0.015


@pytest.fixture
def clock(driver):
    """A clock under the looping calls of a test."""
    del driver
    with fixture.ClockFixture() as found:
        yield found


def ended(call: Callable[[], Any], value: object = True) -> Callable[[], None]:
    """Return a function that calls another and ends its loop."""

    def body() -> None:
        call()
        raise loopingcall.LoopingCallDone(value)

    return body


class TestClockFixture:
    def test_it_replaces_the_clock_and_patches_no_method(self, driver) -> None:
        kinds = (
            type(driver),
            base.Task,
            loopingcall.LoopingCallBase,
            loopingcall.RetryDecorator,
            periodic_task.PeriodicTasks,
            threadgroup.ThreadGroup,
        )
        before = [dict(vars(kind)) for kind in kinds]
        with fixture.ClockFixture():
            assert [dict(vars(kind)) for kind in kinds] == before

    def test_an_hour_passes_when_it_is_told_to(self, clock) -> None:
        group, ticks = threadgroup.ThreadGroup(), Log()
        group.add_timer(60, lambda: ticks(clock.elapsed))
        clock.advance(3600)
        assert ticks.entries == [60 * number for number in range(61)]
        assert clock.elapsed == 3600
        group.stop()

    def test_a_loop_waits_for_the_clock(self, clock) -> None:
        ticks = Log()
        loop = loopingcall.FixedIntervalLoopingCall(ticks, "tick")
        loop.start(10, initial_delay=5)
        for seconds, expected in ((4.9, 0), (0.1, 1), (9.9, 1), (0.1, 2), (0, 2)):
            clock.advance(seconds)
            assert len(ticks) == expected
        loop.stop()

    @pytest.mark.parametrize("years", [0, 1])
    def test_calls_are_made_one_at_a_time_in_the_order_of_their_time(
        self, driver, monkeypatch, years
    ) -> None:
        """However long the machine has been up: sums of floats are worse then."""
        del driver
        up = time.monotonic() + years * 365 * 86400
        clock = fixture.ClockFixture()
        with monkeypatch.context() as patch:
            patch.setattr(real_clock, "now", lambda: up)
            clock.setUp()
        try:
            self.expect_calls_in_order(clock)
        finally:
            clock.cleanUp()

    def expect_calls_in_order(self, clock: fixture.ClockFixture) -> None:
        calls = Log()
        loops = [
            loopingcall.FixedIntervalLoopingCall(
                lambda interval=interval: calls((clock.elapsed, interval))
            )
            for interval in (0.7, 0.3, 0.2)
        ]
        for loop, interval in zip(loops, (0.7, 0.3, 0.2), strict=True):
            loop.start(interval, initial_delay=interval)
        clock.advance(42)
        expected = sorted(
            (round(interval * number, 6), -order, interval)
            for order, interval in enumerate((0.2, 0.3, 0.7))
            for number in range(1, round(42 / interval) + 1)
        )
        assert calls.entries == [(when, interval) for when, _, interval in expected]
        for loop in loops:
            loop.stop()

    def test_what_is_due_has_ended_when_it_returns(self, clock) -> None:
        told = Log()
        loop = loopingcall.DynamicLoopingCall(ended(lambda: None, "value"))
        task = loop.start(initial_delay=3)
        task.link(lambda _task: told("ended"))
        clock.advance(3)
        assert task.done
        assert told.entries == ["ended"]
        assert task.wait(LIMIT) == "value"

    def test_a_dynamic_loop_says_when(self, clock) -> None:
        pauses, ticks = iter((1, 2, 3, 4)), Log()

        def tick():
            ticks(clock.elapsed)
            return next(pauses)

        loop = loopingcall.DynamicLoopingCall(tick)
        loop.start()
        clock.advance(6)
        assert ticks.entries == [0, 1, 3, 6]
        loop.stop()

    def test_a_loop_backs_off_until_its_time_is_over(self, clock) -> None:
        loop = loopingcall.BackOffLoopingCall(lambda: False)
        task = loop.start(timeout=300)
        clock.advance(600)
        with pytest.raises(loopingcall.LoopingCallTimeOut):
            task.wait(LIMIT)

    def test_a_time_limit_is_the_clock_s(self, clock) -> None:
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(lambda: None)
        task = loop.start(interval=10, timeout=95)
        clock.advance(99)
        assert not task.done
        clock.advance(1)
        with pytest.raises(loopingcall.LoopingCallTimeOut):
            task.wait(LIMIT)

    def test_a_retry_pauses_by_the_clock(self, clock, driver) -> None:
        tries, paused = Log(), driver.event()

        @loopingcall.RetryDecorator(2, 10, exceptions=ValueError)
        def fail():
            tries(clock.elapsed)
            if len(tries) == 1:
                paused.set()
            raise ValueError("failed")

        task = driver.spawn(fail, name="retry")
        until_set(paused, "it has been tried")
        until(driver, lambda: clock._clock._sleepers, "it is going to pause")
        clock.advance(30)
        assert tries.entries == [0, 10, 30]
        with pytest.raises(ValueError, match="failed"):
            task.wait(LIMIT)

    def test_a_retry_in_a_loop_pauses_by_the_clock(self, clock) -> None:
        tries = Log()

        @loopingcall.RetryDecorator(5, 10, exceptions=ValueError)
        def succeed_late():
            tries(clock.elapsed)
            if len(tries) < 3:
                raise ValueError

        loop = loopingcall.FixedIntervalLoopingCall(ended(succeed_late))
        task = loop.start(1)
        clock.advance(30)
        assert tries.entries == [0, 10, 30]
        assert task.done

    @pytest.mark.usefixtures("driver")
    def test_a_retry_that_nobody_can_wake_says_so(self) -> None:
        @loopingcall.RetryDecorator(1, 10, exceptions=ValueError)
        def fail():
            raise ValueError

        with (
            fixture.ClockFixture(patience=0.05),
            pytest.raises(TimeoutError, match=r"retry of .*fail"),
        ):
            fail()

    def test_a_loop_waits_for_another_by_the_clock(self, clock) -> None:
        seen = Log()

        def outer():
            inner = loopingcall.FixedIntervalLoopingCall(ended(lambda: None, 7))
            seen((clock.elapsed, inner.start(1, initial_delay=5).wait()))

        loop = loopingcall.FixedIntervalLoopingCall(outer)
        loop.start(60)
        clock.advance(60)
        # The second began at 60 and ends when the clock says 65.
        assert seen.entries == [(0, 7)]
        clock.advance(5)
        assert seen.entries == [(0, 7), (60, 7)]
        loop.stop()

    def test_a_loop_that_began_before_goes_on_in_real_time(self, driver) -> None:
        begun, ticked = driver.event(), driver.event()

        def tick():
            ticked.set() if begun.is_set() else begun.set()

        loop = loopingcall.FixedIntervalLoopingCall(tick)
        loop.start(0.01)
        until_set(begun, "it has begun")
        with fixture.ClockFixture():
            ticked.clear()
            until_set(ticked, "it does not wait for the clock")
        loop.stop()
        assert loop.wait() is True

    def test_stop_wakes_at_once(self, clock) -> None:
        group = threadgroup.ThreadGroup()
        timers = [group.add_timer(60, int) for _ in range(3)]
        clock.advance(100)
        group.stop(graceful=True)
        assert all(timer.wait() is True for timer in timers)
        assert group.timers == []
        assert clock.elapsed == 100

    def test_what_was_stopped_has_ended_after_the_next_turn(self, clock) -> None:
        for _ in range(30):
            loop = loopingcall.FixedIntervalLoopingCall(int)
            task = loop.start(60)
            loop.stop()
            clock.advance(0)
            assert task.done

    def test_a_loop_can_be_started_again(self, clock) -> None:
        loop = loopingcall.FixedIntervalLoopingCall(ended(lambda: None))
        for _ in range(30):
            task = loop.start(60)
            clock.advance(0)
            assert task.done
        with pytest.raises(ValueError, match="interval"):
            loop.start(-1)
        clock.advance(1)

    def test_periodic_tasks_are_due_by_the_clock(self, clock) -> None:
        runs = Log()

        class Manager(periodic_task.PeriodicTasks):
            @periodic_task.periodic_task(spacing=600)
            def collect(self, context):
                del context
                runs(clock.elapsed)

        manager = Manager(cfg.ConfigOpts())
        loop = loopingcall.DynamicLoopingCall(manager.run_periodic_tasks, None)
        loop.start(periodic_interval_max=60)
        clock.advance(3600)
        # They keep to the grid but for a jitter of some percent.
        for number, when in enumerate(runs.entries, start=1):
            assert 570 * number < when < 660 * number
        assert len(runs) >= 5
        loop.stop()

    def test_a_call_that_does_not_end_is_named(self, driver) -> None:
        release = driver.event()

        def linger():
            release.wait(LIMIT)

        loop = loopingcall.FixedIntervalLoopingCall(linger)
        with fixture.ClockFixture(patience=0.05) as clock:
            loop.start(1)
            with pytest.raises(TimeoutError, match=r"0\.05 s .*linger"):
                clock.advance(1)
            release.set()
            loop.stop()
            assert loop.wait() is True

    def test_a_loop_cannot_advance_its_own_clock(self, clock) -> None:
        loop = loopingcall.FixedIntervalLoopingCall(lambda: clock.advance(1))
        task = loop.start(1)
        with pytest.raises(RuntimeError, match="cannot advance the clock"):
            task.wait(LIMIT)

    def test_what_has_ended_a_pause_can_end_another(self, clock, driver) -> None:
        event = clock._clock.event(driver)
        event.set()
        event.clear()
        assert not event.is_set()
        assert not event.wait(0)

    def test_it_does_not_go_back(self, clock) -> None:
        with pytest.raises(ValueError, match="forward"):
            clock.advance(-1)

    def test_what_has_not_ended_goes_on_in_real_time(self, driver) -> None:
        ticked = driver.event()
        loop = loopingcall.FixedIntervalLoopingCall(ticked.set)
        with fixture.ClockFixture() as clock:
            loop.start(60, initial_delay=0.01)
            clock.advance(0)
            assert not ticked.is_set()
        until_set(ticked, "the pause ends by itself")
        loop.stop()
        assert loop.wait() is True
