# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what happens is told to whoever has subscribed."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.live import UNUSUAL, Live, live

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGKILL, SIGTERM = signal.SIGHUP, signal.SIGKILL, signal.SIGTERM


def observed(driver: str, *traits: str, **plan: Any) -> Any:
    """Run a service whose events are told."""
    return live(driver, program=UNUSUAL, traits=["subscribed", *traits], **plan)


def kinds(program: Live, among: Sequence[str]) -> list[str]:
    """Return what has happened, in its order, of some kinds."""
    told = [event["kind"] for event in program.events("happened")]
    return [kind for kind in told if kind in among]


class TestWorkers:
    """What happens to workers is told in the parent."""

    def test_the_life_of_a_worker_is_told_in_its_order(self, driver_name: str) -> None:
        with observed(driver_name, workers=2) as program:
            program.expect("happened", kind="Ready")
            pid = program.pids("started")[0]
            program.kill(SIGKILL, pid)
            (ended,) = program.expect("happened", kind="WorkerEnded", about=str(pid))
            assert ended["pid"] == program.pid
            assert ended["status"] == str(-SIGKILL)
            assert ended["cause"] == "Cause.UNEXPECTED"
            program.expect("happened", 3, kind="WorkerReady")
            assert program.end() == 0
            life = [
                event["kind"] for event in program.events("happened", about=str(pid))
            ]
            assert life == ["WorkerStarted", "WorkerReady", "WorkerEnded"]
            successor = str(program.pids("started")[2])
            life = [
                event["kind"] for event in program.events("happened", about=successor)
            ]
            assert life == [
                "WorkerStarted",
                "WorkerReady",
                "WorkerStopped",
                "WorkerEnded",
            ]
            (ended,) = program.events("happened", kind="WorkerEnded", about=successor)
            assert ended["status"] == "0"
            assert ended["cause"] == "Cause.ORDERED"

    def test_a_crash_loop_is_told(self, driver_name: str) -> None:
        with observed(driver_name, "failing start", workers=2) as program:
            (paused, *_) = program.expect("happened", kind="SlotPaused")
            assert paused["deaths"] == "3"
            assert paused["seconds"] == "0.1"

    def test_workers_do_not_tell_what_their_parent_subscribed(
        self, driver_name: str
    ) -> None:
        with observed(driver_name, workers=2) as program:
            program.expect("happened", kind="Ready")
            assert program.end() == 0
            told_by = {event["pid"] for event in program.events("happened")}
            assert told_by == {program.pid}

    def test_one_past_its_limit_is_told_to_be_killed(
        self, driver_name: str, tmp_path: Path
    ) -> None:
        config = tmp_path / "unusual.conf"
        config.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n")
        with observed(
            driver_name, "GIL", workers=2, arguments=["--config-file", str(config)]
        ) as program:
            program.expect("happened", kind="Ready")
            assert program.end() == 1
            assert program.events("happened", kind="WorkerEnded")


class TestOrders:
    """What is done with everything is told, with one worker and with many."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_a_reload_has_a_beginning_and_an_end(self, driver_name: str) -> None:
        with observed(driver_name, workers=self.workers) as program:
            program.expect("happened", kind="Ready")
            for number in (1, 2):
                program.kill(SIGHUP)
                program.expect("happened", number, kind="ReloadFinished")
            assert program.end() == 0
            among = ["Ready", "ReloadStarted", "ReloadFinished", "Draining"]
            assert kinds(program, among) == [
                "Ready",
                "ReloadStarted",
                "ReloadFinished",
                "ReloadStarted",
                "ReloadFinished",
                "Draining",
            ]
            signals = program.events("happened", kind="SignalReceived")
            assert [one["signal"] for one in signals] == [
                "SIGHUP",
                "SIGHUP",
                "SIGTERM",
            ]

    @pytest.mark.parametrize("method", ["reload", "mutate"])
    def test_a_file_that_does_not_parse_is_told(
        self, driver_name: str, tmp_path: Path, method: str
    ) -> None:
        config = tmp_path / "unusual.conf"
        config.write_text("[DEFAULT]\n")
        with observed(
            driver_name,
            workers=self.workers,
            restart_method=method,
            arguments=["--config-file", str(config)],
        ) as program:
            program.expect("happened", kind="Ready")
            config.write_text("[DEFAULT\n")
            program.kill(SIGHUP)
            program.expect("happened", kind="ReloadFailed")
            program.expect("happened", kind="ReloadFinished")
            program.expect_text("it stays as it was")
            assert program.end() == 0


class TestSubscribers:
    """A subscriber holds up nobody but those after it."""

    scenarios = TestOrders.scenarios

    def test_one_that_fails_is_logged_and_told_the_next(self, driver_name: str) -> None:
        with observed(
            driver_name, "failing subscriber", workers=self.workers
        ) as program:
            program.expect("happened", kind="Ready")
            assert program.end() == 0
            told = len(program.events("happened"))
            program.expect_text("ZeroDivisionError", told)

    def test_so_is_one_that_exits(self, driver_name: str) -> None:
        with observed(
            driver_name, "exiting subscriber", workers=self.workers
        ) as program:
            program.expect("happened", kind="Ready")
            assert program.end() == 0
            told = len(program.events("happened"))
            program.expect_text("SystemExit: 3", told)
            program.expect_text("\nKeyboardInterrupt", told)

    def test_a_log_that_raises_holds_up_nothing(self, driver_name: str) -> None:
        with observed(driver_name, "failing log", workers=self.workers) as program:
            program.expect("happened", kind="Ready")
            program.kill(SIGHUP)
            program.expect("happened", kind="ReloadFinished")
            program.expect_text("RuntimeError: this log is broken")
            assert program.end() == 0

    def test_one_may_stop_the_launcher(self, driver_name: str) -> None:
        with observed(
            driver_name, "stopping subscriber", workers=self.workers
        ) as program:
            assert program.wait() == 0
            program.expect("happened", kind="Draining")
            assert kinds(program, ["Ready", "Draining"]) == ["Ready", "Draining"]

    def test_one_that_has_left_is_told_nothing(self, driver_name: str) -> None:
        with live(
            driver_name,
            program=UNUSUAL,
            traits=["unsubscribed"],
            workers=self.workers,
        ) as program:
            program.expect("started", self.workers)
            assert program.end() == 0
            assert program.events("happened") == []
