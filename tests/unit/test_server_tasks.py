# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who leads, who follows, and how many there are: with tasks that a script runs."""

import dataclasses
from collections.abc import Iterator

import pytest

from oslo_service.serving.leader_followers import LeaderFollowers, ServingTask
from oslo_service.testing.scripted import ScriptedDriver, ScriptedEvent


class Parallel(ScriptedDriver):
    """Says of its tasks that they run in parallel."""

    capabilities = dataclasses.replace(ScriptedDriver.capabilities, parallel=True)


class Server:
    """Its tasks work until the test lets them go on.

    :ivar at_work: what each waits for that is at work.
    :ivar idle: whether the leader waits for something to do.
    """

    def __init__(self, driver: ScriptedDriver, most: int = 3) -> None:
        self.driver = driver
        self.at_work: dict[ServingTask, ScriptedEvent] = {}
        self.idle = False
        self.ended = 0
        self.failure: Exception | None = None
        self.tasks = LeaderFollowers(driver, "web", lambda: most, self.work, self.end)

    def work(self, task: ServingTask) -> None:
        if self.tasks.is_leader(task):
            self.tasks.leader_waits = self.idle
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        gate = self.at_work[task] = self.driver.event()
        try:
            gate.wait()
        finally:
            del self.at_work[task]

    def end(self) -> None:
        self.ended += 1

    def start(self) -> None:
        self.tasks.start()
        self.driver.run()

    def go_on(self, task: ServingTask) -> None:
        """Have a task finish what it works at."""
        self.at_work[task].set()
        self.driver.run()

    @property
    def leader(self) -> ServingTask | None:
        leaders = [one for one in self.at_work if self.tasks.is_leader(one)]
        return leaders[0] if leaders else None

    @property
    def others(self) -> list[ServingTask]:
        return [one for one in self.at_work if not self.tasks.is_leader(one)]


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with ScriptedDriver() as driver:
        yield driver


@pytest.fixture
def server(driver: ScriptedDriver) -> Server:
    return Server(driver)


def names(driver: ScriptedDriver) -> list[str]:
    return [task.name for task in driver.tasks if not task.done]


