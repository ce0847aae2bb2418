# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what launchers tell systemd, sd_notify(3)."""

import contextlib
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.live import Live, live
from oslo_service.testing.service_manager import ServiceManager

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGINT, SIGKILL = signal.SIGHUP, signal.SIGINT, signal.SIGKILL
ALL = [("one", {"workers": 1}), ("three", {"workers": 3})]
#: The watchdog's interval, in seconds.
WATCHED = 1.0


@pytest.fixture
def receiver() -> Iterator[ServiceManager]:
    """Listens in the place of systemd."""
    with ServiceManager() as receiver:
        yield receiver


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What is held up goes on when there is such a file."""
    return tmp_path / "gate"


def telling(
    receiver: ServiceManager, driver: str, *traits: str, **plan: Any
) -> contextlib.AbstractContextManager[Live]:
    """Run a service that tells the receiver."""
    environment = receiver.environment
    return live(driver, traits=list(traits), environment=environment, **plan)


def ready(program: Live, workers: int) -> list[str]:
    """Return what the launcher says when all is ready."""
    count = "1 worker" if workers == 1 else f"{workers} workers"
    return ["READY=1", f"MAINPID={program.pid}", f"STATUS={count}, 0 restarts"]


def count(receiver: ServiceManager, line: str) -> int:
    """Count the messages with a line, among those received."""
    return sum(line in lines for _, lines in receiver.log)


class TestStart:
    """READY=1."""

    scenarios = ALL

    def test_it_is_told_once_all_have_started_and_not_before(
        self, driver_name: str, receiver, gate
    ) -> None:
        with telling(
            receiver, driver_name, "slow start", workers=self.workers, gate=str(gate)
        ) as program:
            program.expect("start", self.workers)
            program.expect("waiting")
            assert receiver.rest() == []
            gate.touch()
            assert receiver.next() == ready(program, self.workers)
            assert len(program.expect("started", self.workers)) == self.workers
            assert program.end() == 0
            receiver.rest()
            assert count(receiver, "READY=1") == 1

    def test_a_path_does_as_well(self, driver_name: str, tmp_path) -> None:
        with (
            ServiceManager(str(tmp_path / "notify")) as receiver,
            telling(receiver, driver_name, workers=self.workers) as program,
        ):
            assert receiver.next() == ready(program, self.workers)

    def test_a_receiver_whose_queue_is_full_is_told_later(
        self, driver_name: str, receiver
    ) -> None:
        fill(receiver)
        with telling(receiver, driver_name, workers=self.workers) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            program.expect_text("systemd cannot be told")
            assert receiver.until("READY=1") == ready(program, self.workers)

    @pytest.mark.parametrize("address", ["@nobody-listens-here", "nonsense"])
    def test_that_nobody_listens_there_holds_nothing_up(
        self, driver_name: str, address
    ) -> None:
        environment = {"NOTIFY_SOCKET": address}
        with live(
            driver_name, workers=self.workers, environment=environment
        ) as program:
            program.expect("started", self.workers)
            program.expect_text(f"systemd cannot be told at NOTIFY_SOCKET='{address}'")
            assert program.end() == 0

    def test_a_bad_interval_is_named(self, driver_name: str, receiver) -> None:
        environment = {**receiver.environment, "WATCHDOG_USEC": "often"}
        with live(
            driver_name, workers=self.workers, environment=environment
        ) as program:
            assert program.wait() == 1
            program.expect_text("ValueError: WATCHDOG_USEC is a number")


def fill(receiver: ServiceManager) -> None:
    """Send until no more can be sent, by whomever.

    One sender alone may find its own buffer full before: systemd makes the queues of
    receivers long, ``net.unix.max_dgram_qlen``.
    """
    while fill_from_one(receiver.environment["NOTIFY_SOCKET"].replace("@", "\0")):
        pass


def fill_from_one(address: str) -> int:
    """Return how many messages one sender could send."""
    sent = 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                sender.sendto(b"X_FILL=1", address)
                sent += 1
    return sent


class TestStop:
    """STOPPING=1, and the time that it takes."""

    scenarios = ALL

    def test_it_is_told_once_and_asked_for_time(
        self, driver_name: str, receiver, gate
    ) -> None:
        with telling(
            receiver, driver_name, "draining", workers=self.workers, gate=str(gate)
        ) as program:
            receiver.until("READY=1")
            program.kill(signal.SIGTERM)
            first, *further = receiver.until("STOPPING=1")
            assert first == "STOPPING=1"
            assert "EXTEND_TIMEOUT_USEC=30000000" in further
            program.expect("stop", self.workers)
            gate.touch()
            assert program.wait() == 0
            receiver.rest()
            assert count(receiver, "STOPPING=1") == 1
            assert count(receiver, "READY=1") == 1

    def test_it_is_told_of_an_end_by_force(self, driver_name: str, receiver) -> None:
        with telling(receiver, driver_name, workers=self.workers) as program:
            receiver.until("READY=1")
            assert program.end(SIGINT) == 1
            assert receiver.until("STOPPING=1")


def test_a_start_that_fails_is_a_stop(driver_name: str, receiver) -> None:
    with telling(receiver, driver_name, "failing start") as program:
        assert receiver.next()[0] == "STOPPING=1"
        assert program.wait() == 1
        receiver.rest()
        assert count(receiver, "READY=1") == 0


class TestReload:
    """RELOADING=1, and READY=1 when it is done: Type=notify-reload."""

    scenarios = [
        (f"{name}-{method}", {**values, "restart_method": method})
        for name, values in ALL
        for method in ("reload", "mutate")
    ]

    def test_it_is_told_when_it_begins_and_when_it_is_done(
        self, driver_name: str, receiver, gate
    ) -> None:
        gate.touch()
        mutates = self.restart_method == "mutate"
        with telling(
            receiver,
            driver_name,
            "slow reset" if mutates else "slow start",
            workers=self.workers,
            restart_method=self.restart_method,
            gate=str(gate),
        ) as program:
            receiver.until("READY=1")
            gate.unlink()
            for number in (1, 2):
                before = time.monotonic()
                program.kill(SIGHUP)
                reloading, stamp = receiver.until("RELOADING=1")
                assert reloading == "RELOADING=1"
                name, _, microseconds = stamp.partition("=")
                assert name == "MONOTONIC_USEC"
                assert before <= int(microseconds) / 1e6 <= time.monotonic()
                if mutates:
                    program.expect("resetting", number * self.workers)
                else:
                    program.expect("start", (number + 1) * self.workers)
                assert all("READY=1" not in lines for lines in receiver.rest())
                gate.touch()
                assert receiver.until("READY=1")[0] == "READY=1"
                gate.unlink()
            gate.touch()
            assert program.end() == 0
            receiver.rest()
            assert count(receiver, "RELOADING=1") == 2
            assert count(receiver, "READY=1") == 3


class TestStatus:
    """STATUS= has the workers and the restarts."""

    def test_a_worker_that_dies_is_counted(self, driver_name: str, receiver) -> None:
        with telling(receiver, driver_name, workers=3) as program:
            receiver.until("READY=1")
            program.kill(SIGKILL, program.expect("started", 3)[0]["pid"])
            assert receiver.next() == ["STATUS=2 of 3 workers, 1 restart"]
            assert receiver.next() == ["STATUS=3 workers, 1 restart"]
            program.kill(SIGKILL, program.expect("started", 4)[3]["pid"])
            assert receiver.next() == ["STATUS=2 of 3 workers, 2 restarts"]

    def test_a_reload_is_no_restart(self, driver_name: str, receiver) -> None:
        with telling(receiver, driver_name, workers=2) as program:
            receiver.until("READY=1")
            program.kill(SIGHUP)
            receiver.until("RELOADING=1")
            assert receiver.until("READY=1")[1:] == ["STATUS=2 workers, 0 restarts"]


class TestWorkers:
    """Only the parent tells."""

    def test_a_worker_that_would_tell_cannot(self, driver_name: str, receiver) -> None:
        with telling(receiver, driver_name, "telling", workers=3) as program:
            assert receiver.next() == ready(program, 3)
            assert program.end() == 0
            receiver.rest()
            assert count(receiver, "READY=1") == 1


class TestWatchdog:
    """WATCHDOG=1."""

    scenarios = ALL

    def test_it_is_fed_twice_in_its_interval(self, driver_name: str, receiver) -> None:
        receiver.watch(WATCHED)
        with telling(receiver, driver_name, "watched", workers=self.workers) as program:
            assert "WATCHDOG=1" not in receiver.until("READY=1")
            for _ in range(4):
                assert receiver.next() == ["WATCHDOG=1"]
            times = [when for when, _ in receiver.log]
            # It was never starved, and, on the average, not overfed.
            assert times[4] - times[0] > 4 * WATCHED / 2 * 0.8
            assert "watchdog" not in program.transcript

    def test_it_is_not_fed_while_one_of_them_hangs(
        self, driver_name: str, receiver, gate
    ) -> None:
        receiver.watch(WATCHED)
        with telling(
            receiver,
            driver_name,
            "blocking handler",
            workers=self.workers,
            gate=str(gate),
        ) as program:
            receiver.until("READY=1")
            receiver.until("WATCHDOG=1")
            pid = program.expect("started")[-1]["pid"]
            program.kill(signal.SIGUSR1, pid)
            program.expect("blocking")
            if self.workers > 1:
                program.expect_text("is not fed as long as there is no answer from")
                assert re.search(
                    rf"from: worker \d of __main__.Daemon \(pid {pid}\)\n",
                    program.transcript,
                )
            receiver.rest()
            assert receiver.next(2 * WATCHED) == []
            gate.touch()
            assert receiver.next() == ["WATCHDOG=1"]
            assert program.end() == 0

    def test_a_slow_start_counts_as_healthy(
        self, driver_name: str, receiver, gate
    ) -> None:
        gate.touch()
        receiver.watch(WATCHED)
        with telling(
            receiver, driver_name, "slow start", workers=self.workers, gate=str(gate)
        ) as program:
            receiver.until("READY=1")
            gate.unlink()
            program.kill(SIGHUP)
            program.expect("start", 2 * self.workers)
            receiver.rest()
            for _ in range(3):
                receiver.until("WATCHDOG=1")

    def test_work_that_is_finished_counts_as_healthy(
        self, driver_name: str, receiver, gate
    ) -> None:
        receiver.watch(WATCHED)
        with telling(
            receiver, driver_name, "draining", workers=self.workers, gate=str(gate)
        ) as program:
            receiver.until("READY=1")
            program.kill(signal.SIGTERM)
            receiver.until("STOPPING=1")
            program.expect("stop", self.workers)
            for _ in range(3):
                receiver.until("WATCHDOG=1")

    def test_another_processs_watchdog_is_not_fed(
        self, driver_name: str, receiver
    ) -> None:
        receiver.watch(WATCHED)
        receiver.environment["WATCHDOG_PID"] = "1"
        with telling(receiver, driver_name, workers=self.workers):
            receiver.until("READY=1")
            assert receiver.next(2 * WATCHED) == []
