# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When all counts as started, with a clock that is turned by hand."""

from collections.abc import Iterator

import pytest

from oslo_service import service
from oslo_service.backend.base import Driver
from oslo_service.supervisor.readiness import PATIENCE, Readiness
from oslo_service.supervisor.runner import Host
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


@pytest.fixture
def blocking(driver: Driver) -> Blocking:
    return Blocking(driver)


@pytest.fixture
def host(driver: Driver, blocking: Blocking) -> Iterator[Host]:
    host = Host(driver)
    host.add(blocking)
    until_set(blocking.entered, "the service starts")
    yield host
    blocking.gate.set()
    host.stop()
    until_set(host.ended, "the service ends")


def test_it_is_told_once_when_every_start_has_returned(driver, host, blocking) -> None:
    told = []
    readiness = Readiness(lambda: told.append("ready"))
    readiness.begin(100.0)
    readiness.check([host], 101.0)
    assert told == []
    blocking.gate.set()
    until(driver, lambda: host.all_ready, "the service has started")
    readiness.check([host], 102.0)
    readiness.check([host], 103.0)
    assert told == ["ready"]
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

    draining, host = Draining(driver), Host(driver)
    host.add(draining)
    until_set(draining.entered, "the service starts")
    host.reload()
    draining.gate.set()
    until_set(draining.draining, "it has started, and was stopped")
    assert not host.all_ready
    draining.drained.set()
    until(driver, lambda: host.all_ready, "it has started again")
    host.stop()
    until_set(host.ended, "the service ends")


def test_a_start_that_blocks_is_named_and_counts_when_patience_ends(
    host, caplog
) -> None:
    told = []
    readiness = Readiness(lambda: told.append("ready"))
    readiness.begin(100.0)
    assert readiness.deadline == 100.0 + PATIENCE
    readiness.check([host], 100.0 + PATIENCE - 0.1)
    assert told == []
    readiness.check([host], 100.0 + PATIENCE)
    readiness.check([host], 100.0 + 2 * PATIENCE)
    assert told == ["ready"]
    assert len(caplog.records) == 1
    assert "Blocking" in caplog.text


class Unit:
    """Stands for workers: what it is asked is set by hand."""

    all_ready = True
    reading_again = False


def test_after_a_reload_it_is_told_again_when_that_is_done() -> None:
    told = []
    unit = Unit()
    readiness = Readiness(lambda: told.append("ready"))
    readiness.check([unit], 100.0)
    readiness.check([unit], 101.0)
    assert told == ["ready"]
    unit.reading_again = True
    readiness.begin_again()
    readiness.check([unit], 200.0)
    unit.all_ready = unit.reading_again = False
    readiness.check([unit], 201.0)
    assert told == ["ready"]
    unit.all_ready = True
    readiness.check([unit], 202.0)
    readiness.check([unit], 203.0)
    assert told == ["ready", "ready"]
    assert readiness.deadline is None


def test_a_start_in_place_has_its_time_from_when_it_begins(host, caplog) -> None:
    told = []
    readiness = Readiness(lambda: told.append("ready"))
    readiness.begin_again()
    assert readiness.deadline is None, "work may be finished first, for long"
    readiness.check([host], 300.0)
    assert readiness.deadline == 300.0 + PATIENCE
    readiness.check([host], 300.0 + PATIENCE)
    assert told == ["ready"]
    assert "Blocking" in caplog.text
