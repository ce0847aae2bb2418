# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that closes every descriptor before it launches, as daemons did."""

import signal

import pytest

from oslo_service.testing.live import DAEMON, is_alive, live


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("driver", ["threading", "eventlet"])
def test_it_serves_and_ends(driver: str, workers: int) -> None:
    with live(
        driver,
        program=DAEMON.with_name("neighbours.py"),
        workers=workers,
        traits=["daemonizes", "closed descriptors"],
    ) as program:
        program.expect("started", workers)
        pid = program.pids("daemon")[0]
        program.expect("waiting", pid=pid)
        program.kill(signal.SIGTERM, pid)
        program.expect("last", pid=pid, status=0)
        program.until(lambda: not is_alive(pid), "it ends")
