# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: services and launchers, from the start to an orderly end."""

import json
import signal

import pytest

from oslo_service.testing import _drivers
from oslo_service.testing.live import UNUSUAL, Live, children, live
from oslo_service.testing.waiting import run_script

pytestmark = pytest.mark.starts_processes

SIGTERM = signal.SIGTERM


def orderly(program: Live, workers: int = 1, **details: object) -> None:
    """Check that it stops in order: every process, and the program's last line."""
    assert program.end() == 0, program.transcript
    assert len(program.expect("stop", workers, **details)) >= workers
    assert program.expect("last", status=0)


class TestOrderlyLife:
    """start(), then stop() and wait(), then the program's own last lines."""

    scenarios = [
        ("one", {"workers": 1}),
        ("default", {"workers": None}),
        ("three", {"workers": 3}),
    ]

    def test_sigterm_stops_every_service_and_the_last_lines_run(
        self, driver_name: str
    ) -> None:
        count = self.workers or 1
        with live(driver_name, workers=self.workers) as program:
            program.expect("started", count)
            orderly(program, count)
            assert len(program.stopped(count)) == count

    def test_signals_that_repeat_the_order_change_nothing_at_the_end(
        self, driver_name: str
    ) -> None:
        with live(
            driver_name, workers=self.workers, traits=["signalled at the end"]
        ) as program:
            program.expect("started", self.workers or 1)
            program.kill(SIGTERM)
            assert program.wait() == 0

    def test_work_in_flight_is_awaited(self, driver_name: str, tmp_path) -> None:
        count, gate = self.workers or 1, tmp_path / "gate"
        with live(
            driver_name, workers=self.workers, traits=["draining"], gate=str(gate)
        ) as program:
            program.expect("started", count)
            program.kill(SIGTERM)
            program.expect("stop", count)
            assert not program.events("last")
            gate.touch()
            assert program.wait() == 0
            assert len(program.expect("drained", count)) == count

    def test_a_stop_before_wait_is_kept(self, driver_name: str) -> None:
        with live(
            driver_name, workers=self.workers, traits=["stopped before wait"]
        ) as program:
            assert program.wait() == 0
            assert program.expect("last", status=0)

    def test_a_stop_from_another_thread_ends_it(self, driver_name, tmp_path) -> None:
        count, gate = self.workers or 1, tmp_path / "gate"
        with live(
            driver_name,
            workers=self.workers,
            traits=["stopped by a thread"],
            gate=str(gate),
        ) as program:
            program.expect("started", count)
            gate.touch()
            assert program.wait() == 0
            assert len(program.stopped(count)) == count

    def test_sigterm_during_start_ends_it_in_order(self, driver_name, tmp_path) -> None:
        count, gate = self.workers or 1, tmp_path / "gate"
        with live(
            driver_name, workers=self.workers, traits=["slow start"], gate=str(gate)
        ) as program:
            program.expect("start", count)
            program.expect("waiting")
            program.kill(SIGTERM)
            program.expect("stop", count)
            gate.touch()
            assert program.wait() == 0
            # Once more: the first may have found nothing to stop.
            assert len(program.expect("stop", 2 * count)) == 2 * count

    def test_no_other_models_library_is_loaded_than_the_drivers_own(
        self, driver_name: str
    ) -> None:
        alone = run_script(DRIVER_ALONE, driver_name)
        with live(
            driver_name, workers=self.workers, traits=["timers", "loop"]
        ) as program:
            program.expect("started", self.workers or 1)
            assert program.end() == 0
            for event in [*program.events("stop"), *program.expect("last")]:
                assert event["green"] == json.loads(alone.stdout), alone.stderr

    @pytest.mark.needs_capability("blocking_calls")
    def test_a_thread_of_its_group_does_not_hold_up_the_end(
        self, driver_name: str
    ) -> None:
        count = self.workers or 1
        with live(
            driver_name, workers=self.workers, traits=["stubborn thread"]
        ) as program:
            program.expect("started", count)
            orderly(program, count)

    def test_a_service_that_answers_everything_is_a_service(
        self, driver_name: str
    ) -> None:
        count = self.workers or 1
        with live(driver_name, workers=self.workers, traits=["delegating"]) as program:
            program.expect("started", count)
            orderly(program, count)


DRIVER_ALONE = """
import json, sys
from importlib import metadata
(entry,) = metadata.entry_points(group="oslo_service.backend", name=sys.argv[1])
entry.load()
green = {"eventlet", "gevent", "greenlet"}
print(json.dumps(sorted(green.intersection(sys.modules))))
"""


