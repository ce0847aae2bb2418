# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services in this process, with tasks that begin when the test says so."""

from collections.abc import Iterator

import pytest

from oslo_service import events, service
from oslo_service._common import clock
from oslo_service.supervisor.services.runner import ServiceRunner, make_unsupervised
from oslo_service.supervisor.turn import Turn
from oslo_service.testing.scripted import ScriptedDriver


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
    assert runner.still_running() == "nothing"
    assert held.calls == ["stop", "stop", "wait"]


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
