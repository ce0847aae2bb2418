# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How the threads of a group are stopped, with tasks and a clock that a test turns."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oslo_service.testing.scripted import (
    Killed,
    ScriptedDriver,
    ScriptedEvent,
    selected,
)
from oslo_service.testing.waiting import LIMIT
from oslo_service.threadgroup import ThreadGroup, stop_requested

pytestmark = pytest.mark.filterwarnings("ignore:ThreadGroup.cancel:DeprecationWarning")


@pytest.fixture
def driver() -> Iterator[ScriptedDriver]:
    with selected() as driver:
        yield driver


@pytest.fixture
def group(driver: ScriptedDriver) -> ThreadGroup:
    return ThreadGroup()


@pytest.fixture
def release(driver: ScriptedDriver) -> Iterator[ScriptedEvent]:
    """What ends those that being killed does not."""
    event = driver.event()
    yield event
    event.set()


def stubborn(release: ScriptedEvent) -> Callable[[], None]:
    def stay() -> None:
        while not release.is_set():
            try:
                release.wait()
            except Killed:
                continue

    return stay


def add(driver: ScriptedDriver, group: ThreadGroup, call: Callable[[], Any]) -> Any:
    """Return a thread that has begun."""
    thread = group.add_thread(call)
    driver.run()
    return thread


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage() for one in caplog.records if one.levelno == logging.WARNING
    ]


def test_stopping_waits_a_moment_for_all_together_and_names_who_lingers(
    driver, group, release, caplog
) -> None:
    add(driver, group, driver.event().wait)
    lingering = [add(driver, group, stubborn(release)) for _ in range(2)]
    began = driver.now()

    group.stop()

    assert driver.now() - began == pytest.approx(0.1)
    assert warnings(caplog) == [
        f"2 threads were stopped and still run: {lingering[0]!r}, {lingering[1]!r}"
    ]
    assert group.threads == lingering


def test_stopping_takes_no_time_where_all_end(driver, group, caplog) -> None:
    threads = [add(driver, group, driver.event().wait) for _ in range(2)]
    began = driver.now()

    group.stop()

    assert driver.now() == began
    assert all(one.done for one in threads)
    assert warnings(caplog) == []


def test_who_stops_its_own_group_is_asked_and_goes_on(driver, group, caplog) -> None:
    other = add(driver, group, driver.event().wait)

    def stop() -> bool:
        group.stop()
        assert other.done
        driver.sleep(1)
        return stop_requested().is_set()

    began = driver.now()
    caller = add(driver, group, stop)
    driver.advance(1)

    assert caller.wait() is True
    assert driver.now() == began + 1
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


def test_cancelling_prevents_all_that_have_not_begun(driver, group) -> None:
    calls: list[int] = []
    threads = [group.add_thread(calls.append, number) for number in range(3)]

    group.cancel()

    assert all(one.done for one in threads)
    assert group.threads == []
    driver.run()
    assert calls == []


def test_cancelling_stops_what_still_runs_when_its_time_is_over(
    driver, group, release, caplog
) -> None:
    prompt = add(driver, group, lambda: driver.sleep(4))
    others = [add(driver, group, driver.event().wait) for _ in range(2)]
    lingering = add(driver, group, stubborn(release))
    began = driver.now()

    group.cancel(timeout=5)

    assert driver.now() - began == pytest.approx(5.1)
    assert prompt.wait() is None
    assert all(one.done for one in others)
    assert [one.stop_ordered for one in (prompt, *others, lingering)] == [
        False,
        True,
        True,
        True,
    ]
    assert warnings(caplog) == [f"1 threads were stopped and still run: {lingering!r}"]


def test_cancelling_does_not_stop_who_calls_it(driver, group, caplog) -> None:
    def cancel() -> bool:
        group.cancel(timeout=5)
        return stop_requested().is_set()

    caller = add(driver, group, cancel)

    assert caller.wait() is False, "and it has not waited for itself"
    assert warnings(caplog) == []
