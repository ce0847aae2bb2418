# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who waits for a group, for whom, and until when, by a clock that is turned."""

from collections.abc import Callable, Iterator

import pytest

from oslo_service.testing.scripted import Killed, ScriptedDriver, selected
from oslo_service.threadgroup import ThreadGroup

WAYS: dict[str, Callable[[ThreadGroup], None]] = {
    "wait": ThreadGroup.wait,
    "waitall": ThreadGroup.waitall,
    "graceful stop": lambda group: group.stop(graceful=True),
}


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with selected() as driver:
        yield driver


@pytest.fixture
def group(driver: ScriptedDriver) -> ThreadGroup:
    return ThreadGroup()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("times", [(1, 3), (3, 1)])
def test_all_are_waited_for(driver, group, way, times) -> None:
    for seconds in times:
        group.add_thread(driver.sleep, seconds)
    driver.run()

    WAYS[way](group)

    assert driver.now() == 3


def test_calls_of_stopped_timers_are_all_waited_for(driver, group) -> None:
    for seconds in (1, 3):
        group.add_timer(9, driver.sleep, None, seconds)
    driver.run()

    group.stop_timers(wait=True)

    assert driver.now() == 3


@pytest.mark.parametrize(("way", "seconds"), [("wait", 2), ("waitall", 5)])
def test_what_is_added_meanwhile_counts_for_waitall_alone(
    driver, group, way, seconds
) -> None:
    def add() -> None:
        driver.sleep(2)
        group.add_thread(driver.sleep, 3)

    group.add_thread(add)
    driver.run()
    waiting = driver.spawn(lambda: WAYS[way](group), name="waits")
    driver.run()
    driver.advance(seconds - 1)
    assert not waiting.done
    driver.advance(1)
    assert waiting.done


@pytest.mark.parametrize("way", WAYS)
def test_a_member_waits_for_those_alone_that_do_not_wait_themselves(
    driver, group, way
) -> None:
    ended: list[tuple[str, float]] = []

    def wait(name: str) -> None:
        WAYS[way](group)
        ended.append((name, driver.now()))

    group.add_thread(wait, "one")
    group.add_thread(wait, "two")
    group.add_thread(driver.sleep, 4)
    driver.run()
    driver.advance(3)
    assert ended == []

    driver.advance(1)

    assert sorted(ended) == [("one", 4), ("two", 4)]
    assert group._members.here().waits._waiting == set()


@pytest.mark.parametrize("way", WAYS)
def test_nobody_waits_any_more_for_what_was_told_to_end(driver, group, way) -> None:
    release = driver.event()

    def linger() -> None:
        while not release.is_set():
            try:
                release.wait()
            except Killed:
                continue

    thread = group.add_thread(linger)
    driver.run()
    waiting = [driver.spawn(lambda: WAYS[way](group), name="waits") for _ in range(3)]
    driver.run()
    assert not any(one.done for one in waiting)

    group.stop()
    driver.run()

    assert all(one.done for one in waiting)
    assert not thread.done
    release.set()
