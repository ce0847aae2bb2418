# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What looping calls and retries promise, on every driver."""

import contextvars
import gc
import logging
import math
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest

from oslo_service import loopingcall
from oslo_service.backend.base import Driver
from oslo_service.loops import clock as current_clock
from oslo_service.testing.scenarios import Scenario
from oslo_service.testing.waiting import (
    LIMIT,
    Log,
    SteppedClock,
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

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE")
FAR = 3600.0


class PlainError(Exception):
    """What the functions of these tests raise."""


class BareError(BaseException):
    """No Exception, and yet a failure: as eventlet.Timeout is."""


class OtherError(Exception):
    """What is not retried."""


def done_after(calls: int, value: object = "done") -> Callable[[], None]:
    """Return a function that ends its loop at the given call."""
    count = Log()

    def call() -> None:
        count("call")
        if len(count) >= calls:
            raise loopingcall.LoopingCallDone(value)

    return call


def fail() -> None:
    raise PlainError("as asked")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    """A clock that goes on in pauses only, in place of that of looping calls."""
    stepped = SteppedClock()
    monkeypatch.setattr(current_clock, "current", stepped)
    return stepped


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch, clock: SteppedClock, driver: Driver) -> Log:
    """The seconds that looping calls pause, in place of pausing."""
    log, pause = Log(), loopingcall.LoopingCallBase._sleep

    def sleep(loop: loopingcall.LoopingCallBase, timeout: float) -> None:
        if loop._abort is not None and loop._clock is not clock:
            return pause(loop, timeout)  # of this process, and no test's
        log(timeout)
        clock.advance(timeout)
        return driver.sleep(0)

    monkeypatch.setattr(loopingcall.LoopingCallBase, "_sleep", sleep)
    return log


