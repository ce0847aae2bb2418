# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who waits for whom in a group, with an event that does what a script says."""

import types
from collections.abc import Callable
from typing import Any

import pytest

from oslo_service.groups.waits import GroupWaits


class Change:
    """An event: while it is waited for, the next step of a script is taken."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.up = False

    def set(self) -> None:
        self.up = True

    def clear(self) -> None:
        self.up = False

    def wait(self) -> None:
        assert not self.up, "it spins"
        self.steps.pop(0)()
        assert self.up, "it is not woken"


class Task:
    """Notes what is to be called at its end."""

    def __init__(self, ident: int = 1) -> None:
        self.ident = ident
        self.done = False
        self.end: Callable[[Any], object] = lambda _task: None

    def link(self, callback: Callable[[Any], object], /) -> None:
        self.end = callback


def wait(waits: GroupWaits, task: Task, counts: Any, *steps: Any) -> None:
    change = Change(*steps)
    driver: Any = types.SimpleNamespace(event=lambda: change)
    waits.wait_while(driver, task, counts)
    assert change.steps == []


def test_who_waits_within_a_wait_still_waits_after_the_inner_one() -> None:
    waits, task = GroupWaits(), Task(1)
    assert not waits.holds(task)
    with waits.by(1):
        with waits.by(1), waits.by(2):
            assert waits.holds(task)
            assert waits.holds(Task(2))
        assert waits.holds(task)
        assert not waits.holds(Task(2))
    assert not waits.holds(task)


def test_who_waits_for_a_member_looks_again_at_each_change_until_it_ends() -> None:
    waits, task = GroupWaits(), Task()

    def end() -> None:
        task.done = True
        task.end(task)

    wait(waits, task, lambda: not task.done, waits.notify, waits.notify, end)


def test_who_waits_for_a_member_is_told_that_that_one_waits_for_the_group() -> None:
    waits, task = GroupWaits(), Task(1)
    held = waits.by(1)
    wait(waits, task, lambda: not waits.holds(task), held.__enter__)
    held.__exit__(None, None, None)


def test_who_has_waited_is_told_nothing_more() -> None:
    waits = GroupWaits()
    wait(waits, Task(), lambda: False)
    assert waits._watchers == []


def test_who_is_killed_while_it_waits_waits_no_more() -> None:
    waits, task = GroupWaits(), Task(1)

    def kill() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), waits.by(1):
        wait(waits, Task(2), lambda: True, kill)

    assert not waits.holds(task)
    assert waits._watchers == []


def test_all_are_told_though_the_first_of_them_has_gone_at_once() -> None:
    waits, told = GroupWaits(), []

    class Going(Change):
        def set(self) -> None:
            told.append(self)
            waits._watchers.remove(self)  # type: ignore[arg-type]

    watchers: list[Any] = [Going(), Going()]
    waits._watchers.extend(watchers)
    waits.notify()

    assert told == watchers
