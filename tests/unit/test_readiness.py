# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When all counts as started, with a clock that is turned by hand."""

from collections.abc import Iterator

import pytest

from oslo_service import events, service
from oslo_service.backend.base import Driver
from oslo_service.supervisor.readiness import PATIENCE, Readiness
from oslo_service.supervisor.services.runner import ServiceRunner, make_unsupervised
from oslo_service.testing.waiting import until, until_set


class Blocking(service.Service):
    """Its start() blocks until the gate is open."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.entered = driver.event()
        self.gate = driver.event()

    def start(self) -> None:
        self.entered.set()
        self.gate.wait()


def kinds(told: list[events.Event]) -> list[type]:
    return [type(event) for event in told]


@pytest.fixture
def blocking(driver: Driver) -> Blocking:
    return Blocking(driver)


@pytest.fixture
def runner(driver: Driver, blocking: Blocking) -> Iterator[ServiceRunner]:
    runner = make_unsupervised(driver)
    runner.post(lambda: runner.add(blocking))
    until_set(blocking.entered, "the service starts")
    yield runner
    blocking.gate.set()
    runner.post(runner.stop)
    until_set(runner.ended, "the service ends")


def test_it_is_told_once_when_every_start_has_returned(
    driver, runner, blocking
) -> None:
    told = []
    readiness = Readiness(told.append)
    readiness.begin(100.0)
    assert readiness.check([runner], 101.0) is False
    assert told == []
    blocking.gate.set()
    until(driver, lambda: runner.is_ready(patient=True), "the service has started")
    assert readiness.check([runner], 102.0) is True
    assert readiness.check([runner], 103.0) is False
    assert kinds(told) == [events.Ready]
    assert readiness.deadline is None


def test_what_is_to_be_reloaded_has_not_started(driver) -> None:
    class Draining(Blocking):
        """Has work to finish before it is started again."""

        def __init__(self, driver: Driver) -> None:
            super().__init__(driver)
            self.draining, self.drained = driver.event(), driver.event()

        def wait(self) -> None:
            self.draining.set()
            self.drained.wait()

    draining, runner = Draining(driver), make_unsupervised(driver)
    runner.post(lambda: runner.add(draining))
    until_set(draining.entered, "the service starts")
    runner.post(runner.reload)
    draining.gate.set()
    until_set(draining.draining, "it has started, and was stopped")
    assert not runner.is_ready(patient=True)
    draining.drained.set()
    until(driver, lambda: runner.is_ready(patient=True), "it has started again")
    runner.post(runner.stop)
    until_set(runner.ended, "the service ends")


def test_a_start_that_blocks_is_named_and_counts_when_patience_ends(
    runner,
) -> None:
    told = []
    readiness = Readiness(told.append)
    readiness.begin(100.0)
    assert readiness.deadline == 100.0 + PATIENCE
    readiness.check([runner], 100.0 + PATIENCE - 0.1)
    assert told == []
    readiness.check([runner], 100.0 + PATIENCE)
    readiness.check([runner], 100.0 + 2 * PATIENCE)
    assert kinds(told) == [events.StartDelayed, events.Ready]
    assert "Blocking" in told[0].services
    assert told[0].seconds == PATIENCE


class Unit:
    """Stands for workers: what it is asked is set by hand."""

    ready = True
    reloading = False

    def is_ready(self, *, patient: bool) -> bool:
        return self.ready

    def still_starting(self) -> str:
        return ""


def test_after_a_reload_it_is_told_again_when_that_is_done() -> None:
    told = []
    unit = Unit()
    readiness = Readiness(told.append)
    assert readiness.check([unit], 100.0), "it is the first time"
    readiness.check([unit], 101.0)
    unit.reloading = True
    readiness.begin_again()
    readiness.check([unit], 200.0)
    unit.ready = unit.reloading = False
    readiness.check([unit], 201.0)
    assert kinds(told) == [events.Ready]
    unit.ready = True
    assert not readiness.check([unit], 202.0)
    readiness.check([unit], 203.0)
    assert kinds(told) == [events.Ready, events.ReloadFinished]
    assert readiness.deadline is None


def test_a_reload_before_all_is_ready_belongs_to_the_start() -> None:
    told = []
    unit = Unit()
    readiness = Readiness(told.append)
    readiness.begin(100.0)
    readiness.begin_again()
    assert readiness.check([unit], 101.0)
    assert kinds(told) == [events.Ready]


def test_a_start_in_place_has_its_time_from_when_it_begins(runner) -> None:
    told = []
    readiness = Readiness(told.append)
    readiness.check([Unit()], 100.0)
    readiness.begin_again()
    assert readiness.deadline is None, "work may be finished first, for long"
    readiness.check([runner], 300.0)
    assert readiness.deadline == 300.0 + PATIENCE
    readiness.check([runner], 300.0 + PATIENCE)
    assert kinds(told) == [
        events.Ready,
        events.StartDelayed,
        events.ReloadFinished,
    ]
    assert "Blocking" in told[1].services
