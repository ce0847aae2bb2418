# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a pool learns of its workers and tells of them, with workers on paper."""

import types
from typing import Any

import pytest

from oslo_service import events
from oslo_service._common import memory
from oslo_service.supervisor.workers import actions, stack_dumps
from oslo_service.supervisor.workers.inspection import Inspection
from oslo_service.supervisor.workers.slots import Slot, Worker


class Stacks:
    """What a worker has left: its stacks, and what it has failed of."""

    def __init__(self, text: str = "", error: str = "") -> None:
        self._text, self._error = text, error

    def text(self) -> str:
        return self._text

    def error(self) -> str:
        return self._error


class World:
    """One who looks into two workers, and all around it."""

    def __init__(self) -> None:
        slots = [Slot("api", index) for index in range(2)]
        self.first, self.second = [
            Worker(number, slot, 0, 1000.0) for number, slot in enumerate(slots, 1)
        ]
        self.processes: Any = {
            worker: types.SimpleNamespace(pid=pid, reported=False, stacks=Stacks())
            for worker, pid in ((self.first, 11), (self.second, 12))
        }
        self.told: list[Any] = []
        self.sizes: list[tuple[Worker, int]] = []
        self.overdue: list[Worker] = []
        self.adopted: list[bool] = []
        state: Any = types.SimpleNamespace(
            measured=lambda worker, size: self.sizes.append((worker, size)),
            overdue=self.overdue.append,
        )
        settings: Any = types.SimpleNamespace(adopt=lambda: self.adopted.append(True))
        self.inspection = Inspection(state, self.processes, settings, self.told.append)

    def leaves(self, text: str = "", error: str = "") -> None:
        """Have the first worker leave something."""
        self.processes[self.first].stacks = Stacks(text, error)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whose stacks were asked for."""
    pids: list[int] = []
    monkeypatch.setattr(stack_dumps, "request_stacks", pids.append)
    monkeypatch.setattr(stack_dumps, "describe", lambda pid: f"threads of {pid}")
    return pids


def test_who_hangs_is_asked_for_its_stacks_unless_it_has_left_them(
    world, asked
) -> None:
    world.inspection.do(actions.TakeStacks(world.first))
    world.second.failure = "resize takes longer than 3 s"
    world.inspection.do(actions.TakeStacks(world.second))
    assert asked == [11]


def test_it_is_reported_once_with_its_stacks(world, asked) -> None:
    world.leaves("File main.py")
    world.first.silence = 8.5
    for _ in range(2):
        world.inspection.do(actions.ReportHung(world.first))
    (event,) = world.told
    assert isinstance(event, events.WorkerHung)
    assert (event.service, event.worker, event.pid) == ("api", 0, 11)
    assert (event.seconds, event.work, event.stacks) == (8.5, "", "File main.py")
    assert world.first.failure == "hung"


def test_where_it_has_left_none_the_system_says_where_it_is(world, asked) -> None:
    world.leaves(error="resize takes longer than 3 s")
    world.inspection.take_overdue(world.first)
    assert world.overdue == [world.first]
    world.inspection.report_hung(world.first)
    (event,) = world.told
    assert event.stacks == "threads of 11"
    assert event.work == "resize takes longer than 3 s"
    assert world.first.failure == "resize takes longer than 3 s"


@pytest.mark.parametrize(
    ("left", "before", "status", "failure"),
    [
        ("ValueError: no", "not ready after 5 s", 1, "ValueError: no"),
        ("", "not ready after 5 s", 1, "not ready after 5 s"),
        ("", "", 3, "worker exited with status 3"),
    ],
)
def test_what_it_has_failed_of_is_kept_for_its_slot(
    world, left, before, status, failure
) -> None:
    world.leaves(error=left)
    world.first.failure = before
    process = world.processes[world.first]
    assert world.inspection.conclude(world.first, process, status) == left
    assert world.first.failure == world.first.slot.failure == failure
    assert world.told == []


def test_one_that_ends_before_it_was_reported_to_hang_is_reported(world, asked) -> None:
    world.first.hung = True
    world.inspection.conclude(world.first, world.processes[world.first], -9)
    (event,) = world.told
    assert isinstance(event, events.WorkerHung)


def test_those_whose_size_is_known_are_measured(world, monkeypatch) -> None:
    monkeypatch.setattr(memory, "pss", {11: None, 12: 7000}.get)
    world.inspection.do(actions.Measure())
    assert world.sizes == [(world.second, 7000)]


def test_what_becomes_of_a_reload_is_told(world) -> None:
    world.inspection.do(actions.Adopt())
    assert world.adopted == [True]
    world.inspection.do(actions.ReportLate(world.second, 5.0))
    world.inspection.do(actions.ReportRollFailed(world.second))
    late, failed = world.told
    assert isinstance(late, events.StartTimedOut)
    assert isinstance(failed, events.ReloadFailed)
    assert str(failed.error) == "worker 1 of api: not ready after 5 s"
    assert failed.rolled_back
