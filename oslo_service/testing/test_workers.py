# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: workers are kept alive, and never outlive their parent."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from oslo_service.testing.live import UNUSUAL, Live, children, is_alive, live

pytestmark = pytest.mark.starts_processes

SIGKILL = signal.SIGKILL


def start(program: Live, workers: int) -> list[int]:
    """Wait until so many workers have started, and give their pids."""
    program.expect("waiting")
    return [event["pid"] for event in program.expect("started", workers)]


class TestReplacing:
    """A worker that dies is replaced."""

    def test_one_that_is_killed_is_replaced(self, driver_name: str) -> None:
        with live(driver_name, workers=3) as program:
            pids = start(program, 3)
            program.kill(SIGKILL, pids[0])
            program.expect("started", 4)
            assert pids[0] not in children(program.pid)
            assert len(children(program.pid)) == 3
            assert program.end() == 0

    def test_all_that_are_killed_are_replaced(self, driver_name: str) -> None:
        with live(driver_name, workers=3) as program:
            for pid in start(program, 3):
                program.kill(SIGKILL, pid)
            program.expect("started", 6)
            assert program.end() == 0
            assert program.expect("last", status=0)

    def test_neither_descriptors_nor_processes_grow(self, driver_name: str) -> None:
        with live(driver_name, workers=2) as program:
            start(program, 2)
            descriptors = None
            for round_ in range(100):
                for pid in children(program.pid):
                    program.kill(SIGKILL, pid)
                program.expect("started", 4 + 2 * round_)
                if round_ == 5:
                    # Not before it watches those that it has just started.
                    program.until_asleep(program.pid)
                    descriptors = self.descriptors(program)
            program.until(
                lambda: self.descriptors(program) == descriptors, "no more descriptors"
            )
            assert len(children(program.pid)) == 2
            assert program.end() == 0

    @staticmethod
    def descriptors(program: Live) -> int:
        return len(list(Path(f"/proc/{program.pid}/fd").iterdir()))

    def test_it_works_where_there_are_no_pidfds(self, driver_name: str) -> None:
        with live(driver_name, workers=2, traits=["no pidfd"], fresh=True) as program:
            pids = start(program, 2)
            program.kill(SIGKILL, pids[0])
            program.expect("started", 3)
            assert program.end() == 0

    def test_orphans_stop_where_there_are_no_pidfds(self, driver_name: str) -> None:
        with live(driver_name, workers=2, traits=["no pidfd"], fresh=True) as program:
            start(program, 2)
            program.kill(SIGKILL)
            program.until(lambda: not program.left(), "the workers end")
            assert len(program.stopped(2)) == 2


class TestCrashLoop:
    """A worker that dies at its start is throttled, and holds up nobody."""

    @pytest.mark.parametrize("trait", ["failing start", "exiting start"])
    def test_it_is_throttled_and_the_parent_can_be_stopped(
        self, driver_name: str, trait: str
    ) -> None:
        with live(driver_name, workers=2, traits=[trait]) as program:
            program.expect("waiting")
            program.expect_text("ended 3 times in a row at its start", 2)
            # A worker that is just failing when it is told to stop counts.
            program.expect_text("started again in 3.2 s", 2)
            assert program.end() == 0
            assert program.expect("last", status=0)

    def test_other_workers_go_on(self, driver_name: str) -> None:
        with live(driver_name, traits=["several", "failing start"]) as program:
            program.expect("waiting")
            program.expect_text("ended 3 times in a row at its start", 2)
            inner = program.pids("start", name="inner")
            assert len(inner) == 1
            program.kill(SIGKILL, inner[0])
            program.expect("start", 2, name="inner")
            # A worker that is just failing when it is told to stop counts.
            program.expect_text("started again in 3.2 s", 2)
            assert program.end() == 0


class TestRestartLimit:
    """What cannot be kept up is given up, where the configuration says so."""

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> list[str]:
        config = tmp_path / "daemon.conf"
        config.write_text("[oslo_service]\nrestart_limit = 2\n")
        return ["--config-file", str(config)]

    @pytest.mark.parametrize(
        ("trait", "error"),
        [
            ("failing start", "RuntimeError: start fails as asked"),
            ("exiting start", "worker exited with status 3"),
        ],
    )
    def test_it_ends_with_status_1_and_the_last_error_in_the_last_line(
        self, driver_name: str, trait: str, error: str, arguments: list[str]
    ) -> None:
        with live(
            driver_name, traits=["several", trait], arguments=arguments
        ) as program:
            assert program.wait() == 1, program.transcript
            program.expect("last", status=1)
            program.expect("stop", name="inner")  # in order
            lines = program.transcript.splitlines()
            *_, last = (line for line in lines if line.startswith(("INFO", "ERROR")))
            assert last.endswith(f"; the last error: {error}")
            assert not program.left()

    def test_one_healthy_slot_keeps_it_up(self, driver_name, arguments) -> None:
        with live(driver_name, workers=2, arguments=arguments) as program:
            start(program, 2)
            for count in range(3, 8):
                program.kill(SIGKILL, program.pids("started")[-1])
                program.expect("started", count)
            assert program.end() == 0


