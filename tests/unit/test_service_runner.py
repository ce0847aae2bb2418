# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services in this process, with tasks that begin when the test says so."""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from oslo_service import events, service
from oslo_service._common import clock
from oslo_service.supervisor.services.incarnation import Incarnation
from oslo_service.supervisor.services.runner import ServiceRunner, make_unsupervised
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.turn import Turn
from oslo_service.testing.scripted import ScriptedDriver, ScriptedTask


class Recorder(service.ServiceBase):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def wait(self) -> None:
        self.calls.append("wait")

    def reset(self) -> None:
        self.calls.append("reset")


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with ScriptedDriver() as driver:
        yield driver


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def runner(driver: ScriptedDriver) -> ServiceRunner:
    return make_unsupervised(driver)


def add(runner: ServiceRunner, service: Recorder) -> None:
    runner.post(lambda: runner.add(service))


def test_stopping_what_has_not_begun_calls_neither_start_nor_stop(
    runner, driver, recorder
) -> None:
    add(runner, recorder)
    runner.post(runner.stop)
    driver.run()
    assert runner.ended.is_set()
    assert recorder.calls == []
    assert runner.status == 0


def test_reloading_what_has_not_begun_resets_and_starts_it_once(
    runner, driver, recorder
) -> None:
    add(runner, recorder)
    runner.post(runner.reload)
    driver.run()
    assert recorder.calls == ["reset", "start", "wait"]
    runner.post(runner.stop)
    driver.run()
    assert runner.ended.is_set()
    assert recorder.calls == ["reset", "start", "wait", "stop", "wait"]


def test_what_is_known_of_a_service_from_its_start_to_its_end(
    runner, driver, recorder
) -> None:
    def seen() -> list[tuple[str, int, bool]]:
        found = list(runner.facts(Tally(), clock.now()))
        ages = [worker.age for service in found for worker in service.workers]
        assert all(age is not None and age >= 0 for age in ages)
        return [
            (one.state.value, one.generation, service.ready)
            for service in found
            for one in service.workers
        ]

    add(runner, recorder)
    assert seen() == [("starting", 0, False)]
    driver.run()
    assert seen() == [("ready", 0, True)]
    runner.post(runner.reload)
    assert seen() == [("stopping", 0, True)]
    driver.run()
    assert seen() == [("ready", 1, True)]
    runner.post(runner.stop)
    assert seen() == [("stopping", 1, False)]
    driver.run()
    assert seen() == [("draining", 1, False)]


def test_the_end_waits_for_what_else_the_process_does(runner, driver, recorder) -> None:
    held = True
    runner.held_by = lambda: held
    add(runner, recorder)
    driver.run()
    runner.post(runner.stop)
    driver.run()
    assert recorder.calls == ["start", "wait", "stop", "wait"]
    assert not runner.ended.is_set()
    held = False
    runner.post(lambda: None)
    assert runner.ended.is_set()


def test_what_is_added_after_the_end_never_starts(runner, driver, recorder) -> None:
    runner.post(runner.stop)
    assert runner.ended.is_set()
    add(runner, recorder)
    driver.run()
    assert recorder.calls == []


def test_what_still_runs_is_the_call_that_has_not_returned(runner, driver) -> None:
    class Held(Recorder):
        gate = driver.event()

        def start(self) -> None:
            self.gate.wait()

    held = Held()
    add(runner, held)
    driver.run()
    assert held.gate.waiters
    name = f"{__name__}.{Held.__qualname__}"
    assert runner.still_running() == f"start() of {name}"
    assert runner.still_starting() == name
    runner.post(runner.stop)
    assert runner.still_running() == f"stop() of {name}"
    held.gate.set()
    driver.run()
    assert runner.ended.is_set()
    assert runner.still_running() == ""
    assert held.calls == ["stop", "stop", "wait"]


def test_a_start_that_orders_the_stop_makes_that_call_where_nobody_else_can(
    runner, driver
) -> None:
    class Stopping(Recorder):
        def start(self) -> None:
            super().start()
            driver.room = 0
            runner.post(runner.stop)
            with pytest.raises(RuntimeError, match=r"start\(\) of .*Stopping cannot"):
                runner.refuse_own()

    stopping = Stopping()
    add(runner, stopping)
    driver.run()
    assert runner.ended.is_set()
    assert stopping.calls == ["start", "stop", "stop", "wait"]
    assert runner.status == 0


def nothing() -> None:
    """Have the runner turned."""


