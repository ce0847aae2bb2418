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
from oslo_service.testing.waiting import LIMIT, in_time, run_script, until


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

    @pytest.mark.parametrize("count", [1, 2])
    def test_those_that_wait_for_their_group_at_once_do_not_wait_in_a_circle(
        self, driver: Driver, group: OwnThreads, count: int
    ) -> None:
        listed, waiting = threading.Event(), threading.Barrier(count + 1)

        def wait() -> None:
            listed.wait(LIMIT)
            waiting.wait(LIMIT)
            group.wait()

        threads = [group.add_thread(wait) for _ in range(count)]
        member = threadgroup.ThreadGroup.add_thread(group, wait)
        listed.set()

        in_time(driver, member.wait, "a member does not wait for those that wait")
        until(
            driver,
            lambda: not any(one.is_alive() for one in threads),
            "nor do they for each other",
        )

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


WAITING = """
import sys, threading
from oslo_service import backend, threadgroup
backend.init_backend(sys.argv[1])
driver = backend.get_backend()
group = threadgroup.ThreadGroup()
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
group.threads.append(thread)
driver.spawn(group.wait, name="waits")
def is_watched():
    others = [one for one in threading.enumerate() if one is not thread]
    return any(thread.name in one.name and one.is_alive() for one in others)
while not is_watched():
    driver.sleep(0.01)
print("the end")
"""


class TestInAProcess:
    def test_a_program_whose_group_waits_for_one_is_not_held_up(
        self, driver_name: str
    ) -> None:
        result = run_script(WAITING, driver_name)

        assert (result.returncode, result.stdout) == (0, "the end\n"), result.stderr


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
