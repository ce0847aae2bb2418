# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What groups owe to projects that add threads of their own making to them."""

import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oslo_service import threadgroup
from oslo_service._common import deprecation
from oslo_service._common.fork_safety import Inherited
from oslo_service.backend.base import Driver
from oslo_service.testing.waiting import LIMIT, in_time, until


class OwnThreads(threadgroup.ThreadGroup):
    """A group whose threads are Python's: so does heat's."""

    def add_thread(self, callback: Any, *args: Any, **kwargs: Any) -> Any:
        thread = threading.Thread(
            target=callback, args=args, kwargs=kwargs, daemon=True
        )
        with self._lock:
            thread.start()
            self.threads.append(thread)  # type: ignore[arg-type]
        return thread


@pytest.fixture
def group() -> OwnThreads:
    return OwnThreads()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """An event that is set at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


class TestThreadsOfOthers:
    def test_one_that_runs_is_in_the_list(
        self, driver: Driver, group: OwnThreads, release: threading.Event
    ) -> None:
        del driver
        thread = group.add_thread(release.wait, LIMIT)

        assert group.threads == [thread]

    def test_one_that_has_ended_leaves_the_list(
        self, driver: Driver, group: OwnThreads
    ) -> None:
        group.add_thread(int)

        until(driver, lambda: not group.threads, "it is not in the list any more")

    @pytest.mark.parametrize(
        "wait",
        [
            OwnThreads.wait,
            OwnThreads.waitall,
            functools.partial(OwnThreads.stop, graceful=True),
        ],
        ids=["wait", "waitall", "graceful stop"],
    )
    def test_the_group_waits_for_them(
        self,
        driver: Driver,
        group: OwnThreads,
        release: threading.Event,
        wait: Callable[[OwnThreads], None],
    ) -> None:
        thread = group.add_thread(release.wait, LIMIT)
        waiting = driver.spawn(functools.partial(wait, group), name="waiting")
        with pytest.raises(TimeoutError):
            waiting.wait(0.05)

        release.set()

        in_time(driver, waiting.wait, "the group waits no longer")
        assert not thread.is_alive()

    def test_a_stop_lets_them_go_and_says_so(
        self,
        driver: Driver,
        group: OwnThreads,
        release: threading.Event,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        thread = group.add_thread(release.wait, LIMIT)
        group.stop()

        assert group.threads == []
        in_time(driver, group.wait, "the group does not wait for what it let go")
        assert thread.is_alive()
        assert thread.name in caplog.text

    def test_one_may_wait_for_its_own_group(
        self, driver: Driver, group: OwnThreads
    ) -> None:
        listed = threading.Event()

        def wait() -> None:
            listed.wait(LIMIT)
            group.wait()

        thread = group.add_thread(wait)
        listed.set()

        until(driver, lambda: not thread.is_alive(), "it does not wait for itself")

    def test_cancelling_the_group_leaves_them_alone(
        self,
        driver: Driver,
        group: OwnThreads,
        release: threading.Event,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        del driver
        thread = group.add_thread(release.wait, LIMIT)
        monkeypatch.setattr(
            deprecation, "_warned", Inherited(lambda: {"ThreadGroup.cancel()"})
        )
        group.cancel(timeout=0.0)

        assert group.threads == [thread]


class TestTimersThatCannotTick:
    def test_a_timer_without_a_function_is_reported_and_stays_until_it_is_stopped(
        self, driver: Driver, group: OwnThreads, caplog: pytest.LogCaptureFixture
    ) -> None:
        timer = group.add_timer(10, "no function")  # type: ignore[arg-type]

        assert group.timers == [timer]
        assert "'no function' cannot be called" in caplog.text
        in_time(driver, group.wait, "nobody waits for what does not run")

        group.stop_timers()
        assert group.timers == []

    def test_a_stop_takes_it_out_too(self, driver: Driver, group: OwnThreads) -> None:
        group.add_dynamic_timer("no function")  # type: ignore[arg-type]

        in_time(driver, lambda: group.stop(graceful=True), "the group stops")
        assert group.timers == []
