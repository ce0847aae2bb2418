# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: signals, in every phase."""

import json
import os
import pty
import signal
import sys
import time

import pytest

from oslo_service.testing.live import (
    DAEMON,
    REPEATED,
    UNUSUAL,
    Idle,
    is_alive,
    live,
)

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGINT, SIGTERM = signal.SIGHUP, signal.SIGINT, signal.SIGTERM
# Runs what follows with SIGHUP ignored.
IGNORING_SIGHUP = [
    "/bin/sh",
    "-c",
    "trap '' HUP; exec \"$@\"",
    "sh",
]
ALL = [("one", {"workers": 1}), ("three", {"workers": 3})]


@pytest.fixture
def config(tmp_path):
    """A configuration file, which can be changed."""
    path = tmp_path / "daemon.conf"

    def write(text: str) -> list[str]:
        path.write_text(f"[DEFAULT]\n{text}\n", encoding="ascii")
        return ["--config-file", str(path)]

    return write


class TestStopping:
    """Who is ended, and how."""

    scenarios = ALL

    def test_sigint_ends_everything_at_once_with_status_1(self, driver_name) -> None:
        with live(
            driver_name, workers=self.workers, traits=["hanging wait"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end(SIGINT) == 1
            assert not program.events("stop")

    def test_a_second_sigterm_ends_everything_at_once_with_status_1(
        self, driver_name: str
    ) -> None:
        with live(
            driver_name, workers=self.workers, traits=["hanging wait"]
        ) as program:
            program.expect("started", self.workers)
            program.kill(SIGTERM)
            program.expect("stop", self.workers)
            time.sleep(REPEATED)
            assert program.end(SIGTERM) == 1
            assert not program.events("last")

    def test_one_that_comes_within_a_second_is_the_same_order(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with live(
            driver_name, workers=self.workers, traits=["draining"], gate=str(gate)
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            for _ in range(3):
                program.kill(SIGTERM)
            program.expect("stop", self.workers)
            gate.touch()
            assert program.wait() == 0, program.transcript
            assert len(program.expect("drained", self.workers)) == self.workers

    def test_past_the_limit_it_ends_with_status_1_and_says_what_still_runs(
        self, driver_name: str, config
    ) -> None:
        self.past_the_limit(driver_name, config, "hanging stop", "stop() of ")

    def test_a_stop_that_spins_is_ended_too(self, driver_name: str, config) -> None:
        self.past_the_limit(driver_name, config, "spinning stop", "stop() of ")

    def test_a_wait_that_hangs_is_ended_too(self, driver_name: str, config) -> None:
        self.past_the_limit(driver_name, config, "hanging wait", "wait() of ")

    def past_the_limit(self, driver_name, config, trait: str, what: str) -> None:
        arguments = config("graceful_shutdown_timeout = 1")
        with live(
            driver_name, workers=self.workers, traits=[trait], arguments=arguments
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 1, program.transcript
            program.expect_text(f"still running: {what}", self.workers)
            program.expect_text("Daemon;", self.workers)
            if self.workers > 1:
                program.expect("last", status=1)


class TestGroup:
    """A terminal, systemd and containers signal the whole group."""

    def test_sigterm_to_the_group_is_as_orderly_as_to_the_parent(
        self, driver_name, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with live(
            driver_name, workers=3, traits=["draining"], gate=str(gate)
        ) as program:
            program.expect("started", 3)
            program.expect("waiting")
            program.kill_group(SIGTERM)
            program.expect("stop", 3)
            for pid in program.pids("started"):
                program.kill(SIGTERM, pid)
            gate.touch()
            assert program.wait() == 0, program.transcript
            assert len(program.expect("drained", 3)) == 3


class TestReload:
    """SIGHUP in a daemon, restart_method='reload'."""

    scenarios = ALL

    def test_services_are_reset_and_started_with_the_new_values(
        self, driver_name: str, config
    ) -> None:
        with live(
            driver_name, workers=self.workers, arguments=config("plain = 1")
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert len(program.expect("start", self.workers, plain=1)) == self.workers
            config("plain = 2")
            program.kill(SIGHUP)
            program.expect("started", 2 * self.workers)
            assert len(program.expect("reset", self.workers, plain=2)) == self.workers
            assert len(program.expect("start", self.workers, plain=2)) == self.workers
            fresh = set(program.pids("start", plain=2)) - set(
                program.pids("start", plain=1)
            )
            assert len(fresh) == (self.workers if self.workers > 1 else 0)
            assert program.end() == 0

    def test_a_file_that_does_not_parse_changes_nothing(
        self, driver_name: str, config
    ) -> None:
        with live(
            driver_name, workers=self.workers, arguments=config("plain = 1")
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            config("plain")
            program.kill(SIGHUP)
            program.expect("started", 2 * self.workers)
            assert (
                len(program.expect("start", 2 * self.workers, plain=1))
                == 2 * self.workers
            )
            program.expect_text("stays as it was")
            assert program.end() == 0

    def test_a_value_that_does_not_parse_holds_up_nothing(
        self, driver_name: str, config
    ) -> None:
        with live(driver_name, workers=self.workers, arguments=config("")) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            config("graceful_shutdown_timeout = nonsense")
            program.kill(SIGHUP)
            program.expect("started", 2 * self.workers)
            assert program.end() == 0
            program.expect_text("it stays as it was")
            program.expect_text("graceful_shutdown_timeout")

    def test_sighup_is_legal_during_start_and_in_bursts(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with live(
            driver_name, workers=self.workers, traits=["slow start"], gate=str(gate)
        ) as program:
            program.expect("start", self.workers)
            program.expect("waiting")
            for _ in range(20):
                program.kill(SIGHUP)
            program.expect("stop", self.workers)
            gate.touch()
            program.expect("reset", self.workers)
            program.expect("started", self.workers)
            assert program.end() == 0

    def test_sigterm_is_legal_during_a_reload(self, driver_name, tmp_path) -> None:
        gate = tmp_path / "gate"
        with live(
            driver_name, workers=self.workers, traits=["draining"], gate=str(gate)
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            program.kill(SIGHUP)
            program.expect("stop", self.workers)
            program.kill(SIGTERM)
            gate.touch()
            assert program.wait() == 0, program.transcript

    def test_a_successor_starts_while_the_old_worker_still_drains(
        self, driver_name, tmp_path
    ) -> None:
        if self.workers == 1:
            pytest.skip("one process has no successor")
        gate = tmp_path / "gate"
        with live(
            driver_name, workers=3, traits=["draining"], gate=str(gate)
        ) as program:
            old = {event["pid"] for event in program.expect("started", 3)}
            program.expect("waiting")
            program.kill(SIGHUP)
            program.expect("started", 6)
            assert all(is_alive(pid) for pid in old)
            gate.touch()
            program.expect("drained", 3)
            assert program.end() == 0


class TestMutate:
    """SIGHUP in a daemon, restart_method='mutate'."""

    scenarios = ALL

    def test_services_are_reset_with_the_new_values_and_nothing_restarts(
        self, driver_name: str, config
    ) -> None:
        with live(
            driver_name,
            workers=self.workers,
            restart_method="mutate",
            arguments=config("mutable = 1\nplain = 1"),
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            config("mutable = 2\nplain = 2")
            program.kill(SIGHUP)
            program.expect("reset", self.workers, mutable=2, plain=1)
            assert program.end() == 0
            assert len(program.expect("start", self.workers)) == self.workers

    def test_a_file_that_does_not_parse_changes_nothing(
        self, driver_name: str, config
    ) -> None:
        with live(
            driver_name,
            workers=self.workers,
            restart_method="mutate",
            arguments=config("mutable = 1"),
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            config("mutable")
            program.kill(SIGHUP)
            program.expect("reset", self.workers, mutable=1)
            assert program.end() == 0


class TestOneWorker:
    """Signals to a worker, from an operator."""

    @pytest.mark.parametrize("method", ["reload", "mutate"])
    def test_sighup_is_obeyed_in_place(self, driver_name: str, method: str) -> None:
        with live(driver_name, workers=3, restart_method=method) as program:
            pid = program.expect("started", 3)[0]["pid"]
            program.kill(SIGHUP, pid)
            assert program.expect("reset")[0]["pid"] == pid
            if method == "reload":
                program.expect("started", 4)
                assert program.pids("started")[3] == pid
            assert program.end() == 0
            assert len(set(program.pids("start"))) == 3

    def test_sigterm_stops_it_in_order_and_it_is_replaced(self, driver_name) -> None:
        with live(driver_name, workers=3) as program:
            pid = program.expect("started", 3)[0]["pid"]
            program.expect("waiting")
            program.kill(SIGTERM, pid)
            program.expect("started", 4)
            assert program.stopped(1) == {pid}
            assert program.end() == 0


class TestHandlers:
    """Handlers of users run beside the library's, the one added last first."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_service_adds_handlers_from_its_task(self, driver_name, workers) -> None:
        with live(driver_name, workers=workers, traits=["handlers"]) as program:
            pid = program.expect("started", workers)[0]["pid"]
            program.expect("waiting")
            program.until_handled(signal.SIGUSR1, pid)
            program.kill(signal.SIGUSR1, pid)
            program.expect("first handler")
            order = [
                line
                for line in program.transcript.splitlines()
                if "st handler" in line or "nd handler" in line
            ]
            assert "second" in order[0]
            program.kill(SIGTERM, pid)
            assert program.expect("own SIGTERM handler")[0]["pid"] == pid
            program.until(lambda: pid in program.pids("stop"), "stop() is called too")
            if workers > 1:
                program.expect("started", workers + 1)
                program.end()

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_handler_may_stop_its_launcher_and_not_wait_for_it(
        self, driver_name: str, workers: int
    ) -> None:
        with live(driver_name, workers=workers, traits=["stopping handler"]) as program:
            program.expect("started", workers)
            program.expect("waiting")
            program.kill(signal.SIGUSR1)
            assert program.wait() == 0
            assert program.expect("refused")
            assert program.expect("last", status=0)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_it_may_not_either_where_wait_has_only_begun(
        self, driver_name: str, workers: int
    ) -> None:
        traits = ["stopping handler", "signalled at attention"]
        with live(driver_name, workers=workers, traits=traits) as program:
            assert program.wait() == 0
            assert program.expect("refused")
            assert program.expect("last", status=0)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_handler_may_restart_its_launcher(self, driver_name, workers) -> None:
        with live(
            driver_name, workers=workers, traits=["restarting handler"]
        ) as program:
            program.expect("started", workers)
            program.expect("waiting")
            program.kill(signal.SIGUSR2)
            program.expect("started", 2 * workers)
            assert program.end() == 0


class TestForeground:
    """In the foreground of a terminal, SIGHUP means exit."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_sighup_ends_it_in_order(self, driver_name: str, workers: int) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            self.become_daemon_program(driver_name, workers)
        try:
            seen = self.read_until(terminal, b'"waiting"')
            while seen.count(b'"started"') < workers:
                seen += os.read(terminal, 4096)
            os.kill(pid, SIGHUP)
            seen += self.read_until(terminal, b'"last"')
        finally:
            os.close(terminal)
            _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, -SIGHUP)
        assert b'"reset"' not in seen

    @staticmethod
    def become_daemon_program(driver_name: str, workers: int) -> None:
        plan = json.dumps({"driver": driver_name, "workers": workers})
        command = [sys.executable, "-W", "ignore", str(DAEMON), plan]
        os.execv(sys.executable, command)  # noqa: S606

    @staticmethod
    def read_until(terminal: int, text: bytes) -> bytes:
        seen = b""
        while text not in seen:
            seen += os.read(terminal, 4096)
        return seen


def test_an_idle_process_reacts_to_a_signal_without_polling(driver_name: str) -> None:
    with live(driver_name, workers=1) as program:
        program.expect("started")
        program.expect("waiting")
        idle = Idle([program.pid], driver_name)
        assert idle.counted() <= idle.allowed
        assert program.end() == 0


def test_an_idle_parent_and_its_workers_use_no_cpu(driver_name: str) -> None:
    with live(driver_name, workers=2) as program:
        pids = [event["pid"] for event in program.expect("started", 2)]
        program.expect("waiting")
        idle = Idle([program.pid, *pids], driver_name)
        assert idle.counted() <= idle.allowed
        assert program.end() == 0


class TestLaunchingDuringAReload:
    """A service that is launched at the wrong moment is started all the same."""

    def test_one_that_comes_while_the_files_are_read_is_started_once(
        self, driver_name: str, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with live(
            driver_name,
            program=UNUSUAL,
            traits=["launches while reading"],
            gate=str(gate),
        ) as program:
            program.expect("started")
            program.expect("waiting")
            program.kill(SIGHUP)
            program.expect("reading")
            gate.touch()
            program.expect("start", name="inner")
            program.expect("started", 2, name="unusual")
            assert program.end() == 0
            assert len(program.events("start", name="inner")) == 1
            # Twice where its start() had not quite returned.
            assert program.events("stop", name="inner")


class TestBackground:
    """What whoever starts a program has ignored stays ignored: nohup(1)."""

    scenarios = ALL

    def test_sighup_reloads_nothing(self, driver_name: str) -> None:
        with live(driver_name, workers=self.workers, before=IGNORING_SIGHUP) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            program.kill(SIGHUP)
            assert program.end() == 0
            assert len(program.events("start")) == self.workers
            assert program.events("reset") == []