class TestOneProcess:
    """A ServiceLauncher never forks."""

    def test_one_worker_runs_in_the_calling_process(self, driver_name: str) -> None:
        with live(driver_name, workers=1) as program:
            assert program.expect("started")[0]["pid"] == program.pid
            assert children(program.pid) == []
            orderly(program)

    def test_no_fork_runs_it_here_and_returns(self, driver_name: str) -> None:
        with live(driver_name, workers=3, traits=["no fork"]) as program:
            assert program.expect("started")[0]["pid"] == program.pid
            program.expect("waiting")
            program.kill(signal.SIGHUP)
            program.expect("started", 2)
            assert children(program.pid) == []
            orderly(program, 2)

    def test_a_failing_start_ends_it_with_status_1(self, driver_name: str) -> None:
        with live(driver_name, traits=["failing start"]) as program:
            assert program.wait() == 1
            assert program.expect("last", status=1)
            program.expect_text("RuntimeError: start fails as asked")

    def test_a_process_that_the_driver_has_not_prepared_is_warned_of_once(
        self, driver_name: str
    ) -> None:
        driver = _drivers.recruit(driver_name)
        warning = driver.environment_warning()
        assert warning is not None or driver.is_prepared()
        with live(driver_name, traits=["unpatched"], fresh=True) as program:
            program.expect("started")
            orderly(program)
            if warning is not None:
                assert program.transcript.count(warning) == 1


class TestSeveral:
    """Launchers may be several in a process, and nested in a worker."""

    def test_services_of_one_launcher_have_their_own_numbers_of_workers(
        self, driver_name: str
    ) -> None:
        with live(driver_name, traits=["several"]) as program:
            program.expect("started", 2, name="daemon")
            program.expect("start", 1, name="inner")
            assert len(children(program.pid)) == 3
            orderly(program, 3)

    def test_two_launchers_end_together(self, driver_name: str) -> None:
        with live(driver_name, workers=2, traits=["second launcher"]) as program:
            program.expect("started", 2, name="daemon")
            assert program.expect("start", name="inner")[0]["pid"] == program.pid
            program.expect("waiting")
            orderly(program, 3)
            assert program.expect("second ended", status=0)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_launcher_inside_a_worker_ends_with_it(
        self, driver_name: str, workers: int
    ) -> None:
        with live(driver_name, workers=workers, traits=["nested"]) as program:
            program.expect("started", workers)
            program.expect("start", workers, name="inner")
            orderly(program, 2 * workers)
            assert len(program.expect("nested ended", workers, status=0)) == workers


class TestProcessesEnd:
    """What belongs to the parent's end, and what to a worker's."""

    def test_exit_handlers_run_where_they_were_registered(
        self, driver_name: str
    ) -> None:
        with live(driver_name, workers=2, traits=["exit handler"]) as program:
            program.expect("started", 2)
            assert program.end() == 0
            assert program.pids("parent's exit handler") == [program.pid]
            own = program.pids("worker's exit handler")
            assert sorted(own) == sorted(program.pids("started"))

    def test_what_was_printed_before_a_fork_is_printed_once(
        self, driver_name: str
    ) -> None:
        with live(driver_name, workers=3, traits=["printing"]) as program:
            program.expect("started", 3)
            assert program.end() == 0
            assert program.transcript.count("printed before the fork") == 1

    @pytest.mark.needs_capability("parallel")
    def test_a_fork_names_the_threads_that_stay_behind_once(
        self, driver_name: str
    ) -> None:
        with live(driver_name, workers=3, traits=["other thread"]) as program:
            program.expect("started", 3)
            assert program.end() == 0
            assert program.transcript.count("idler") == 1

    def test_options_are_logged_at_debug(self, driver_name: str) -> None:
        with live(driver_name, traits=["debug"]) as program:
            program.expect("started")
            program.expect_text("graceful_shutdown_timeout")
            assert program.end() == 0


class TestWaitThatFails:
    """A service that fails is not left for dead."""

    def test_before_stop_it_ends_the_process_with_status_1(
        self, driver_name: str
    ) -> None:
        with live(
            driver_name, program=UNUSUAL, traits=["failing wait", "two services"]
        ) as program:
            assert program.wait() == 1
            assert len(program.events("stop", name="inner")) == 1
            assert program.expect("last", status=1)
            program.expect_text("wait fails as asked")

    def test_before_stop_it_has_a_worker_replaced(self, driver_name: str) -> None:
        with live(
            driver_name, program=UNUSUAL, traits=["failing wait"], workers=2
        ) as program:
            program.expect_text("exited with status 1", 2)
            program.expect("started", 4)