def test_a_service_for_which_there_is_no_task_is_started_when_there_is(
    runner, driver, recorder, caplog, monkeypatch
) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "now", lambda: now)
    driver.room = 0
    add(runner, recorder)
    assert runner.deadline == 100.1
    for _ in range(3):
        now = runner.deadline
        runner.post(nothing)
    assert not runner.ended.is_set()
    assert caplog.text.count("RuntimeError: there is no room") == 1, "it is said once"
    driver.room = None
    now = runner.deadline
    runner.post(nothing)
    driver.run()
    assert recorder.calls == ["start", "wait"]
    assert runner.deadline is None
    assert "could be started, after 1.5 s" in caplog.text


def test_a_service_that_waits_for_a_task_can_be_stopped(
    runner, driver, recorder
) -> None:
    driver.room = 0
    add(runner, recorder)
    runner.post(runner.stop)
    assert runner.ended.is_set()
    assert runner.deadline is None
    assert recorder.calls == []
    assert runner.status == 0


def test_a_stop_for_which_there_is_no_task_is_called_all_the_same(
    runner, driver, recorder
) -> None:
    add(runner, recorder)
    driver.run()
    assert recorder.calls == ["start", "wait"]
    driver.room = 0
    runner.post(runner.stop)
    driver.run()
    assert runner.ended.is_set()
    assert recorder.calls == ["start", "wait", "stop", "wait"]
    assert runner.status == 0


class TestATaskThatDoesNotWantToWait:
    """Something of others' is raised in the task of a service, between two calls."""

    @pytest.fixture
    def task(self, runner, driver, recorder) -> ScriptedTask:
        add(runner, recorder)
        driver.run()
        assert recorder.calls == ["start", "wait"]
        [task] = driver.tasks
        return task

    def test_a_timer_that_a_service_has_left_ends_nothing(
        self, runner, driver, recorder, task, monkeypatch
    ) -> None:
        monkeypatch.setattr(runner._lives[only(runner)], "_killed_by", ())
        task.stop()
        driver.run()
        assert not task.done
        runner.post(runner.stop)
        driver.run()
        assert recorder.calls == ["start", "wait", "stop", "wait"]
        assert runner.ended.is_set()
        assert runner.status == 0

    def test_one_that_is_killed_does_not_keep_the_end(
        self, runner, driver, recorder, task
    ) -> None:
        task.stop()
        driver.run()
        assert task.done
        runner.post(runner.stop)
        driver.run()
        assert recorder.calls == ["start", "wait", "stop"]
        assert runner.ended.is_set()
        assert runner.status == 1


def only(runner: ServiceRunner) -> Incarnation:
    [incarnation] = runner._state.incarnations
    return incarnation


