# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: workers are recycled, and no request is lost at that."""

import signal
from pathlib import Path

import pytest

from oslo_service.testing.http_client import serving, write_options
from oslo_service.testing.live import DAEMON, live
from oslo_service.testing.test_http_lifecycle import Load

pytestmark = pytest.mark.starts_processes

OPERATED = DAEMON.with_name("operated.py")


def test_who_has_answered_enough_requests_is_replaced_without_loss(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_max_requests=50)
    with serving(driver_name, workers=2, arguments=config) as site:
        with Load(site) as load:
            site.program.expect("serving", 5)
            site.program.expect_text("is recycled: worker_max_requests", 3)
        assert load.faults == []
        assert site.program.fewest("serving", "stopped", 2) == 2
        assert site.program.end() == 0


def test_who_is_too_old_is_replaced(driver_name: str, tmp_path: Path) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_max_age=0.5)
    with live(driver_name, workers=2, arguments=config) as program:
        first = [event["pid"] for event in program.expect("started", 2)]
        program.expect("waiting")
        program.expect("started", 4)
        for pid in first:
            program.expect("stop", pid=pid)
        program.expect_text("is recycled: worker_max_age", 2)
        assert program.fewest("started", "stop", 2) == 2
        assert program.end() == 0


def test_who_has_grown_is_replaced_and_nobody_else(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_max_memory="200M")
    with live(
        driver_name, program=OPERATED, workers=2, traits=["grows"], arguments=config
    ) as program:
        grows, other = [told["pid"] for told in program.expect("serving", 2)]
        program.kill(signal.SIGUSR1, grows)
        program.expect("serving", 3)
        program.expect("stopped", pid=grows)
        program.expect_text(f"(pid {grows}) is recycled: worker_max_memory")
        assert not program.events("stopped", pid=other)
        assert program.end() == 0
