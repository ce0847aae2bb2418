# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: the end of a process that runs services is that of a Python program."""

import functools
import signal
from pathlib import Path

import pytest

from oslo_service.testing.live import DAEMON, Live, is_alive, live

pytestmark = pytest.mark.starts_processes

neighbours = functools.partial(live, program=DAEMON.with_name("neighbours.py"))


@pytest.fixture
def limit_of_1(tmp_path: Path) -> list[str]:
    """The command line for a limit of one second."""
    path = tmp_path / "limit.conf"
    path.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n", encoding="ascii")
    return ["--config-file", str(path)]


class TestTheEnd:
    """Of one process, and of workers."""

    scenarios = [("one", {"workers": 1}), ("two", {"workers": 2})]

    def test_finalizers_run_where_they_were_registered(self, driver_name: str) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["finalizer"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 0
            started = sorted(program.pids("started"))
            assert sorted(program.pids("finalized")) == started
            assert program.pids("finalized in the parent") == [program.pid]

    @pytest.mark.needs_capability("parallel")
    def test_threads_that_a_service_makes_are_waited_for(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["thread"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 0
            assert len(program.events("finished")) == self.workers

    def test_daemonic_children_of_multiprocessing_are_ended(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["idle child"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 0
            found = [event["child"] for event in program.events("child")]
            assert not any(map(is_alive, found))

    def test_processes_of_an_executor_that_have_nothing_to_do_end_at_once(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["idle executor"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 0
            self.expect_no_children(program)

    def test_a_call_that_an_executor_has_begun_is_waited_for(
        self, driver_name: str
    ) -> None:
        with neighbours(
            driver_name, workers=self.workers, traits=["busy executor"]
        ) as program:
            program.expect("started", self.workers)
            program.expect("begun", self.workers)
            assert program.end() == 0
            assert len(program.events("finished")) == self.workers
            self.expect_no_children(program)

    def test_a_call_that_does_not_end_is_ended_by_the_limit(
        self, driver_name: str, limit_of_1: list[str]
    ) -> None:
        with neighbours(
            driver_name,
            workers=self.workers,
            traits=["endless executor"],
            arguments=limit_of_1,
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 1
            self.expect_no_children(program)

    def expect_no_children(self, program: Live) -> None:
        found = [event["child"] for event in program.events("child")]
        assert len(found) == self.workers
        program.until(lambda: not any(map(is_alive, found)), "they are gone")

    def test_an_exit_handler_that_hangs_is_ended_by_the_limit(
        self, driver_name: str, limit_of_1: list[str]
    ) -> None:
        with neighbours(
            driver_name,
            workers=self.workers,
            traits=["hanging exit handler", "idle child"],
            arguments=limit_of_1,
        ) as program:
            program.expect("started", self.workers)
            program.expect("waiting")
            assert program.end() == 1
            program.expect_text("still running: the end of the process", self.workers)


def test_a_worker_whose_exit_handler_hangs_ends_without_its_parent(
    driver_name: str, limit_of_1: list[str]
) -> None:
    with neighbours(
        driver_name,
        workers=2,
        traits=["hanging exit handler"],
        arguments=limit_of_1,
    ) as program:
        program.expect("started", 2)
        program.expect("waiting")
        program.kill(signal.SIGKILL)
        program.until(lambda: not program.left(), "the workers end")
