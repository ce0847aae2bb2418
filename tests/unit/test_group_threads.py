# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A thread of a group by itself: tasks begin, and go on, when the test says so."""

import types
from collections.abc import Iterator
from typing import Any

import pytest

from oslo_service.groups.thread import Thread, run
from oslo_service.loops.stopping import stop_requested
from oslo_service.testing.scripted import ScriptedDriver


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with ScriptedDriver() as driver:
        yield driver


@pytest.fixture
def ended() -> list[Thread]:
    """Who has left the group."""
    return []


@pytest.fixture
def group(driver: ScriptedDriver, ended: list[Thread]) -> Any:
    return types.SimpleNamespace(_driver=lambda: driver, thread_done=ended.append)


def test_one_of_others_making_needs_only_a_task_and_its_group(
    driver, group, ended
) -> None:
    thread = Thread(driver.spawn(lambda: 7, name="task"), group)
    assert not thread.stop_ordered
    driver.run()
    assert thread.wait() == 7
    assert ended == [thread]


def test_it_leaves_its_group_where_it_is_linked_to_it(driver, group, ended) -> None:
    event = driver.event()
    ways: list[dict[str, Any]] = [
        {"driver": driver, "stopping": event},
        {"link": False},
    ]
    threads = [
        Thread(driver.spawn(lambda: None, name="task"), group, **way) for way in ways
    ]
    driver.run()
    assert ended == threads[:1]
    event.set()
    assert [one.stop_ordered for one in threads] == [True, False]


def test_a_call_that_is_made_within_another_leaves_that_as_it_was(
    driver, group, ended
) -> None:
    callers: set[int] = set()
    outer, inner = Thread(None, group), Thread(None, group)

    def make_inner_call() -> None:
        assert stop_requested() is inner._stopping

    def make_outer_call() -> None:
        driver.sleep(5)
        run(inner, make_inner_call, "inner", callers)
        assert stop_requested() is outer._stopping
        assert callers == {driver.current_ident()}

    began = driver.now()
    outer.thread = driver.spawn(
        lambda: run(outer, make_outer_call, "outer", callers), name="outer"
    )
    driver.run()
    assert callers
    driver.advance(5)
    outer.wait()
    assert ended == [inner, outer]
    assert callers == set()
    assert (outer.began, inner.began) == (began, began + 5)


def test_one_that_has_not_begun_is_prevented_and_one_that_has_is_killed(
    driver, group, ended
) -> None:
    waiting = driver.event()
    begun = Thread(driver.spawn(waiting.wait, name="begun"), group)
    driver.run()
    fresh = Thread(driver.spawn(waiting.wait, name="fresh"), group, link=False)
    for one in (fresh, begun):
        one.stop()
        assert one.stop_ordered
    assert ended == [fresh], "what never runs leaves at once"
    assert not begun.done
    driver.run()
    assert begun.done
    assert ended == [fresh, begun]


def test_who_cancels_one_is_told_whether_it_was_prevented(driver, group) -> None:
    waiting = driver.event()
    begun = Thread(driver.spawn(waiting.wait, name="begun"), group)
    driver.run()
    fresh = Thread(driver.spawn(waiting.wait, name="fresh"), group)

    assert fresh.cancel() is True
    assert begun.cancel() is False
    assert (fresh.done, begun.done) == (True, False)


def test_one_that_cannot_be_killed_is_only_asked(driver, group) -> None:
    weak = types.SimpleNamespace(
        event=driver.event, capabilities=types.SimpleNamespace(kill_tasks=False)
    )
    waiting = driver.event()
    thread = Thread(driver.spawn(waiting.wait, name="task"), group, driver=weak)
    driver.run()
    thread.stop()
    driver.run()
    assert thread.stop_ordered
    assert not thread.done
    waiting.set()
    driver.run()
    assert thread.wait() is True
