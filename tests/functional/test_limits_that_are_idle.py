# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Limits that are on, and an endpoint, cost nothing while nothing happens."""

from pathlib import Path

import pytest

from oslo_service.testing.http_client import Client, write_options
from oslo_service.testing.live import DAEMON, Idle, live


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_wakes_up_for_them(driver_name, workers, tmp_path: Path) -> None:
    config = write_options(
        tmp_path / "conf",
        "oslo_service",
        shutdown_delay=5,
        restart_limit=5,
        start_timeout=30,
        worker_max_age=86400,
        worker_max_requests=1000,
        admin_socket=tmp_path / "admin.sock",
        admin_address=tmp_path / "public.sock",
    )
    with live(
        driver_name,
        program=DAEMON.with_name("operated.py"),
        workers=workers,
        restart_method="rolling",
        arguments=config,
    ) as program:
        pids = [told["pid"] for told in program.expect("serving", workers)]
        with Client(str(tmp_path / "public.sock")) as client:
            assert client.ask("/metrics").status == 200
        idle = Idle([*{program.pid, *pids}], driver_name)
        assert idle.counted() <= idle.allowed
