# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who waits for a group, for whom, and until when, by a clock that is turned."""

from collections.abc import Callable

import pytest

from oslo_service.testing.scripted import ScriptedDriver
from oslo_service.threadgroup import ThreadGroup

WAYS: dict[str, Callable[[ThreadGroup], None]] = {
    "wait": ThreadGroup.wait,
    "waitall": ThreadGroup.waitall,
    "graceful stop": lambda group: group.stop(graceful=True),
}


@pytest.fixture
def group(scripted: ScriptedDriver) -> ThreadGroup:
    return ThreadGroup()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("times", [(1, 3), (3, 1)])
def test_all_are_waited_for(scripted, group, way, times) -> None:
    for seconds in times:
        group.add_thread(scripted.sleep, seconds)
    scripted.run()

    WAYS[way](group)

    assert scripted.now() == 3


def test_calls_of_stopped_timers_are_all_waited_for(scripted, group) -> None:
    for seconds in (1, 3):
        group.add_timer(9, scripted.sleep, None, seconds)
    scripted.run()

    group.stop_timers(wait=True)

    assert scripted.now() == 3


@pytest.mark.parametrize(("way", "seconds"), [("wait", 2), ("waitall", 5)])
def test_what_is_added_meanwhile_counts_for_waitall_alone(
    scripted, group, way, seconds
) -> None:
    def add() -> None:
        scripted.sleep(2)
        group.add_thread(scripted.sleep, 3)

    group.add_thread(add)
    scripted.run()
    waiting = scripted.spawn(lambda: WAYS[way](group), name="waits")
    scripted.run()
    scripted.advance(seconds - 1)
    assert not waiting.done
    scripted.advance(1)
    assert waiting.done


@pytest.mark.parametrize("way", WAYS)
def test_a_member_waits_for_those_alone_that_do_not_wait_themselves(
    scripted, group, way
) -> None:
    ended: list[tuple[str, float]] = []

    def wait(name: str) -> None:
        WAYS[way](group)
        ended.append((name, scripted.now()))

    group.add_thread(wait, "one")
    group.add_thread(wait, "two")
    group.add_thread(scripted.sleep, 4)
    scripted.run()
    scripted.advance(3)
    assert ended == []

    scripted.advance(1)

    assert sorted(ended) == [("one", 4), ("two", 4)]
    assert group._members.here().waits._waiting == set()


@pytest.mark.parametrize("way", WAYS)
def test_nobody_waits_any_more_for_what_was_told_to_end(
    scripted, group, stubborn, way
) -> None:
    thread = group.add_thread(stubborn)
    scripted.run()
    waiting = [scripted.spawn(lambda: WAYS[way](group), name="waits") for _ in range(3)]
    scripted.run()
    assert not any(one.done for one in waiting)

    group.stop()
    scripted.run()

    assert all(one.done for one in waiting)
    assert not thread.done
