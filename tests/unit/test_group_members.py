# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The members of a group: what is counted, and when; tasks go on as the test says."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from oslo_service._common import instruments, naming
from oslo_service.groups import members
from oslo_service.groups.members import MembersByProcess
from oslo_service.loopingcall import FixedIntervalLoopingCall
from oslo_service.testing.scripted import ScriptedDriver, ScriptedEvent, selected
from oslo_service.testing.waiting import LIMIT
from oslo_service.threadgroup import ThreadGroup


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with selected() as driver:
        yield driver


@pytest.fixture
def group(driver: ScriptedDriver) -> ThreadGroup:
    """A group of one slot."""
    return ThreadGroup(1)


@pytest.fixture
def never(driver: ScriptedDriver) -> ScriptedEvent:
    return driver.event()


def taken(group: ThreadGroup) -> int:
    return group._members.here().slots.taken


class TestSlots:
    def test_one_that_cannot_be_spawned_gives_its_slot_back(
        self, driver, group
    ) -> None:
        driver.room = 0
        with pytest.raises(RuntimeError, match="no room"):
            group.add_thread(int)
        assert group.threads == []
        assert taken(group) == 0

        driver.room = None
        assert not group.add_thread(int).done
        assert taken(group) == 1

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_so_does_one_whose_spawning_is_interrupted(
        self, driver, group, monkeypatch, error
    ) -> None:
        def spawn(call: Any, *, name: str) -> Any:
            raise error

        monkeypatch.setattr(driver, "spawn", spawn)
        with pytest.raises(error):
            group.add_thread(int)

        assert taken(group) == 0

    def test_one_that_has_ended_when_it_is_spawned_is_not_in_the_list(
        self, driver, group, monkeypatch
    ) -> None:
        spawn = driver.spawn

        def spawn_and_run(call: Any, *, name: str) -> Any:
            task = spawn(call, name=name)
            driver.run()
            return task

        monkeypatch.setattr(driver, "spawn", spawn_and_run)

        assert group.add_thread(int).done
        assert group.threads == []
        assert taken(group) == 0

    def test_one_that_is_taken_out_gives_its_slot_back_once(
        self, driver, group, never
    ) -> None:
        thread = group.add_thread(never.wait)
        driver.run()

        for _ in range(2):
            group.thread_done(thread)
            assert taken(group) == 0

        never.set()
        driver.run()
        assert thread.done
        assert taken(group) == 0

    def test_a_timer_that_was_stopped_still_waits_for_none(
        self, driver, group, never
    ) -> None:
        idents: list[tuple[int, int]] = []

        def tick() -> None:
            never.wait()
            inner = group.add_thread(driver.current_ident)
            idents.append((inner.wait(), driver.current_ident()))

        group.add_timer(5, tick)
        group.add_thread(driver.event().wait)
        driver.run()
        group.stop_timers()
        never.set()
        driver.run()

        assert len(idents) == 1
        assert idents[0][0] == idents[0][1]

    def test_a_thread_of_another_making_waits_for_none(
        self, driver, group, never
    ) -> None:
        group.add_thread(never.wait)
        driver.run()
        idents: list[int] = []
        listed = threading.Event()

        def add() -> None:
            listed.wait(LIMIT)
            group.add_thread(lambda: idents.append(driver.current_ident()))

        foreign = threading.Thread(target=add, daemon=True)
        foreign.start()
        group.threads.append(foreign)  # type: ignore[arg-type]
        listed.set()
        foreign.join(LIMIT)

        assert idents == [foreign.ident]


class TestNames:
    def test_what_fails_is_named_in_the_log(self, driver, group, caplog) -> None:
        def fail() -> None:
            raise ValueError

        inner: list[Any] = []
        group.add_thread(lambda: inner.append(group.add_thread(fail)))
        driver.run()
        other = group.add_thread(fail)
        driver.run()

        name = f"thread {naming.describe(fail)}"
        said = [one.getMessage() for one in caplog.records if one.exc_info]
        assert said == [f"The function of {name} failed"] * 2
        assert repr(inner[0]) == repr(other) == f"<Thread {name}>"


class TestThreadsOfOthers:
    def test_those_that_have_ended_leave_and_those_that_have_not_begun_stay(
        self, group
    ) -> None:
        ended, fresh = ([threading.Thread(target=int) for _ in range(2)] for _ in "ef")
        for one in ended:
            one.start()
            one.join(LIMIT)
        group.threads.extend([*ended, *fresh])

        assert group._members.here().foreign() == fresh
        assert group.threads == fresh


class TestTimers:
    def test_one_that_cannot_start_is_forgotten(self, driver, group) -> None:
        driver.room = 0
        with pytest.raises(RuntimeError, match="no room"):
            group.add_timer(5, int)

        here = group._members.here()
        assert here.all() == []
        assert here._starting == set()

    def test_those_that_were_stopped_are_kept_only_while_they_run(
        self, driver, group, never
    ) -> None:
        here = group._members.here()
        busy = group.add_timer(5, never.wait)
        driver.run()
        idle = group.add_timer(5, int, 5)
        fresh = FixedIntervalLoopingCall(int)
        here.timers.append(fresh)

        group.stop_timers()

        assert group.timers == []
        assert here.all() == [busy, idle], "one that has never begun is gone"
        never.set()
        driver.run()
        assert here.all() == []

    def test_one_that_is_taken_out_and_then_stopped_is_not_kept(
        self, driver, group, never
    ) -> None:
        here = group._members.here()
        timer = group.add_timer(5, never.wait)
        driver.run()
        group.timer_done(timer)

        here.stop_timer(timer)

        assert here.all() == []


class TestByProcess:
    def test_of_two_that_ask_first_one_makes_them(self, monkeypatch) -> None:
        by_process, found = MembersByProcess(3), []
        made = members.Members

        def make_late(*args: Any) -> Any:
            monkeypatch.setattr(members, "Members", made)
            found.append(by_process.here())
            return made(*args)

        monkeypatch.setattr(members, "Members", make_late)

        assert by_process.here() is found[0]
        assert by_process.here() is found[0]

    def test_measuring_a_group_that_has_had_none_makes_none(self) -> None:
        by_process = MembersByProcess(3)

        assert [one.value for one in by_process.readings()] == [3, 0, 0]
        assert not by_process.have_been

    def test_its_size_and_who_runs_and_who_waits_are_measured(
        self, driver, group, never
    ) -> None:
        group._members.here().slots.resize(2)
        for _ in range(3):
            driver.spawn(lambda: group.add_thread(never.wait), name="adds")
        driver.run()

        pool = (("pool", "thread groups"),)
        assert list(group._members.readings()) == [
            (instruments.POOL_SIZE, pool, 2),
            (instruments.POOL_BUSY, pool, 2),
            (instruments.POOL_WAITING, pool, 1),
        ]
