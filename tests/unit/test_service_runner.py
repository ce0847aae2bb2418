# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services in this process, with tasks that begin when the test says so."""

from collections.abc import Iterator

import pytest

from oslo_service import service
from oslo_service._common import clock
from oslo_service.supervisor.services.runner import ServiceRunner, make_unsupervised
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
