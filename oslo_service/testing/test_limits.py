# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: graceful_shutdown_timeout is kept, whatever stands in the way."""

import functools
import signal

import pytest

from oslo_service.testing.live import UNUSUAL, live

SIGTERM = signal.SIGTERM
unusual = functools.partial(live, program=UNUSUAL)


@pytest.fixture
def limit_of_1(tmp_path) -> list[str]:
    """The command line for a limit of one second."""
    path = tmp_path / "limit.conf"
    path.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n", encoding="ascii")
    return ["--config-file", str(path)]


class TestGil:
    """A stop() that never lets another thread run."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_it_ends_with_status_1_and_shows_its_stacks(
        self, driver_name: str, limit_of_1
    ) -> None:
        with unusual(
            driver_name, workers=self.workers, traits=["GIL"], arguments=limit_of_1
        ) as program:
            started = program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 1
            program.expect_text(" in stop", self.workers)
            if self.workers == 2:
                for event in started:
                    program.expect_text(f"(pid {event['pid']}):\nTimeout (")

    def test_it_ends_without_its_parent_too(self, driver_name, limit_of_1) -> None:
        if self.workers == 1:
            pytest.skip("one process has no parent")
        with unusual(
            driver_name, workers=2, traits=["GIL"], arguments=limit_of_1
        ) as program:
            program.expect("started", 2)
            program.expect("waiting")
            program.kill(signal.SIGKILL)
            program.until(lambda: not program.left(), "the workers end")


def test_a_worker_that_does_not_even_run_is_killed(driver_name, limit_of_1) -> None:
    with unusual(driver_name, workers=2, arguments=limit_of_1) as program:
        pid = program.expect("started", 2)[0]["pid"]
        program.expect("waiting")
        program.kill(signal.SIGSTOP, pid)
        assert program.end() == 1
        program.expect_text(f"Worker {pid} did not end within")
        assert program.expect("last", status=1)


def test_a_successor_starts_though_an_old_worker_hangs(driver_name, limit_of_1) -> None:
    # In its wait(): it is killed, and that makes no difference to the others.
    with live(
        driver_name, workers=2, traits=["hanging wait"], arguments=limit_of_1
    ) as program:
        old = program.expect("started", 2)
        program.expect("waiting")
        program.kill(signal.SIGHUP)
        program.expect("started", 4)
        program.expect_text("still running: wait() of", 2)
        for event in old:
            program.expect_text(f"(pid {event['pid']}) exited with status 1")
            # Both at the same time, and yet not mixed.
            program.expect_text(f"(pid {event['pid']}):\nCurrent thread 0x")
        assert len(program.pids("started")) == 4


def test_a_worker_without_a_parent_shows_its_stacks_itself(
    driver_name, limit_of_1
) -> None:
    with live(
        driver_name, workers=2, traits=["hanging wait"], arguments=limit_of_1
    ) as program:
        program.expect("started", 2)
        program.expect("waiting")
        program.kill(signal.SIGKILL)
        program.until(lambda: not program.left(), "the workers end")
        program.expect_text("(most recent call first)")


@pytest.mark.needs_capability("spawn_workers")
def test_spawned_workers_show_their_stacks_too(driver_name, limit_of_1) -> None:
    with live(
        driver_name,
        workers=2,
        traits=["hanging wait"],
        start_method="spawn",
        arguments=limit_of_1,
    ) as program:
        started = program.expect("started", 2)
        program.expect("waiting")
        assert program.end() == 1
        for event in started:
            program.expect_text(f"(pid {event['pid']}):\nCurrent thread 0x")


def test_a_start_that_hangs_is_ended_too(driver_name, limit_of_1, tmp_path) -> None:
    with live(
        driver_name,
        workers=2,
        traits=["slow start"],
        gate=str(tmp_path / "gate"),
        arguments=limit_of_1,
    ) as program:
        program.expect("start", 2)
        program.expect("waiting")
        assert program.end() == 1
        program.expect_text("after 1 s still running", 2)
