# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How the threads of a group are stopped, with tasks and a clock that a test turns."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from oslo_service.testing.scripted import (
    ScriptedDriver,
)
from oslo_service.testing.waiting import LIMIT
from oslo_service.threadgroup import ThreadGroup, stop_requested

pytestmark = pytest.mark.filterwarnings("ignore:ThreadGroup.cancel:DeprecationWarning")


@pytest.fixture
def group(scripted: ScriptedDriver) -> ThreadGroup:
    return ThreadGroup()


def add(scripted: ScriptedDriver, group: ThreadGroup, call: Callable[[], Any]) -> Any:
    """Return a thread that has begun."""
    thread = group.add_thread(call)
    scripted.run()
    return thread


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage() for one in caplog.records if one.levelno == logging.WARNING
    ]


def test_stopping_waits_a_moment_for_all_together_and_names_who_lingers(
    scripted, group, stubborn, caplog
) -> None:
    add(scripted, group, scripted.event().wait)
    lingering = [add(scripted, group, stubborn) for _ in range(2)]
    began = scripted.now()

    group.stop()

    assert scripted.now() - began == pytest.approx(0.1)
    assert warnings(caplog) == [
        f"2 threads were stopped and still run: {lingering[0]!r}, {lingering[1]!r}"
    ]
    assert group.threads == lingering


def test_stopping_takes_no_time_where_all_end(scripted, group, caplog) -> None:
    threads = [add(scripted, group, scripted.event().wait) for _ in range(2)]
    began = scripted.now()

    group.stop()

    assert scripted.now() == began
    assert all(one.done for one in threads)
    assert warnings(caplog) == []


def test_who_stops_its_own_group_is_asked_and_goes_on(scripted, group, caplog) -> None:
    other = add(scripted, group, scripted.event().wait)

    def stop() -> bool:
        group.stop()
        assert other.done
        scripted.sleep(1)
        return stop_requested().is_set()

    began = scripted.now()
    caller = add(scripted, group, stop)
    scripted.advance(1)

    assert caller.wait() is True
    assert scripted.now() == began + 1
    assert warnings(caplog) == [], "who calls is not one of those that linger"


def test_stopping_forgets_the_threads_of_others_and_names_them(group, caplog) -> None:
    over = threading.Event()
    foreign = [
        threading.Thread(target=over.wait, args=[LIMIT], name=name, daemon=True)
        for name in ("one", "two")
    ]
    for one in foreign:
        one.start()
        group.threads.append(one)

    group.stop()

    assert group.threads == []
    assert warnings(caplog) == [
        "Threads that the group cannot stop keep running: one, two"
    ]
    over.set()
    for one in foreign:
        one.join(LIMIT)


def test_cancelling_prevents_all_that_have_not_begun(scripted, group) -> None:
    calls: list[int] = []
    threads = [group.add_thread(calls.append, number) for number in range(3)]

    group.cancel()

    assert all(one.done for one in threads)
    assert group.threads == []
    scripted.run()
    assert calls == []


def test_cancelling_stops_what_still_runs_when_its_time_is_over(
    scripted, group, stubborn, caplog
) -> None:
    prompt = add(scripted, group, lambda: scripted.sleep(4))
    others = [add(scripted, group, scripted.event().wait) for _ in range(2)]
    lingering = add(scripted, group, stubborn)
    began = scripted.now()

    group.cancel(timeout=5)

    assert scripted.now() - began == pytest.approx(5.1)
    assert prompt.wait() is None
    assert all(one.done for one in others)
    assert [one.stop_ordered for one in (prompt, *others, lingering)] == [
        False,
        True,
        True,
        True,
    ]
    assert warnings(caplog) == [f"1 threads were stopped and still run: {lingering!r}"]


def test_cancelling_does_not_stop_who_calls_it(scripted, group, caplog) -> None:
    def cancel() -> bool:
        group.cancel(timeout=5)
        return stop_requested().is_set()

    caller = add(scripted, group, cancel)

    assert caller.wait() is False, "and it has not waited for itself"
    assert warnings(caplog) == []
