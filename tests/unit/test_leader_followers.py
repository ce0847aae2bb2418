# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A leader and its followers: whoever ends, for whatever reason, hands on."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from oslo_service.backend.base import Capabilities
from oslo_service.serving.leader_followers import (
    _IDLE_TIMEOUT,
    _STALL,
    LeaderFollowers,
    ServingTask,
)
from oslo_service.testing import scripted


class Leak(BaseException):
    """What some code raises at a time of its own, such as eventlet.Timeout."""


class Work:
    """What is done: each one that leads waits until it is told to do something.

    :ivar ends: how often the last task has ended.
    """

    def __init__(self, driver: scripted.ScriptedDriver) -> None:
        self._driver = driver
        self.orders: list[Callable[[], object]] = []
        self.arrived = driver.event()
        self.leaders: list[ServingTask] = []
        self.ends = 0
        self.tasks = LeaderFollowers(driver, "server", lambda: 3, self.do, self.end)

    def do(self, task: ServingTask) -> None:
        """Lead, as long as one is the leader."""
        while self.tasks.is_leader(task) and not self.ends:
            self.leaders.append(task)
            self.tasks.leader_waits = True
            try:
                self.arrived.wait()
            finally:
                self.tasks.leader_waits = False
            self.arrived.clear()
            while self.orders:
                self.orders.pop(0)()

    def end(self) -> None:
        """Record that the last task has ended."""
        self.ends += 1

    def order(self, call: Callable[[], object]) -> None:
        """Have the leader make a call."""
        self.orders.append(call)
        self.arrived.set()
        self._driver.run()

    @property
    def leads(self) -> bool:
        """Whether somebody waits for something to do."""
        done: list[bool] = []
        self.order(lambda: done.append(True))
        return bool(done)


@pytest.fixture
def driver() -> Iterator[scripted.ScriptedDriver]:
    """A driver whose tasks go on when they are told to."""
    with scripted.ScriptedDriver() as made:
        yield made


@pytest.fixture
def work(driver: scripted.ScriptedDriver) -> Work:
    """What is at work."""
    made = Work(driver)
    made.tasks.start()
    driver.run()
    return made


def members(driver: scripted.ScriptedDriver) -> list[scripted.ScriptedTask]:
    """The tasks of the server, but for the monitor."""
    return [one for one in driver.tasks if one.name == "server"]


def raises(error: type[BaseException]) -> Callable[[], Any]:
    """Make a function that raises."""

    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", [Leak, RuntimeError])
def test_a_leader_goes_on_whatever_is_raised_in_it(driver, work, error, caplog) -> None:
    work.order(raises(error))
    driver.advance(1)

    assert work.leads
    assert error.__name__ in caplog.text


def test_a_leader_that_ends_itself_has_another_lead(driver, work) -> None:
    (first,) = members(driver)
    work.order(raises(SystemExit))

    assert first.done
    assert len(work.tasks) == 1
    assert work.leads


def test_a_leader_that_is_killed_has_another_lead(driver, work) -> None:
    for _ in range(3):
        (leader,) = members(driver)
        leader.stop()
        driver.run()
        assert leader.done

        assert len(work.tasks) == 1
        assert work.leads


def test_a_leader_that_is_killed_has_a_follower_lead(driver, work) -> None:
    (first,) = members(driver)
    work.order(work.tasks.promote)
    assert len(members(driver)) == 2
    (second,) = (one for one in members(driver) if one is not first)

    second.stop()
    driver.run()

    assert members(driver) == [first], "no third is made"
    assert work.leads


def test_a_follower_that_is_killed_is_not_promoted(driver, work) -> None:
    (first,) = members(driver)
    work.order(work.tasks.promote)
    first.stop()
    driver.run()
    assert len(work.tasks) == 1

    work.order(work.tasks.promote)

    assert work.leads


def test_the_end_is_told_once_though_the_last_task_is_killed(driver, work) -> None:
    (leader,) = members(driver)
    work.tasks.end()
    assert work.ends == 0
    leader.stop()
    driver.run()

    assert work.ends == 1
    work.tasks.promote()
    driver.run()
    assert len(work.tasks) == 0
    assert work.ends == 1


def test_a_follower_that_nobody_needs_ends(driver, work) -> None:
    work.order(work.tasks.promote)
    driver.advance(_IDLE_TIMEOUT - 1)
    assert len(work.tasks) == 2
    driver.advance(1)

    assert len(work.tasks) == 1
    assert work.leads


def test_all_end_those_at_work_when_they_are_done(driver, work) -> None:
    def end() -> None:
        work.tasks.end()
        raise SystemExit

    work.order(work.tasks.promote)
    work.order(end)

    assert driver.tasks == [], "neither does the monitor stay"
    assert work.ends == 1


class Preemptive(scripted.ScriptedDriver):
    """One whose tasks could go on though one is held up in the processor."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        kill_tasks=True, parallel=True, spawn_workers=False
    )


class TestHeldUp:
    """A leader that is held up has another lead meanwhile."""

    @pytest.fixture(params=[scripted.ScriptedDriver, Preemptive])
    def driver(self, request) -> Iterator[scripted.ScriptedDriver]:
        with request.param() as made:
            yield made

    def test_another_one_leads_as_long_as_there_may_be_more(self, driver, work) -> None:
        def hold_up() -> None:
            work.tasks.wake_monitor()
            driver.sleep(3600)

        for count in (2, 3):
            work.order(hold_up)
            driver.advance(2 * _STALL)
            assert len(members(driver)) == count
            assert work.leads
        work.order(hold_up)
        driver.advance(2 * _STALL)
        assert len(members(driver)) == 3
        assert not work.leads, "there are as many as there may be"
        driver.advance(3600)
        assert work.leads, "the first who is free does"

    def test_nobody_does_while_it_waits_itself(self, driver, work) -> None:
        work.order(work.tasks.wake_monitor)
        driver.advance(100 * _STALL)
        assert len(members(driver)) == 1


def test_one_that_gets_on_is_not_held_up_where_tasks_are_preemptive() -> None:
    with Preemptive() as driver:
        work = Work(driver)
        work.tasks.start()
        driver.run()

        def get_on() -> None:
            work.tasks.wake_monitor()
            for _ in range(20):
                driver.sleep(_STALL / 2)
                work.tasks.progress += 1

        work.order(get_on)
        driver.advance(9 * _STALL)
        assert len(members(driver)) == 1