class TestEveryKind:
    """What holds for each of the classes."""

    scenarios: ClassVar[list[Scenario]] = [
        (
            "fixed",
            {
                "kind": loopingcall.FixedIntervalLoopingCall,
                "soon": {"interval": 0.001},
                "late": {"interval": FAR},
            },
        ),
        (
            "limited",
            {
                "kind": loopingcall.FixedIntervalWithTimeoutLoopingCall,
                "soon": {"interval": 0.001, "timeout": FAR},
                "late": {"interval": FAR},
            },
        ),
        (
            "dynamic",
            {
                "kind": loopingcall.DynamicLoopingCall,
                "soon": {"periodic_interval_max": 0.001},
                "late": {"periodic_interval_max": FAR},
            },
        ),
        (
            "backoff",
            {
                "kind": loopingcall.BackOffLoopingCall,
                "soon": {"starting_interval": 0.001, "max_interval": 0.001},
                "late": {"starting_interval": FAR, "timeout": 0, "min_interval": FAR},
            },
        ),
    ]
    kind: Any
    soon: dict[str, Any]
    late: dict[str, Any]

    def test_wait_gives_the_value_of_looping_call_done(self, driver: Driver) -> None:
        loop = self.kind(done_after(3, "the value"))
        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "LoopingCallDone ends it") == "the value"

    def test_looping_call_done_without_a_value_gives_true(self, driver: Driver) -> None:
        def call() -> None:
            raise loopingcall.LoopingCallDone

        loop = self.kind(call)
        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "LoopingCallDone ends the loop") is True

    def test_looping_call_done_may_give_a_false_value(self, driver: Driver) -> None:
        loop = self.kind(done_after(1, None))
        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "LoopingCallDone ends the loop") is None

    def test_start_returns_what_can_be_waited_for(self, driver: Driver) -> None:
        del driver
        started = self.kind(done_after(2, "it")).start(**self.soon)

        assert ended(started, "start().wait() waits for the loop") == "it"

    @pytest.mark.parametrize("kind", [PlainError, BareError])
    def test_wait_raises_what_the_function_raised(
        self, driver: Driver, caplog: pytest.LogCaptureFixture, kind: type
    ) -> None:
        def call() -> None:
            raise kind("as asked")

        loop = self.kind(call)
        loop.start(**self.soon)

        with pytest.raises(kind, match="as asked"):
            in_time(driver, loop.wait, "an exception ends the loop")
        said = f"{kind.__name__}: as asked"
        assert said in caplog.text, "logged with its traceback"

    def test_every_waiter_gets_the_value(self, driver: Driver) -> None:
        loop = self.kind(done_after(3))
        loop.start(**self.soon)
        waiters = [driver.spawn(loop.wait, name="waiter") for _ in range(5)]

        assert [ended(one, "any number may wait") for one in waiters] == ["done"] * 5

    def test_every_waiter_gets_the_exception(self, driver: Driver) -> None:
        release = driver.event()

        def call() -> None:
            release.wait(LIMIT)
            fail()

        loop = self.kind(call)
        loop.start(**self.soon)
        waiters = [driver.spawn(loop.wait, name="waiter") for _ in range(5)]
        release.set()

        for waiter in waiters:
            with pytest.raises(PlainError):
                ended(waiter, "any number may wait")

    def test_wait_may_be_called_again_after_the_end(self, driver: Driver) -> None:
        loop = self.kind(done_after(1))
        loop.start(**self.soon)

        values = [in_time(driver, loop.wait, "it has ended") for _ in range(3)]

        assert values == ["done"] * 3

    def test_stop_wakes_a_sleeping_loop_and_wait_gives_true(
        self, driver: Driver
    ) -> None:
        called = driver.event()
        loop = self.kind(called.set)
        loop.start(**self.late)
        until_set(called, "the first call is made at once")

        loop.stop()

        assert in_time(driver, loop.wait, "stop() wakes a sleeping loop") is True

    def test_stop_during_the_initial_delay_makes_no_call(self, driver: Driver) -> None:
        calls = Log()
        loop = self.kind(lambda: calls("call"))
        loop.start(initial_delay=FAR, **self.soon)

        loop.stop()

        assert in_time(driver, loop.wait, "stop() ends the initial delay") is True
        assert not calls.entries

    def test_stop_from_another_native_thread_wakes_a_sleeping_loop(
        self, driver: Driver
    ) -> None:
        called, waiter = driver.event(), threading.get_native_id()
        loop = self.kind(called.set)
        loop.start(**self.late)
        until_set(called, "the first call is made at once")

        def stop() -> None:
            until_asleep(waiter)
            loop.stop()

        thread = in_native_thread(stop)

        assert in_time(driver, loop.wait, "stop() is legal anywhere") is True
        thread.join(LIMIT)

    def test_stop_inside_the_function_ends_the_loop_after_that_call(
        self, driver: Driver
    ) -> None:
        calls = Log()

        def call() -> None:
            calls("call")
            loop.stop()

        loop = self.kind(call)
        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "stop() is legal in the function") is True
        assert calls.entries == ["call"]

    def test_stop_before_start_is_harmless_and_prevents_nothing(
        self, driver: Driver
    ) -> None:
        loop = self.kind(done_after(2))
        loop.stop()
        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "it runs") == "done"

    def test_stop_after_the_end_and_twice_is_harmless(self, driver: Driver) -> None:
        loop = self.kind(done_after(1))
        loop.start(**self.soon)
        in_time(driver, loop.wait, "it ends")

        loop.stop()
        loop.stop()

        assert in_time(driver, loop.wait, "it has ended") == "done"

    def test_a_running_loop_cannot_be_started_again(self, driver: Driver) -> None:
        loop = self.kind(int)
        loop.start(**self.late)

        with pytest.raises(RuntimeError, match="runs already"):
            loop.start(**self.late)

        loop.stop()
        in_time(driver, loop.wait, "it ends")

    def test_a_loop_that_has_ended_can_be_started_again(self, driver: Driver) -> None:
        loop = self.kind(done_after(2))
        loop.start(**self.soon)
        in_time(driver, loop.wait, "the first run ends")

        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "the second run ends") == "done"

    def test_a_stopped_loop_can_be_started_again(self, driver: Driver) -> None:
        called = driver.event()
        loop = self.kind(called.set)
        for _ in range(3):
            loop.start(**self.late)
            until_set(called, "every run calls")
            called.clear()
            loop.stop()
            assert in_time(driver, loop.wait, "every run ends") is True

    def test_wait_before_start_raises(self, driver: Driver) -> None:  # noqa: ARG002
        with pytest.raises(RuntimeError, match="never started"):
            self.kind(int).wait()

    def test_a_loop_that_waits_for_itself_is_told_so(self, driver: Driver) -> None:
        def call() -> None:
            loop.wait()

        loop = self.kind(call)
        loop.start(**self.soon)

        with pytest.raises(RuntimeError):
            in_time(driver, loop.wait, "wait() in the loop itself raises")

    def test_a_restarted_loop_that_waits_for_itself_is_told_so(
        self, driver: Driver
    ) -> None:
        calls = [lambda: (_ for _ in ()).throw(loopingcall.LoopingCallDone("first"))]

        def call() -> Any:
            return calls.pop()() if calls else loop.wait()

        loop = self.kind(call)
        loop.start(**self.soon)
        assert in_time(driver, loop.wait, "the first run ends") == "first"
        loop.start(**self.soon)

        with pytest.raises(RuntimeError):
            in_time(driver, loop.wait, "wait() in the loop itself raises")

    def test_the_initial_delay_passes_before_the_first_call(
        self, driver: Driver, pauses: Log
    ) -> None:
        called_after = Log()

        def call() -> None:
            called_after(pauses.entries)
            raise loopingcall.LoopingCallDone

        loop = self.kind(call)
        loop.start(initial_delay=7.5, **self.soon)
        in_time(driver, loop.wait, "it ends")

        assert called_after.entries == [[7.5]]

    def test_arguments_are_passed_on(self, driver: Driver) -> None:
        got = Log()

        def call(*args: Any, **kwargs: Any) -> None:
            got(args, kwargs)
            raise loopingcall.LoopingCallDone

        loop = self.kind(call, 1, "b", c=3)
        loop.start(**self.soon)
        in_time(driver, loop.wait, "it ends")

        assert got.entries == [((1, "b"), {"c": 3})]

    def test_the_function_may_be_given_by_keyword(self, driver: Driver) -> None:
        got = Log()

        def call(**kwargs: Any) -> None:
            got(kwargs)
            raise loopingcall.LoopingCallDone

        loop = self.kind(f=call, c=3)
        loop.start(**self.soon)
        in_time(driver, loop.wait, "it ends")

        assert got.entries == [{"c": 3}]

    def test_all_calls_of_a_run_are_made_in_one_task_of_its_own(
        self, driver: Driver
    ) -> None:
        idents = (Log(), Log())
        release = driver.event()

        def call(log: Log) -> None:
            log(driver.current_ident())
            if len(log) == 5:
                release.wait(LIMIT)
                raise loopingcall.LoopingCallDone

        loops = [self.kind(call, log) for log in idents]
        for loop in loops:
            loop.start(**self.soon)
        until(driver, lambda: all(len(log) == 5 for log in idents), "both call")
        release.set()
        for loop in loops:
            in_time(driver, loop.wait, "it ends")

        one, other = (set(log.entries) for log in idents)
        assert len(one) == len(other) == 1, "one task per loop"
        assert len(one | other | {driver.current_ident()}) == 3, "a task of its own"

    def test_the_calls_see_a_copy_of_the_context_of_the_caller_of_start(
        self, driver: Driver
    ) -> None:
        seen, token = Log(), VARIABLE.set("the caller's")

        def call() -> None:
            seen(VARIABLE.get("none"))
            VARIABLE.set("the loop's")
            if len(seen) == 2:
                raise loopingcall.LoopingCallDone

        loop = self.kind(call)
        loop.start(**self.soon)
        VARIABLE.set("changed after start()")
        in_time(driver, loop.wait, "it ends")
        mine = VARIABLE.get()
        VARIABLE.reset(token)

        assert seen.entries == ["the caller's", "the loop's"]
        assert mine == "changed after start()", "what the loop sets is its own"

    def test_what_is_not_a_function_is_refused_at_start(self, driver: Driver) -> None:
        del driver
        with pytest.raises(TypeError, match="42"):
            self.kind(42).start(**self.soon)

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [(-1, ValueError), (float("nan"), ValueError), ("soon", TypeError)],
    )
    def test_a_wrong_number_is_refused_at_start(
        self, driver: Driver, wrong: object, error: type[Exception]
    ) -> None:
        del driver
        for name in ("initial_delay", *self.soon):
            with pytest.raises(error, match=name):
                self.kind(int).start(**{**self.soon, name: wrong})

    @pytest.mark.parametrize(
        "never", [1e18, pytest.param(10**400, id="no float"), math.inf]
    )
    def test_a_time_that_never_comes_is_legal(
        self, driver: Driver, never: float
    ) -> None:
        called = driver.event()
        loop = self.kind(called.set)
        loop.start(**{**self.soon, "initial_delay": never})
        loop.stop()
        assert in_time(driver, loop.wait, "it ends")
        assert not called.is_set()

        loop.start(**dict.fromkeys(self.late, never))
        assert called.wait(LIMIT)
        loop.stop()
        assert in_time(driver, loop.wait, "it ends")

    def test_a_loop_that_ended_leaves_no_thread_and_no_task(
        self, driver: Driver
    ) -> None:
        gc.disable()
        try:
            threads, tasks = threading.active_count(), set(driver.running)
            loops = [self.kind(done_after(2)) for _ in range(10)]
            for loop in loops:
                loop.start(**self.soon)
            for loop in loops:
                in_time(driver, loop.wait, "it ends")

            until(
                driver,
                lambda: threading.active_count() <= threads,
                "a loop that ended leaves no thread behind",
            )
            until(
                driver,
                lambda: not driver.running - tasks,
                "a loop that ended leaves no task behind",
            )
        finally:
            gc.enable()

    def test_timeouts_and_pauses_ignore_the_wall_clock(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def jump() -> float:
            return random.choice([0.0, 4e9])  # noqa: S311

        loop = self.kind(done_after(5))
        monkeypatch.setattr(time, "time", jump)
        loop.start(**self.soon)

        assert in_time(driver, loop.wait, "setting the clock breaks nothing") == "done"

    def test_a_sleeping_loop_does_not_keep_a_program_from_ending(
        self, driver_name: str
    ) -> None:
        result = run_script(
            "import sys, threading\n"
            "from oslo_service import backend, loopingcall\n"
            "backend.init_backend(sys.argv[1])\n"
            "called = backend.get_backend().event()\n"
            f"kind = loopingcall.{self.kind.__name__}\n"
            f"kind(called.set).start(**{self.late!r})\n"
            "assert called.wait(60)\n"
            "print('the end')\n",
            driver_name,
        )

        assert (result.returncode, result.stdout) == (0, "the end\n"), result.stderr


class TestFixedInterval:
    def test_ticks_keep_to_the_grid_however_long_the_calls_take(
        self, driver: Driver, clock: SteppedClock, pauses: Log
    ) -> None:
        ticks = Log()

        def call() -> None:
            ticks(clock.now())
            clock.advance(0.25 * (len(ticks) % 4))
            if len(ticks) == 50:
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(call)
        loop.start(interval=1)
        in_time(driver, loop.wait, "it ends")

        assert ticks.entries == [1000.0 + number for number in range(50)]
        assert set(pauses.entries) == {0.25, 0.5, 0.75, 1.0}

    def test_after_an_overrun_the_next_call_follows_at_once_and_starts_the_grid_anew(
        self, driver: Driver, clock: SteppedClock, pauses: Log
    ) -> None:
        ticks = Log()

        def call() -> None:
            ticks(clock.now() - 1000)
            clock.advance({2: 3.5}.get(len(ticks), 0))
            if len(ticks) == 5:
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(call)
        loop.start(interval=1)
        in_time(driver, loop.wait, "it ends")

        assert ticks.entries == [0, 1, 4.5, 5.5, 6.5]
        assert pauses.entries == [1, 0, 1, 1]

    def test_a_run_of_overruns_is_one_warning_and_its_end_one_line_with_the_count(
        self,
        driver: Driver,
        clock: SteppedClock,
        pauses: Log,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO, "oslo_service")

        def call() -> None:
            clock.advance(10 if 2 <= len(pauses) < 5 else 0)
            if len(pauses) == 10:
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(call)
        loop.start(interval=1)
        in_time(driver, loop.wait, "it ends")

        lines = [(one.levelname, one.getMessage()) for one in caplog.records]
        assert [level for level, _ in lines] == ["WARNING", "INFO"]
        assert "9.000 s longer" in lines[0][1]
        assert "3 calls" in lines[1][1]
        assert all("call" in message for _, message in lines), "names the function"

    def test_interval_0_never_pauses_and_never_warns(
        self,
        driver: Driver,
        clock: SteppedClock,
        pauses: Log,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO, "oslo_service")

        def call() -> None:
            clock.advance(5)
            if len(pauses) == 20:
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(call)
        loop.start(interval=0)
        in_time(driver, loop.wait, "it ends")

        assert set(pauses.entries) == {0}
        assert not caplog.records

    def test_a_loop_at_interval_0_lets_others_run_and_can_be_stopped(
        self, driver: Driver
    ) -> None:
        called = driver.event()
        loop = loopingcall.FixedIntervalLoopingCall(called.set)
        loop.start(interval=0)
        until_set(called, "it calls")

        loop.stop()

        assert in_time(driver, loop.wait, "others run beside a loop at 0") is True

    def test_a_tick_never_comes_before_its_time(self, driver: Driver) -> None:
        ticks = Log()

        def call() -> None:
            ticks(time.monotonic())
            if len(ticks) == 20:
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(call)
        loop.start(interval=0.004)
        in_time(driver, loop.wait, "it ends")

        assert ticks.entries[-1] - ticks.entries[0] >= 19 * 0.004 * 0.99

    @pytest.mark.parametrize("kind", [PlainError, BareError])
    def test_exceptions_are_logged_and_the_loop_goes_on_where_that_was_asked(
        self, driver: Driver, caplog: pytest.LogCaptureFixture, kind: type
    ) -> None:
        calls = Log()

        def call() -> None:
            calls("call")
            if len(calls) == 4:
                raise loopingcall.LoopingCallDone("the end")
            raise kind("as asked")

        loop = loopingcall.FixedIntervalLoopingCall(call)
        loop.start(interval=0.001, stop_on_exception=False)

        assert in_time(driver, loop.wait, "LoopingCallDone ends it") == "the end"
        assert caplog.text.count(f"{kind.__name__}: as asked") == 3

    def test_system_exit_ends_the_loop_all_the_same(self, driver: Driver) -> None:
        loop = loopingcall.FixedIntervalLoopingCall(sys.exit, 3)
        loop.start(interval=0.001, stop_on_exception=False)

        in_time(driver, loop.wait, "it ends itself")

    def test_parameters_may_be_given_by_position(self, driver: Driver) -> None:
        loop = loopingcall.FixedIntervalLoopingCall(done_after(2))
        loop.start(0.001, 0, False)

        assert in_time(driver, loop.wait, "it ends") == "done"


class TestFixedIntervalWithTimeout:
    def test_a_loop_that_is_not_done_in_time_raises_a_timeout(
        self, driver: Driver, pauses: Log
    ) -> None:
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(int)
        loop.start(interval=1, timeout=5.5)

        with pytest.raises(loopingcall.LoopingCallTimeOut, match=r"5\.5"):
            in_time(driver, loop.wait, "the time-out ends the loop")
        assert pauses.entries == [1] * 6

    def test_the_timeout_counts_from_start_and_includes_the_initial_delay(
        self, driver: Driver, pauses: Log
    ) -> None:
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(int)
        loop.start(1, initial_delay=10, timeout=5)

        with pytest.raises(loopingcall.LoopingCallTimeOut):
            in_time(driver, loop.wait, "the time-out ends the loop")
        assert pauses.entries == [10]

    def test_no_timeout_is_no_limit(self, driver: Driver, pauses: Log) -> None:
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(done_after(100))
        loop.start(interval=1000, timeout=0)

        assert in_time(driver, loop.wait, "it ends") == "done"
        assert len(pauses) == 99

    def test_a_timeout_ends_also_a_loop_that_goes_on_after_exceptions(
        self, driver: Driver, pauses: Log
    ) -> None:
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(fail)
        loop.start(interval=1, stop_on_exception=False, timeout=3.5)

        with pytest.raises(loopingcall.LoopingCallTimeOut):
            in_time(driver, loop.wait, "the time-out ends the loop")
        assert len(pauses) == 4


class TestDynamic:
    def test_the_function_says_when_it_wants_to_be_called_again(
        self, driver: Driver, pauses: Log
    ) -> None:
        wanted = iter([1, 2.5, 0, -3])

        def call() -> float:
            try:
                return next(wanted)
            except StopIteration:
                raise loopingcall.LoopingCallDone from None

        loop = loopingcall.DynamicLoopingCall(call)
        loop.start()
        in_time(driver, loop.wait, "it ends")

        assert pauses.entries == [1, 2.5, 0, 0]

    def test_no_pause_is_longer_than_the_longest(
        self, driver: Driver, pauses: Log
    ) -> None:
        wanted = iter([100, None, 2])

        def call() -> float | None:
            try:
                return next(wanted)
            except StopIteration:
                raise loopingcall.LoopingCallDone from None

        loop = loopingcall.DynamicLoopingCall(call)
        loop.start(None, 5)
        in_time(driver, loop.wait, "it ends")

        assert pauses.entries == [5, 5, 2]

    def test_none_without_a_longest_pause_is_an_error_that_says_what_to_do(
        self, driver: Driver
    ) -> None:
        loop = loopingcall.DynamicLoopingCall(lambda: None)
        loop.start()

        with pytest.raises(RuntimeError, match="periodic_interval_max"):
            in_time(driver, loop.wait, "it ends")

    @pytest.mark.parametrize("longest", [None, 5])
    @pytest.mark.parametrize("result", [math.nan, "soon", (1,)])
    def test_what_is_no_number_of_seconds_is_an_error_that_shows_it(
        self, driver: Driver, result: object, longest: float | None
    ) -> None:
        loop = loopingcall.DynamicLoopingCall(lambda: result)
        loop.start(periodic_interval_max=longest)

        with pytest.raises(ValueError, match=re.escape(f"returned {result!r}: it")):
            in_time(driver, loop.wait, "it ends")

    def test_after_an_exception_the_pause_is_the_one_before(
        self, driver: Driver, pauses: Log
    ) -> None:
        def call() -> float:
            if len(pauses) == 1:
                fail()
            if len(pauses) == 2:
                raise loopingcall.LoopingCallDone
            return 3.5

        loop = loopingcall.DynamicLoopingCall(call)
        loop.start(stop_on_exception=False)
        in_time(driver, loop.wait, "it ends")

        assert pauses.entries == [3.5, 3.5]


class TestBackOff:
    def test_pauses_grow_while_the_function_fails(
        self, driver: Driver, pauses: Log
    ) -> None:
        random.seed(1)
        loop = loopingcall.BackOffLoopingCall(done_after(8, "enough"))
        loop.start(starting_interval=1, jitter=1, timeout=0)
        in_time(driver, loop.wait, "it ends")

        assert len(pauses) == 7
        assert pauses.entries == sorted(pauses.entries)
        assert pauses.entries[-1] > 32

    def test_a_success_starts_the_pauses_over(
        self, driver: Driver, pauses: Log
    ) -> None:
        def call() -> bool:
            if len(pauses) == 8:
                raise loopingcall.LoopingCallDone
            return len(pauses) == 5

        loop = loopingcall.BackOffLoopingCall(call)
        loop.start(starting_interval=0.5, jitter=1, timeout=0)
        in_time(driver, loop.wait, "it ends")

        assert pauses.entries[5] == 0.5
        assert pauses.entries[6] < pauses.entries[4]

    def test_pauses_stay_between_the_shortest_and_the_longest(
        self, driver: Driver, pauses: Log
    ) -> None:
        loop = loopingcall.BackOffLoopingCall(done_after(31))
        loop.start(
            starting_interval=0.1, jitter=1, timeout=0, min_interval=1, max_interval=9
        )
        in_time(driver, loop.wait, "it ends")

        assert min(pauses.entries) >= 1
        assert max(pauses.entries) == 9

    def test_pauses_that_would_pass_the_timeout_raise(
        self, driver: Driver, pauses: Log
    ) -> None:
        loop = loopingcall.BackOffLoopingCall(lambda: False)
        loop.start(starting_interval=1, timeout=60)

        with pytest.raises(loopingcall.LoopingCallTimeOut, match="60"):
            in_time(driver, loop.wait, "the time-out ends the loop")
        assert sum(pauses.entries) <= 60

    def test_a_success_starts_the_timeout_over(
        self, driver: Driver, pauses: Log
    ) -> None:
        loop = loopingcall.BackOffLoopingCall(
            lambda: fail() if len(pauses) > 50 else len(pauses) % 2
        )
        loop.start(starting_interval=1, timeout=5)

        with pytest.raises(PlainError):
            in_time(driver, loop.wait, "it ends")
        assert sum(pauses.entries) > 20


class TestRetry:
    def test_a_function_that_succeeds_is_called_once(
        self, driver: Driver, pauses: Log
    ) -> None:
        del driver
        calls = Log()

        @loopingcall.RetryDecorator(exceptions=(PlainError,))
        def call(*args: Any, **kwargs: Any) -> str:
            calls(args, kwargs)
            return "value"

        assert call(1, b=2) == "value"
        assert calls.entries == [((1,), {"b": 2})]
        assert not pauses.entries

    def test_a_function_is_called_again_while_it_raises(
        self, driver: Driver, pauses: Log
    ) -> None:
        del driver

        @loopingcall.RetryDecorator(exceptions=(PlainError,))
        def call(word: str) -> str:
            if len(pauses) < 3:
                fail()
            return word

        assert call("at last") == "at last"
        assert pauses.entries == [10, 20, 30]

    def test_pauses_grow_by_the_step_up_to_the_longest(
        self, driver: Driver, pauses: Log
    ) -> None:
        del driver

        @loopingcall.RetryDecorator(
            inc_sleep_time=3, max_sleep_time=7, exceptions=(PlainError,)
        )
        def call() -> None:
            if len(pauses) < 5:
                fail()

        call()

        assert pauses.entries == [3, 6, 7, 7, 7]

    @pytest.mark.parametrize("count", [0, 1, 4])
    def test_the_last_exception_is_raised_when_the_retries_are_used_up(
        self, driver: Driver, pauses: Log, count: int
    ) -> None:
        del driver
        calls = Log()

        @loopingcall.RetryDecorator(max_retry_count=count, exceptions=(PlainError,))
        def call() -> None:
            calls("call")
            raise PlainError(len(calls))

        with pytest.raises(PlainError, match=str(count + 1)):
            call()
        assert len(calls) == count + 1
        assert len(pauses) == count

    def test_every_call_starts_counting_anew(self, driver: Driver, pauses: Log) -> None:
        del driver

        @loopingcall.RetryDecorator(max_retry_count=2, exceptions=(PlainError,))
        def call() -> None:
            fail()

        for _ in range(3):
            with pytest.raises(PlainError):
                call()

        assert pauses.entries == [10, 20] * 3

    def test_concurrent_callers_have_each_their_own_count_and_pauses(
        self, driver: Driver, pauses: Log
    ) -> None:
        calls = Log()

        @loopingcall.RetryDecorator(max_retry_count=3, exceptions=(PlainError,))
        def call(who: int) -> None:
            calls(who)
            driver.sleep(0.001)
            fail()

        tasks = [driver.spawn(partial(call, n), name="caller") for n in range(5)]
        for task in tasks:
            with pytest.raises(PlainError):
                ended(task, "every caller comes to its end")

        assert sorted(calls.entries) == sorted(list(range(5)) * 4)
        assert sorted(pauses.entries) == sorted([10, 20, 30] * 5)

    @pytest.mark.parametrize("exceptions", [(PlainError,), [PlainError], PlainError])
    def test_other_exceptions_pass(
        self, driver: Driver, pauses: Log, exceptions: Any
    ) -> None:
        del driver

        @loopingcall.RetryDecorator(exceptions=exceptions)
        def call() -> None:
            if len(pauses) == 2:
                raise OtherError("not mine")
            fail()

        with pytest.raises(OtherError, match="not mine"):
            call()
        assert len(pauses) == 2

    @pytest.mark.parametrize("parameter", ["inc_sleep_time", "max_sleep_time"])
    @pytest.mark.parametrize("value", [-1, math.nan])
    def test_what_is_no_pause_is_refused_when_it_is_given(
        self, parameter: str, value: Any
    ) -> None:
        given: dict[str, Any] = {parameter: value}
        with pytest.raises(ValueError, match=f"{parameter} must be 0 or more"):
            loopingcall.RetryDecorator(**given)

    def test_nothing_is_retried_where_no_exceptions_are_named(
        self, driver: Driver, pauses: Log
    ) -> None:
        del driver
        with pytest.raises(PlainError):
            loopingcall.RetryDecorator()(fail)()
        assert not pauses.entries

    def test_looping_call_done_gives_its_value(
        self, driver: Driver, pauses: Log
    ) -> None:
        del driver

        @loopingcall.RetryDecorator(exceptions=(PlainError,))
        def call(after: int) -> None:
            if len(pauses) >= after:
                raise loopingcall.LoopingCallDone("enough")
            fail()

        assert call(0) == "enough"
        assert call(2) == "enough"

    def test_the_function_runs_in_the_callers_task_thread_and_context(
        self, driver: Driver, pauses: Log
    ) -> None:
        local, seen = threading.local(), Log()
        local.value = "the caller's"
        token = VARIABLE.set("the caller's")

        @loopingcall.RetryDecorator(exceptions=(PlainError,))
        def call() -> None:
            seen(driver.current_ident(), local.value, VARIABLE.get())
            VARIABLE.set("set inside")
            if not pauses.entries:
                fail()

        call()
        after = VARIABLE.get()
        VARIABLE.reset(token)

        here = driver.current_ident()
        assert seen.entries == [
            (here, "the caller's", "the caller's"),
            (here, "the caller's", "set inside"),
        ]
        assert after == "set inside"

    def test_a_retry_pauses_and_returns_without_help(self, driver: Driver) -> None:
        begin, calls = time.monotonic(), Log()

        @loopingcall.RetryDecorator(inc_sleep_time=0.01, exceptions=(PlainError,))
        def call() -> str:
            calls("call")
            if len(calls) < 3:
                fail()
            return "it"

        assert in_time(driver, call, "retries come to their end") == "it"
        assert time.monotonic() - begin >= 0.03 * 0.9

    def test_the_decorated_function_looks_like_the_function(
        self, driver: Driver
    ) -> None:
        del driver

        def call() -> None:
            """Do it."""

        retrying = loopingcall.RetryDecorator()(call)

        assert (retrying.__name__, retrying.__doc__) == ("call", "Do it.")
        assert retrying.__wrapped__ is call  # type: ignore[attr-defined]

    def test_methods_can_be_decorated(self, driver: Driver, pauses: Log) -> None:
        del driver

        class Client:
            name = "client"

            @loopingcall.RetryDecorator(exceptions=(PlainError,))
            def ask(self, what: str) -> str:
                if not pauses.entries:
                    fail()
                return f"{self.name}: {what}"

        assert Client().ask("why") == "client: why"


def test_of_two_that_start_a_loop_at_once_one_is_refused(driver: Driver) -> None:
    driver.spawn(int, name="the first is of the main thread").wait(LIMIT)
    number, reached = 1, True
    while reached:
        loop = loopingcall.FixedIntervalLoopingCall(int)
        started: list[Any] = []

        def start(loop: Any = loop, started: Any = started) -> None:
            try:
                started.append(loop.start(interval=FAR))
            except RuntimeError:
                started.append(None)

        threads: list[Any] = []

        def intrude(start: Any = start, threads: Any = threads) -> None:
            threads.append(in_another_thread(driver, start, 0.01))

        reached, _ = between_lines(number, intrude, start)
        until(driver, partial(_all_ended, threads), "start() returns, or is refused")
        assert [one for one in started if one is not None] == [loop.done]
        loop.stop()
        in_time(driver, loop.wait, "a loop that is stopped ends")
        number += 1


def _all_ended(threads: list[Any]) -> bool:
    return not any(one.is_alive() for one in threads)