class Timeout:
    """Notes how it is armed."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def arm(self, unit: object, seconds: float) -> None:
        self.done.append(seconds)

    def back(self) -> None:
        self.done.append("backed")

    def disarm(self, unit: object) -> None:
        self.done.append("disarmed")


class Configuration:
    """Stands for the settings."""

    conf = None
    stop_limit = 9.0
    last_stop_limit = 7.0
    mutates = False
    error: Exception | None = None

    def __init__(self) -> None:
        self.reads = 0

    def read_again(self) -> Exception | None:
        self.reads += 1
        return self.error


class TestSupervised:
    """What the supervisor, its time-out and the settings have to do with it."""

    @pytest.fixture
    def told(self) -> list[events.Event]:
        return []

    @pytest.fixture
    def settings(self) -> Configuration:
        return Configuration()

    @pytest.fixture
    def runner(self, driver, settings, told) -> ServiceRunner:
        turn = Turn(driver, lambda: runner.advance(clock.now()))
        runner = ServiceRunner(driver, settings, turn.post, told.append)
        runner.timeout = Timeout()
        return runner

    def test_what_cannot_wait_of_a_stop_is_the_time_out(
        self, runner, driver, recorder
    ) -> None:
        add(runner, recorder)
        driver.run()
        runner.stop_now()
        assert runner.timeout.done == [7.0]
        assert not runner.stopping

    def test_without_a_time_out_there_is_nothing_that_cannot_wait(self, runner) -> None:
        runner.timeout = None
        runner.stop_now()
        assert not runner.stopping

    def test_a_stop_arms_the_time_out_for_good(self, runner, driver, recorder) -> None:
        add(runner, recorder)
        driver.run()
        assert runner.timeout.done == []
        runner.post(runner.stop)
        driver.run()
        assert runner.ended.is_set()
        assert runner.timeout.done == [9.0, "backed"], "what follows may hang, too"

    def test_a_reload_arms_it_until_all_is_drained(
        self, runner, driver, recorder, settings
    ) -> None:
        add(runner, recorder)
        driver.run()
        runner.post(runner.reload)
        assert runner.reloading
        assert runner.draining
        assert settings.reads == 0, "not before all has ended"
        driver.run()
        assert runner.timeout.done == [9.0, "disarmed"]
        assert settings.reads == 1
        assert not runner.reloading
        once = ["start", "wait"]
        assert recorder.calls == [*once, "stop", "wait", "reset", *once]

    def test_settings_that_mutate_reset_what_goes_on_running(
        self, runner, driver, recorder, settings
    ) -> None:
        runner.mutates = True
        add(runner, recorder)
        driver.run()
        runner.post(runner.reload)
        assert runner.reloading
        assert not runner.draining
        driver.run()
        assert settings.reads == 1
        assert recorder.calls == ["start", "wait", "reset"]
        assert not runner.reloading
        assert runner.timeout.done == []

    def test_a_configuration_that_cannot_be_read_is_told_and_the_rest_goes_on(
        self, runner, driver, recorder, settings, told
    ) -> None:
        settings.error = ValueError("nonsense")
        add(runner, recorder)
        driver.run()
        runner.post(runner.reload)
        driver.run()
        [failure] = told
        assert isinstance(failure, events.ReloadFailed)
        assert failure.error is settings.error
        assert recorder.calls[-3:] == ["reset", "start", "wait"]

    def test_so_does_reading_that_raises(
        self, runner, driver, recorder, settings, told, monkeypatch
    ) -> None:
        error = SystemExit(2)
        monkeypatch.setattr(settings, "read_again", mock.Mock(side_effect=error))
        add(runner, recorder)
        driver.run()
        runner.post(runner.reload)
        driver.run()
        assert [one.error for one in told] == [error]
        assert recorder.calls[-3:] == ["reset", "start", "wait"]

    def test_a_time_out_that_cannot_be_armed_keeps_no_service_from_its_stop(
        self, runner, driver, recorder, told, monkeypatch
    ) -> None:
        add(runner, recorder)
        driver.run()
        error = RuntimeError("can't start new thread")
        monkeypatch.setattr(runner.timeout, "arm", mock.Mock(side_effect=error))
        runner.post(runner.stop)
        driver.run()
        assert recorder.calls == ["start", "wait", "stop", "wait"]
        assert runner.ended.is_set()
        assert [one.error for one in told] == [error]

    @pytest.mark.parametrize(
        ("method", "fatal"), [("start", True), ("wait", True), ("stop", False)]
    )
    def test_what_a_service_raises_is_told_and_fatal_where_it_did_not_run(
        self, runner, driver, recorder, told, monkeypatch, method, fatal
    ) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(recorder, method, fail)
        add(runner, recorder)
        driver.run()
        assert runner.stopping is fatal
        runner.post(runner.stop)
        driver.run()
        assert runner.ended.is_set()
        first = told[0]
        assert isinstance(first, events.ServiceFailed)
        assert first.method == method
        assert first.fatal is fatal
        assert isinstance(first.error, ZeroDivisionError)
        assert runner.status == 1

    def test_a_wait_that_fails_after_the_stop_is_not_fatal(
        self, runner, driver, recorder, told, monkeypatch
    ) -> None:
        add(runner, recorder)
        driver.run()

        def fail() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(recorder, "wait", fail)
        runner.post(runner.stop)
        driver.run()
        assert runner.ended.is_set()
        assert [(one.method, one.fatal) for one in told] == [("wait", False)]

    def test_a_reset_that_fails_prevents_the_start(
        self, runner, driver, recorder, told, monkeypatch
    ) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(recorder, "reset", fail)
        runner.post(lambda: runner.add(recorder, reset=True))
        driver.run()
        assert "start" not in recorder.calls
        assert [(one.method, one.fatal) for one in told] == [("reset", True)]
        assert runner.status == 1

    def test_patience_alone_makes_the_difference_between_starting_and_ready(
        self, runner, driver, recorder
    ) -> None:
        add(runner, recorder)
        assert not runner.is_ready(patient=True)
        assert runner.is_ready(patient=False)
        driver.run()
        assert runner.is_ready(patient=True)
        assert runner.services == [recorder]

    def test_tasks_say_what_they_do_and_for_whom(
        self, runner, driver, recorder
    ) -> None:
        add(runner, recorder)
        [task] = driver.ready
        assert task.name == f"live {__name__}.Recorder"


class Held(service.ServiceBase):
    """Each call waits until the test says what becomes of it."""

    def __init__(self, driver: ScriptedDriver) -> None:
        super().__init__()
        self.driver = driver
        self.held: dict[str, list[Any]] = {}
        self.starts = self.ends = 0

    def _hold(self, method: str) -> None:
        gate, outcome = self.driver.event(), []
        entry = (gate, outcome)
        self.held.setdefault(method, []).append(entry)
        try:
            gate.wait()
        finally:
            self.held[method].remove(entry)
        if outcome:
            raise outcome[0]

    def let_go(self, method: str, error: BaseException | None = None) -> None:
        """Have the first of these calls return, or raise."""
        gate, outcome = self.held[method][0]
        if error is not None:
            outcome.append(error)
        gate.set()

    @property
    def busy(self) -> list[str]:
        return [method for method, calls in self.held.items() if calls]

    def start(self) -> None:
        self._hold("start")

    def stop(self) -> None:
        self._hold("stop")

    def wait(self) -> None:
        self._hold("wait")

    def reset(self) -> None:
        self._hold("reset")


class AnyFailure(RuleBasedStateMachine):
    """Whatever fails, and whenever, everything ends, and the time-out is kept."""

    @initialize()
    def begin(self) -> None:
        self.exits = contextlib.ExitStack()
        self.driver = self.exits.enter_context(ScriptedDriver())
        self.settings = mock.Mock(
            spec=Configuration, stop_limit=9.0, last_stop_limit=7.0, mutates=False
        )
        self.settings.read_again.return_value = None
        self.told: list[events.Event] = []
        turn = Turn(self.driver, lambda: self.runner.advance(clock.now()))
        self.turn = turn
        self.runner: Any = ServiceRunner(
            self.driver, self.settings, turn.post, self.told.append
        )
        self.runner.timeout = self.timeout = mock.Mock(spec=Timeout)
        self.services: list[Held] = []
        self.failed = False
        self.add()

    number = st.integers(0, 1000)
    error = st.sampled_from(
        [None, None, None, ValueError("no"), SystemExit(3), GeneratorExit()]
    )

    def run_all(self) -> None:
        self.driver.run()
        self.runner.post(nothing)
        self.driver.run()

    @rule()
    def add(self) -> None:
        if len(self.services) < 3:
            self.services.append(Held(self.driver))
            add(self.runner, self.services[-1])

    @rule(room=st.sampled_from([None, None, 0, 1]))
    def tasks_are_scarce(self, room) -> None:
        self.driver.room = room

    @rule(error=error, raises=st.booleans(), mutates=st.booleans())
    def reading_fails(self, error, raises, mutates) -> None:
        self.settings.mutates = mutates
        self.settings.read_again.return_value = error
        self.settings.read_again.side_effect = error if raises else None

    @rule(fails=st.booleans())
    def no_time_out_can_be_had(self, fails) -> None:
        self.timeout.arm.side_effect = RuntimeError("no thread") if fails else None

    @rule()
    def tasks_begin(self) -> None:
        self.run_all()

    @rule(seconds=st.sampled_from([0.05, 0.1, 31.0]))
    def pass_time(self, seconds) -> None:
        self.driver.advance(seconds)
        self.run_all()

    @rule(what=st.sampled_from(["reload", "reload", "stop"]))
    def order(self, what) -> None:
        self.runner.post(getattr(self.runner, what))

    @precondition(lambda self: any(one.busy for one in self.services))
    @rule(number=number, which=number, error=error)
    def a_call_ends(self, number, which, error) -> None:
        busy = [one for one in self.services if one.busy]
        one = busy[number % len(busy)]
        one.let_go(one.busy[which % len(one.busy)], error)
        self.run_all()

    @rule(number=number)
    def a_task_is_killed(self, number) -> None:
        tasks = [one for one in self.driver.tasks if one.name.startswith("live")]
        if tasks:
            task = tasks[number % len(tasks)]
            if task not in self.driver.ready:  # who has begun
                task.stop()
                self.run_all()

    def settle(self) -> None:
        """Have every call return that returns of itself."""
        for _ in range(300):
            self.driver.advance(1.0)
            self.run_all()
            due = [
                (one, method)
                for one in self.services
                for method in one.busy
                if method != "wait" or self.runner.stopping or self.runner.draining
            ]
            if not due:
                break
            one, method = due[0]
            one.let_go(method)
            self.run_all()

    def teardown(self) -> None:
        """Where nothing fails any more, all is as it should be, to the end."""
        if not hasattr(self, "runner"):
            return
        with self.exits:
            self.driver.room = None
            self.timeout.arm.side_effect = None
            self.settings.read_again.side_effect = None
            self.settle()
            self.driver.advance(31.0)
            self.settle()
            if not self.runner.stopping:
                assert not self.runner.reloading
                assert self.runner._without_room == {}
                assert self.runner.is_ready(patient=True)
                assert self.runner.services == self.services
            self.runner.post(self.runner.stop)
            self.settle()
            assert self.runner.ended.is_set()
            assert self.runner.deadline is None
            assert self.driver.tasks == [], "a task is left behind"
            fatal = any(getattr(one, "fatal", False) for one in self.told)
            failures = [
                one for one in self.told if isinstance(one, events.ServiceFailed)
            ]
            assert self.runner.status == 1 or not fatal
            assert failures or self.runner.status == 0


TestAnyFailure = AnyFailure.TestCase
TestAnyFailure.settings = hypothesis_settings(max_examples=200, stateful_step_count=30)
