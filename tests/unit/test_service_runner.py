# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services in this process, with tasks that begin when the test says so."""

from collections.abc import Callable
from typing import Any

import pytest

from oslo_service import service
from oslo_service.backend.base import Task
from oslo_service.backend.threading import ThreadingDriver
from oslo_service.supervisor.services.runner import ServiceRunner, make_unsupervised
from oslo_service.testing.waiting import until, until_set


class Patient(ThreadingDriver):
    """Keeps what it is to spawn until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Task] = []

    def spawn(self, call: Callable[[], Any], *, name: str) -> Task:
        task = Kept(self, call, name)
        self.kept.append(task)
        return task

    def go_on(self) -> None:
        """Begin what was kept."""
        while self.kept:
            task = self.kept.pop(0)
            super().spawn(task.main, name=task.name)


class Kept(Task):
    def stop(self) -> None:
        self.cancel()


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
def driver() -> Patient:
    return Patient()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def runner(driver: Patient) -> ServiceRunner:
    return make_unsupervised(driver)


def add(runner: ServiceRunner, service: Recorder) -> None:
    runner.post(lambda: runner.add(service))


def test_stopping_what_has_not_begun_calls_neither_start_nor_stop(
    runner, driver, recorder
) -> None:
    add(runner, recorder)
    runner.post(runner.stop)
    driver.go_on()
    until_set(runner.ended, "it ends")
    assert recorder.calls == []
    assert runner.status == 0


def test_reloading_what_has_not_begun_resets_and_starts_it_once(
    runner, driver, recorder
) -> None:
    add(runner, recorder)
    runner.post(runner.reload)
    until(driver, lambda: (driver.go_on(), "wait" in recorder.calls)[1], "it runs")
    assert recorder.calls == ["reset", "start", "wait"]
    runner.post(runner.stop)
    until(driver, lambda: (driver.go_on(), runner.ended.is_set())[1], "it ends")
    assert recorder.calls == ["reset", "start", "wait", "stop", "wait"]


def test_what_is_added_after_the_end_never_starts(runner, driver, recorder) -> None:
    runner.post(runner.stop)
    assert runner.ended.is_set()
    add(runner, recorder)
    driver.go_on()
    assert recorder.calls == []


def test_what_still_runs_is_the_call_that_has_not_returned(runner, driver) -> None:
    class Held(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.entered = driver.event()
            self.gate = driver.event()

        def start(self) -> None:
            self.entered.set()
            self.gate.wait()

    held = Held()
    add(runner, held)
    driver.go_on()
    until_set(held.entered, "start() is called")
    name = f"{__name__}.{Held.__qualname__}"
    assert runner.still_running() == f"start() of {name}"
    assert runner.still_starting() == name
    runner.post(runner.stop)
    assert runner.still_running() == f"stop() of {name}"
    held.gate.set()
    until(driver, lambda: (driver.go_on(), runner.ended.is_set())[1], "it ends")
    assert runner.still_running() == "nothing"
    assert held.calls == ["stop", "stop", "wait"]


def test_a_service_for_which_there_is_no_task_ends_the_launcher_with_1(
    recorder, caplog
) -> None:
    class Full(ThreadingDriver):
        def spawn(self, call: Callable[[], Any], *, name: str) -> Task:
            raise RuntimeError("can't start new thread")

    runner = make_unsupervised(Full())
    add(runner, recorder)
    assert runner.ended.is_set()
    assert runner.status == 1
    assert recorder.calls == []
    assert "can't start new thread" in caplog.text


def test_a_stop_for_which_there_is_no_task_is_called_all_the_same(
    recorder,
) -> None:
    class Filling(ThreadingDriver):
        full = False

        def spawn(self, call: Callable[[], Any], *, name: str) -> Task:
            if self.full:
                raise RuntimeError("can't start new thread")
            return super().spawn(call, name=name)

    driver = Filling()
    runner = make_unsupervised(driver)
    add(runner, recorder)
    until(driver, lambda: "wait" in recorder.calls, "it runs")
    driver.full = True
    runner.post(runner.stop)
    until_set(runner.ended, "it ends")
    assert recorder.calls == ["start", "wait", "stop", "wait"]
    assert runner.status == 0
