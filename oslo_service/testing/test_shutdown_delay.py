# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: between SIGTERM and the stop, where shutdown_delay says so."""

import signal
import time
from pathlib import Path

import pytest

from oslo_service.testing.http_client import serving, write_options
from oslo_service.testing.live import REPEATED, live
from oslo_service.testing.test_admin import site
from oslo_service.testing.test_http_lifecycle import Load

pytestmark = pytest.mark.starts_processes

SIGINT, SIGTERM = signal.SIGINT, signal.SIGTERM
#: A delay that no test waits for, nor any timer of a system, in seconds.
LONG = 1e18

workers = pytest.mark.parametrize("workers", [1, 2])


@workers
def test_nobody_is_refused_in_it_and_another_sigterm_ends_it_only(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", shutdown_delay=LONG)
    with serving(driver_name, workers=workers, arguments=config) as site:
        program = site.program
        pids = program.pids("serving")
        with Load(site) as load:
            load.until_answered_by(pids)
            program.kill(SIGTERM)
            program.kill(SIGTERM)  # the same order
            program.expect_text(f"stopping in {LONG:g} s (shutdown_delay)")
            load.until_answered_by(pids, 20)
            faults = list(load.faults)
        assert faults == []
        assert not program.events("stopped")
        time.sleep(REPEATED)
        program.kill(SIGTERM)
        program.expect("stopped", workers)
        assert program.wait() == 0, program.transcript
        assert site.refuses()


@workers
def test_it_is_not_ready_from_its_beginning_and_live_all_the_time(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    options = [f"shutdown_delay = {LONG}"]
    with site(driver_name, tmp_path, workers=workers, options=options) as there:
        there.until_status(200)
        there.program.kill(SIGTERM)
        there.until_status(503)
        assert there.ask("/live").status == 200
        assert there.status()["state"] == "stopping"
        assert not there.program.events("stop")
        time.sleep(REPEATED)
        assert there.program.end() == 0


@workers
def test_it_ends_by_itself(driver_name: str, workers: int, tmp_path: Path) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", shutdown_delay=0.5)
    with live(driver_name, workers=workers, arguments=config) as program:
        program.expect("started", workers)
        program.expect("waiting")
        begun = time.monotonic()
        assert program.end() == 0
        assert time.monotonic() - begun >= 0.5
        assert len(program.stopped(workers)) == workers


@workers
def test_the_limit_counts_from_its_end(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    path = tmp_path / "conf"
    config = write_options(path, "oslo_service", shutdown_delay=1.5)
    with path.open("a", encoding="ascii") as file:
        file.write("[DEFAULT]\ngraceful_shutdown_timeout = 1\n")
    with live(
        driver_name, workers=workers, traits=["hanging wait"], arguments=config
    ) as program:
        program.expect("started", workers)
        program.expect("waiting")
        begun = time.monotonic()
        assert program.end() == 1
        assert time.monotonic() - begun >= 2.5
        program.expect_text("still running: wait() of ", workers)


@workers
def test_a_sigterm_a_second_after_its_end_ends_everything_at_once(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", shutdown_delay=LONG)
    with live(
        driver_name, workers=workers, traits=["hanging wait"], arguments=config
    ) as program:
        program.expect("started", workers)
        program.expect("waiting")
        program.kill(SIGTERM)
        program.expect_text("stopping in")
        time.sleep(REPEATED)
        program.kill(SIGTERM)
        program.stopped(workers)
        time.sleep(REPEATED)
        assert program.end(SIGTERM) == 1
        assert not program.events("last")


@workers
def test_sigint_has_none(driver_name: str, workers: int, tmp_path: Path) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", shutdown_delay=LONG)
    with live(driver_name, workers=workers, arguments=config) as program:
        program.expect("started", workers)
        program.expect("waiting")
        assert program.end(SIGINT) == 1
        assert not program.events("stop")


def test_a_group_that_is_signalled_has_it_too_and_a_worker_is_replaced_in_it(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", shutdown_delay=LONG)
    with live(driver_name, workers=2, arguments=config) as program:
        pids = [event["pid"] for event in program.expect("started", 2)]
        program.expect("waiting")
        program.kill_group(SIGTERM)
        program.expect_text("stopping in", 3)
        program.kill(signal.SIGKILL, pids[0])
        program.expect("started", 3)
        assert not program.events("stop")
        time.sleep(REPEATED)
        program.kill(SIGTERM)
        assert len(program.stopped(2)) == 2
        assert program.wait() == 0


def test_a_worker_that_is_told_by_itself_keeps_its_own(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", shutdown_delay=0.5)
    with live(driver_name, workers=2, arguments=config) as program:
        pids = [event["pid"] for event in program.expect("started", 2)]
        program.expect("waiting")
        program.kill(SIGTERM, pids[0])
        program.expect_text("stopping in 0.5 s")
        program.expect("stop", pid=pids[0])
        program.expect("started", 3)
        program.kill(signal.SIGKILL)
        # Its parent is gone: there is nobody to whom it could be of use.
        program.until(lambda: not program.left(), "the workers end")
        assert len(program.stopped(3)) == 3
