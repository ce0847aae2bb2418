# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services in this process, with tasks that begin when the test says so."""

from collections.abc import Callable
from typing import Any

import pytest

from oslo_service import service
from oslo_service.backend.threading import ThreadingDriver
from oslo_service.supervisor.runner import Host


class Patient(ThreadingDriver):
    """Keeps what it is to spawn until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[Callable[[], Any], str]] = []

    def spawn(self, call: Callable[[], Any], *, name: str) -> Any:
        self.kept.append((call, name))

    def go_on(self) -> None:
        """Begin what was kept, and what follows from it."""
        while self.kept:
            call, name = self.kept.pop(0)
            super().spawn(call, name=name).wait(30)


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
def host(driver: Patient, recorder: Recorder) -> Host:
    host = Host(driver)
    host.add(recorder)
    return host


def test_stopping_what_has_not_begun_calls_neither_start_nor_stop(
    host, driver, recorder
) -> None:
    host.stop()
    assert not host.ended.is_set()
    driver.go_on()
    assert host.ended.is_set()
    assert recorder.calls == []
    assert host.status == 0


def test_reloading_what_has_not_begun_resets_and_starts_it_once(
    host, driver, recorder
) -> None:
    host.reload()
    # The end of the second life is not awaited here.
    for _ in range(2):
        call, _name = driver.kept.pop(0)
        call()
    assert [name for _, name in driver.kept] == [f"live {__name__}.{Recorder.__name__}"]
    assert recorder.calls == []


def test_what_is_added_after_the_end_never_starts(host, driver, recorder) -> None:
    host.stop()
    driver.go_on()
    late = Recorder()
    host.add(late)
    driver.go_on()
    assert late.calls == []
    assert host.ended.is_set()


def test_a_start_that_has_not_returned_is_what_still_runs(driver) -> None:
    class Starting(Recorder):
        def start(self) -> None:
            host.stop()
            driver.go_on()
            self.calls.append(host.still_running().partition("(")[0])

    starting, host = Starting(), Host(driver)
    host.add(starting)
    driver.go_on()

    assert starting.calls[:2] == ["stop", "start"]
