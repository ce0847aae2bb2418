# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: the signal handlers of users."""

import functools
import json
import signal

from oslo_service.testing.live import UNUSUAL, live

SIGTERM, SIGUSR1, SIGUSR2 = signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2
unusual = functools.partial(live, program=UNUSUAL)


class TestTroubles:
    """Handlers that misbehave."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_one_that_fails_is_logged_and_the_others_run(self, driver_name) -> None:
        with unusual(
            driver_name,
            workers=self.workers,
            traits=["failing handler", "interrupting handler"],
        ) as program:
            program.expect("started", self.workers)
            # Else, others end it, give SIGINT back, and KeyboardInterrupt is Ctrl-C's.
            program.until_waiting()
            assert program.end() == 0
            for error in ("ZeroDivisionError", "GeneratorExit", "KeyboardInterrupt"):
                program.expect_text(error, self.workers)
            assert len(program.stopped(self.workers)) == self.workers

    def test_one_that_raises_signal_exit_ends_everything_with_its_status(
        self, driver_name: str
    ) -> None:
        with unusual(
            driver_name, workers=self.workers, traits=["exiting handler"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end(SIGUSR1) == 5

    def test_one_that_is_installed_past_the_library_after_the_launch_is_put_aside(
        self, driver_name: str
    ) -> None:
        with unusual(
            driver_name, workers=self.workers, traits=["own SIGTERM"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            program.expect_text("has installed for SIGTERM")
            assert program.end() == 0
            assert len(program.stopped(self.workers)) == self.workers
            assert not program.events("own SIGTERM")

    def test_they_never_run_inside_one_another(self, driver_name, tmp_path) -> None:
        gate = tmp_path / "gate"
        with unusual(
            driver_name,
            workers=self.workers,
            traits=["slow handler"],
            gate=str(gate),
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            program.kill(SIGUSR1)
            program.expect("handler begins", signum=SIGUSR1)
            program.kill(SIGUSR2)
            program.kill(SIGTERM)
            gate.touch()
            assert program.wait() == 0
            said = [
                json.loads(line)["signum"]
                for line in program.transcript.splitlines()
                if '"handler ' in line
            ]
            assert said == [SIGUSR1, SIGUSR1, SIGUSR2, SIGUSR2]


def test_where_there_is_no_launcher_they_are_plain_signal_handlers(
    driver_name: str,
) -> None:
    with unusual(driver_name, traits=["no launcher"]) as program:
        program.until_waiting()
        program.kill(SIGUSR1)
        assert program.wait() == 0
        assert program.expect("handled")


def test_one_runs_though_others_have_done_what_the_signal_means(
    driver_name: str,
) -> None:
    with unusual(
        driver_name, traits=["terminated while told", "failing handler"]
    ) as program:
        assert program.wait() == 0
        program.expect_text("ZeroDivisionError")