class TestResizing:
    """Two signals add a worker, and take one."""

    def test_they_do_until_one_is_left(self, driver_name: str) -> None:
        with live(driver_name, workers=2) as program:
            first, _ = start(program, 2)
            program.kill(signal.SIGTTIN)
            program.expect("started", 3)
            program.kill(signal.SIGHUP)
            program.expect("started", 6)
            program.until(lambda: len(children(program.pid)) == 3, "there are three")
            assert first not in children(program.pid)
            program.kill(signal.SIGTTOU)
            program.until(lambda: len(children(program.pid)) == 2, "there are two")
            program.kill(signal.SIGTTOU)
            program.until(lambda: len(children(program.pid)) == 1, "there is one")
            program.kill(signal.SIGTTOU)
            program.expect_text("unless there is only one", 3)
            assert len(children(program.pid)) == 1
            assert program.end() == 0
            assert len(program.events("started")) == 6

    def test_a_worker_does_not_mind_them(self, driver_name: str) -> None:
        with live(driver_name, workers=2) as program:
            start(program, 2)
            program.kill_group(signal.SIGTTIN)
            program.kill_group(signal.SIGTTOU)
            program.expect_text("one worker less")
            assert program.end() == 0


class TestFamily:
    """Parents, workers, and their other children."""

    def test_workers_stop_when_their_parent_is_killed(self, driver_name: str) -> None:
        with live(driver_name, workers=3) as program:
            start(program, 3)
            program.kill(SIGKILL)
            program.until(lambda: not program.left(), "the workers end")
            assert len(program.stopped(3)) == 3

    @pytest.mark.parametrize("trait", ["hanging stop", "spinning stop", "hanging wait"])
    def test_orphans_keep_their_limit(self, driver_name, trait, tmp_path) -> None:
        config = tmp_path / "daemon.conf"
        config.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n")
        with live(
            driver_name,
            workers=2,
            traits=[trait],
            arguments=["--config-file", str(config)],
        ) as program:
            start(program, 2)
            program.kill(SIGKILL)
            program.until(lambda: not program.left(), "the workers end")
            program.expect_text("still running: ", 2)

    def test_helper_processes_of_a_worker_are_left_alone(self, driver_name) -> None:
        with live(driver_name, workers=2, traits=["helper"]) as program:
            pids = start(program, 2)
            helpers = {
                event["pid"]: event["helper"] for event in program.events("helper")
            }
            # The helper holds the worker's descriptors open, if any leaked.
            program.kill(SIGKILL, pids[0])
            program.expect("started", 3)
            program.kill(signal.SIGHUP)
            program.expect("started", 5)
            assert all(is_alive(helper) for helper in helpers.values())
            program.kill(signal.SIGTERM)
            assert program.wait() == 0

    @pytest.fixture
    def forked_as_it_writes(self, driver_name: str) -> Iterator[Live]:
        """A program whose workers are forked while a thread of the parent writes."""
        with live(
            driver_name, workers=2, program=UNUSUAL, traits=["writing thread"]
        ) as program:
            program.expect("wrote", 2)
            yield program

    def test_they_write_where_a_thread_of_the_parent_does_as_they_are_forked(
        self, forked_as_it_writes: Live
    ) -> None:
        assert forked_as_it_writes.end() == 0

    @pytest.mark.needs_capability("parallel")
    def test_the_threads_that_they_do_not_have_are_named_once(
        self, forked_as_it_writes: Live
    ) -> None:
        named = "forked while other threads run"
        forked_as_it_writes.expect_text(named)
        assert forked_as_it_writes.end() == 0
        assert forked_as_it_writes.transcript.count(named) == 1

    def test_the_parent_reaps_only_its_own_workers(self, driver_name: str) -> None:
        with live(driver_name, workers=2, traits=["own child"]) as program:
            pids = start(program, 2)
            program.kill(SIGKILL, pids[0])
            program.expect("started", 3)
            program.kill(signal.SIGUSR2)
            assert program.expect("child")[0]["status"] == 7
            assert program.end() == 0


class TestSpawn:
    """start_method='spawn': a worker begins in a fresh interpreter."""

    @pytest.mark.needs_capability("spawn_workers")
    def test_workers_are_spawned_replaced_and_reloaded(
        self, driver_name, tmp_path
    ) -> None:
        config = tmp_path / "daemon.conf"
        config.write_text("[DEFAULT]\nplain = 1\n")
        with live(
            driver_name,
            workers=2,
            start_method="spawn",
            arguments=["--config-file", str(config)],
        ) as program:
            pids = start(program, 2)
            assert len(program.expect("start", 2, plain=1)) == 2
            program.kill(SIGKILL, pids[0])
            program.expect("started", 3)
            config.write_text("[DEFAULT]\nplain = 2\n")
            program.kill(signal.SIGHUP)
            program.expect("start", 2, plain=2)
            program.expect("started", 5)
            assert len(program.expect("reset", 2, plain=2)) == 2
            assert program.end() == 0


def test_a_death_is_seen_though_children_hold_the_line_open(driver_name) -> None:
    # Forked and not executed anew: they have all the worker's descriptors.
    with live(driver_name, workers=2, traits=["forked helper"]) as program:
        pids = start(program, 2)
        program.kill(SIGKILL, pids[0])
        program.expect("started", 3)
        program.kill(signal.SIGTERM)
        assert program.wait() == 0
