# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: graceful_shutdown_timeout is kept, whatever stands in the way."""

import functools
import os
import re
import signal
import time
from pathlib import Path

import pytest

from oslo_service.testing.http_client import write_options
from oslo_service.testing.live import REPEATED, UNUSUAL, Live, live

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGINT, SIGTERM = signal.SIGHUP, signal.SIGINT, signal.SIGTERM
unusual = functools.partial(live, program=UNUSUAL)


@pytest.fixture
def limit_of_1(tmp_path) -> list[str]:
    """The command line for a limit of one second."""
    path = tmp_path / "limit.conf"
    path.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n", encoding="ascii")
    return ["--config-file", str(path)]


def expect_stacks(program: Live, pid: int) -> None:
    """Wait for the stacks of a worker, in one piece and with its name."""
    pattern = re.compile(rf"\(pid {pid}\):\n(Current t|T)hread 0x")
    program.until(lambda: pattern.search(program.transcript), "its stacks are shown")


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


@pytest.mark.parametrize("workers", [1, 2])
def test_a_limit_that_stands_for_none_is_legal(driver_name, workers, tmp_path) -> None:
    config = write_options(
        tmp_path / "conf", "DEFAULT", graceful_shutdown_timeout=9999999999
    )
    with live(driver_name, workers=workers, arguments=config) as program:
        program.expect("started", workers)
        program.expect("waiting")
        assert program.end() == 0
        program.expect("stop", workers)


def test_a_worker_that_does_not_even_run_is_killed(driver_name, limit_of_1) -> None:
    with unusual(driver_name, workers=2, arguments=limit_of_1) as program:
        pid = program.expect("started", 2)[0]["pid"]
        program.expect("waiting")
        program.kill(signal.SIGSTOP, pid)
        assert program.end() == 1
        program.expect_text(f"(pid {pid}) did not end within")
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
            expect_stacks(program, event["pid"])
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
            expect_stacks(program, event["pid"])


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


def test_there_is_a_second_to_say_at_the_limit_what_still_runs(
    driver_name, limit_of_1
) -> None:
    with unusual(
        driver_name, traits=["hanging wait", "slow log"], arguments=limit_of_1
    ) as program:
        program.expect("started")
        program.expect("waiting")
        assert program.end() == 1
        program.expect_text("after 1 s still running")


def test_a_signal_acts_while_a_subscriber_hangs_already(driver_name: str) -> None:
    with unusual(driver_name, traits=["hanging from the start"]) as program:
        hangs = program.expect("hangs")[0]
        program.until_asleep(hangs["pid"])
        program.kill(SIGTERM)
        program.expect("stop")
        program.until_asleep(hangs["pid"])  # again
        program.kill(SIGINT)
        assert program.wait() == 1


def hold_up(program: Live, workers: int) -> None:
    """Have something of it block as soon as there is something to do.

    Its main thread waits for the launcher by then: what blocks in the place of one
    that does not would hold up no end. And all are known to be ready: what blocked
    for that might do so just as a signal comes, which Python then handles when the
    call is over, or at the next one.
    """
    program.expect("started", workers)
    program.expect("happened", kind="Ready")
    program.until_handled(signal.SIGUSR1, program.pid)
    program.until_waiting()
    program.kill(signal.SIGUSR1)
    program.expect("held up")


class TestHeldUp:
    """A signal acts though the supervisor is inside something that blocks."""

    scenarios = [
        (f"{trait}-{name}", {"trait": trait, "workers": workers})
        for trait in ("full log", "held log lock", "hanging subscriber")
        for name, workers in (("one", 1), ("two", 2))
    ]

    def test_the_services_are_stopped_and_the_limit_is_kept(
        self, driver_name: str, limit_of_1
    ) -> None:
        with unusual(
            driver_name, workers=self.workers, traits=[self.trait], arguments=limit_of_1
        ) as program:
            hold_up(program, self.workers)
            assert program.end() == 1
            assert len(set(program.pids("stop"))) == self.workers
            assert not program.left()

    def test_a_second_sigterm_ends_it_at_once(self, driver_name: str) -> None:
        with unusual(driver_name, workers=self.workers, traits=[self.trait]) as program:
            hold_up(program, self.workers)
            program.kill(SIGTERM)
            program.expect("stop", self.workers)
            time.sleep(REPEATED)
            assert program.end() == 1
            program.until(lambda: not program.left(), "nothing is left")

    def test_sigint_ends_it_at_once(self, driver_name: str) -> None:
        with unusual(driver_name, workers=self.workers, traits=[self.trait]) as program:
            hold_up(program, self.workers)
            assert program.end(SIGINT) == 1
            program.until(lambda: not program.left(), "nothing is left")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sigterm_acts_that_comes_as_something_begins_to_block(
    driver_name: str, limit_of_1, workers: int
) -> None:
    with unusual(
        driver_name,
        workers=workers,
        restart_method="mutate",
        traits=["terminated when told"],
        arguments=limit_of_1,
    ) as program:
        hold_up(program, workers)
        program.kill(SIGHUP)
        assert program.wait() == 1
        assert len(set(program.pids("stop"))) == workers


class TestSlowFile:
    """A configuration file that blocks holds up no end."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    @pytest.mark.parametrize("method", ["reload", "mutate"])
    def test_the_limit_is_kept_though_a_file_cannot_be_read(
        self, driver_name: str, tmp_path: Path, method: str
    ) -> None:
        config = tmp_path / "unusual.conf"
        config.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n")
        with unusual(
            driver_name,
            workers=self.workers,
            restart_method=method,
            arguments=["--config-file", str(config)],
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            config.unlink()
            os.mkfifo(config)
            program.kill(SIGHUP)
            program.until(lambda: is_read(config), "somebody waits for the file")
            program.end()
            program.until(lambda: not program.left(), "nothing is left")


def is_read(fifo: Path) -> bool:
    """Whether somebody has opened it for reading, or is about to."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