class TestCooperative:
    """Where the monitor has its turn when the leader is held up."""

    def test_a_leader_that_waits_is_the_only_task(self, server, driver) -> None:
        server.idle = True
        server.start()
        driver.advance(10)
        assert sorted(names(driver)) == ["web", "web monitor"]
        assert len(server.tasks) == 1
        assert server.leader is not None

    def test_who_is_held_up_is_followed_until_there_are_enough(self, server) -> None:
        server.start()
        assert len(server.tasks) == 3
        assert server.leader is None, "nobody is free to lead"

    def test_where_nobody_leads_the_first_that_is_free_does(self, server) -> None:
        server.start()
        server.idle = True
        first, *rest = server.others
        server.go_on(first)
        assert server.leader is first
        assert server.others == rest
        assert len(server.tasks) == 3

    def test_where_nobody_leads_who_ends_has_another_lead(self, server) -> None:
        server.start()
        server.idle = True
        for spent in server.others:
            spent.spent = True
            server.go_on(spent)
            assert server.leader is not None
            assert spent not in server.at_work
        assert len(server.tasks) == 1

    def test_who_is_free_while_somebody_leads_follows_and_leads_next(
        self, server
    ) -> None:
        server.start()
        server.idle = True
        first, second, third = server.others
        server.go_on(first)
        server.go_on(second)
        assert server.leader is first
        assert server.others == [third], "the second one follows"
        server.tasks.leader_waits = False
        server.tasks.wake_monitor()
        server.driver.run()
        assert server.leader is second, "no task is made where one follows"
        assert set(server.others) == {first, third}
        assert len(server.tasks) == 3

    def test_who_has_followed_for_long_ends(self, server, driver) -> None:
        server.start()
        server.idle = True
        first, second, _third = server.others
        server.go_on(first)
        server.go_on(second)
        driver.advance(29.9)
        assert len(server.tasks) == 3
        driver.advance(0.2)
        assert len(server.tasks) == 2
        assert server.ended == 0
        server.tasks.promote()
        driver.run()
        assert len(server.tasks) == 3
        assert server.leader not in (None, first, second)

    def test_a_leader_that_has_not_begun_is_not_held_up(self, server) -> None:
        server.idle = True
        server.start()
        server.tasks.leader_waits = False
        server.tasks.wake_monitor()
        server.tasks.promote()
        server.driver.run()
        assert len(server.tasks) == 2

    def test_one_that_is_spent_ends_and_a_fresh_one_leads(self, server) -> None:
        server.idle = True
        server.start()
        spent = server.leader
        assert spent is not None
        spent.spent = True
        server.go_on(spent)
        assert server.leader not in (None, spent)
        assert len(server.tasks) == 1

    def test_a_leader_that_is_killed_leaves_the_lead_to_another(
        self, server, driver
    ) -> None:
        server.idle = True
        server.start()
        killed = server.leader
        [task] = [one for one in driver.tasks if one.name == "web"]
        task.stop()
        driver.run()
        assert server.leader not in (None, killed)
        assert len(server.tasks) == 1

    def test_a_follower_that_is_killed_is_not_promoted(self, server, driver) -> None:
        server.start()
        server.idle = True
        first, second, third = server.others
        server.go_on(first)
        server.go_on(second)
        [follower] = [one for one in driver.tasks if one.waits_for.due == 30]
        follower.stop()
        driver.run()
        assert len(server.tasks) == 2
        server.tasks.promote()
        driver.run()
        assert server.leader not in (None, first, second, third)

    def test_what_fails_is_logged_and_done_again_after_a_pause(
        self, server, driver, caplog
    ) -> None:
        server.idle = True
        server.failure = ZeroDivisionError()
        server.start()
        assert caplog.text.count("web goes on after a failure") == 1
        assert server.at_work == {}
        driver.advance(0.2)
        assert server.leader is not None
        assert len(server.tasks) == 1

    def test_where_there_is_no_room_it_goes_on_with_fewer(
        self, server, driver, caplog
    ) -> None:
        driver.room = 2
        server.start()
        assert len(server.tasks) == 1
        assert "web goes on with fewer tasks" in caplog.text
        server.idle = True
        [task] = server.at_work
        assert server.leader is None
        server.go_on(task)
        assert server.leader is task


class TestEnd:
    """All tasks end: followers now, the others when they are done."""

    def test_where_there_is_none_it_is_the_end(self, server) -> None:
        server.tasks.end()
        assert server.ended == 1

    def test_it_is_the_end_once_the_last_is_done(self, server, driver) -> None:
        server.start()
        server.idle = True
        first, second, third = server.others
        server.go_on(first)
        server.go_on(second)
        server.tasks.end()
        driver.run()
        assert len(server.tasks) == 2, "the follower has ended"
        server.go_on(third)
        assert server.ended == 0
        server.go_on(first)
        assert server.ended == 1
        assert len(server.tasks) == 0
        assert names(driver) == [], "nor is there a monitor any more"


class TestPreemptive:
    """Where the monitor looks whether there is progress."""

    @pytest.fixture
    def driver(self) -> Iterator[ScriptedDriver]:
        with Parallel() as driver:
            yield driver

    def test_a_leader_that_makes_progress_is_left_alone(self, server, driver) -> None:
        server.start()
        for _ in range(20):
            server.tasks.progress += 1
            driver.advance(0.002)
        assert len(server.tasks) == 1
        assert server.leader is not None

    def test_one_that_makes_none_for_two_milliseconds_is_held_up(
        self, server, driver
    ) -> None:
        server.start()
        driver.advance(0.0015)
        assert len(server.tasks) == 1
        driver.advance(0.001)
        assert len(server.tasks) == 2

    def test_while_the_leader_waits_nobody_looks(self, server, driver) -> None:
        server.idle = True
        server.start()
        driver.advance(1)
        [monitor] = [one for one in driver.tasks if one.name == "web monitor"]
        assert monitor.waits_for.due is None
        server.tasks.leader_waits = False
        server.tasks.wake_monitor()
        driver.advance(0.1)
        assert len(server.tasks) == 2
