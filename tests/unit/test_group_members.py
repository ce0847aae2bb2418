# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The members of a group: what is counted, and when; tasks go on as the test says."""

import threading
from typing import Any

import pytest

from oslo_service._common import instruments, naming
from oslo_service.groups import members
from oslo_service.groups.members import MembersByProcess
from oslo_service.loopingcall import FixedIntervalLoopingCall
from oslo_service.testing.scripted import ScriptedDriver, ScriptedEvent
from oslo_service.testing.waiting import LIMIT
from oslo_service.threadgroup import ThreadGroup


@pytest.fixture
def group(scripted: ScriptedDriver) -> ThreadGroup:
    """A group of one slot."""
    return ThreadGroup(1)


@pytest.fixture
def never(scripted: ScriptedDriver) -> ScriptedEvent:
    return scripted.event()


def taken(group: ThreadGroup) -> int:
    return group._members.here().slots.taken


class TestSlots:
    def test_one_that_cannot_be_spawned_gives_its_slot_back(
        self, scripted, group
    ) -> None:
        scripted.room = 0
        with pytest.raises(RuntimeError, match="no room"):
            group.add_thread(int)
        assert group.threads == []
        assert taken(group) == 0

        scripted.room = None
        assert not group.add_thread(int).done
        assert taken(group) == 1

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_so_does_one_whose_spawning_is_interrupted(
        self, scripted, group, monkeypatch, error
    ) -> None:
        def spawn(call: Any, *, name: str) -> Any:
            raise error

        monkeypatch.setattr(scripted, "spawn", spawn)
        with pytest.raises(error):
            group.add_thread(int)

        assert taken(group) == 0

    def test_one_that_has_ended_when_it_is_spawned_is_not_in_the_list(
        self, scripted, group, monkeypatch
    ) -> None:
        spawn = scripted.spawn

        def spawn_and_run(call: Any, *, name: str) -> Any:
            task = spawn(call, name=name)
            scripted.run()
            return task

        monkeypatch.setattr(scripted, "spawn", spawn_and_run)

        assert group.add_thread(int).done
        assert group.threads == []
        assert taken(group) == 0

    def test_one_that_is_taken_out_gives_its_slot_back_once(
        self, scripted, group, never
    ) -> None:
        thread = group.add_thread(never.wait)
        scripted.run()

        for _ in range(2):
            group.thread_done(thread)
            assert taken(group) == 0

        never.set()
        scripted.run()
        assert thread.done
        assert taken(group) == 0

    def test_a_timer_that_was_stopped_still_waits_for_none(
        self, scripted, group, never
    ) -> None:
        idents: list[tuple[int, int]] = []

        def tick() -> None:
            never.wait()
            inner = group.add_thread(scripted.current_ident)
            idents.append((inner.wait(), scripted.current_ident()))

        group.add_timer(5, tick)
        group.add_thread(scripted.event().wait)
        scripted.run()
        group.stop_timers()
        never.set()
        scripted.run()

        assert len(idents) == 1
        assert idents[0][0] == idents[0][1]

    def test_a_thread_of_another_making_waits_for_none(
        self, scripted, group, never
    ) -> None:
        group.add_thread(never.wait)
        scripted.run()
        idents: list[int] = []
        listed = threading.Event()

        def add() -> None:
            listed.wait(LIMIT)
            group.add_thread(lambda: idents.append(scripted.current_ident()))

        foreign = threading.Thread(target=add, daemon=True)
        foreign.start()
        group.threads.append(foreign)  # type: ignore[arg-type]
        listed.set()
        foreign.join(LIMIT)

        assert idents == [foreign.ident]


class TestNames:
    def test_what_fails_is_named_in_the_log(self, scripted, group, caplog) -> None:
        def fail() -> None:
            raise ValueError

        inner: list[Any] = []
        group.add_thread(lambda: inner.append(group.add_thread(fail)))
        scripted.run()
        other = group.add_thread(fail)
        scripted.run()

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
    def test_one_that_cannot_start_is_forgotten(self, scripted, group) -> None:
        scripted.room = 0
        with pytest.raises(RuntimeError, match="no room"):
            group.add_timer(5, int)

        here = group._members.here()
        assert here.all() == []
        assert here._starting == set()

    def test_those_that_were_stopped_are_kept_only_while_they_run(
        self, scripted, group, never
    ) -> None:
        here = group._members.here()
        busy = group.add_timer(5, never.wait)
        scripted.run()
        idle = group.add_timer(5, int, 5)
        fresh = FixedIntervalLoopingCall(int)
        here.timers.append(fresh)

        group.stop_timers()

        assert group.timers == []
        assert here.all() == [busy, idle], "one that has never begun is gone"
        never.set()
        scripted.run()
        assert here.all() == []

    def test_one_that_is_taken_out_and_then_stopped_is_not_kept(
        self, scripted, group, never
    ) -> None:
        here = group._members.here()
        timer = group.add_timer(5, never.wait)
        scripted.run()
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
        self, scripted, group, never
    ) -> None:
        group._members.here().slots.resize(2)
        for _ in range(3):
            scripted.spawn(lambda: group.add_thread(never.wait), name="adds")
        scripted.run()

        pool = (("pool", "thread groups"),)
        assert list(group._members.readings()) == [
            (instruments.POOL_SIZE, pool, 2),
            (instruments.POOL_BUSY, pool, 2),
            (instruments.POOL_WAITING, pool, 1),
        ]
