# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: a worker that hangs is replaced, however it does."""

import signal
from pathlib import Path

import pytest

from oslo_service.testing.http_client import write_options
from oslo_service.testing.live import DAEMON, live
from oslo_service.testing.service_manager import ServiceManager

pytestmark = pytest.mark.starts_processes

OPERATED = DAEMON.with_name("operated.py")


@pytest.mark.parametrize(
    ("trait", "where"),
    [
        ("stops", "stopped"),
        ("keeps the GIL", "in keep_the_gil"),
        ("blocks", "in block_the_main_thread"),
        ("spins", "in spin"),
    ],
)
def test_it_is_reported_and_replaced_and_nobody_else_notices(
    driver_name: str, trait: str, where: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_timeout=3)
    with live(
        driver_name,
        program=OPERATED,
        workers=2,
        traits=[trait, "debug"],
        arguments=config,
    ) as program:
        victim, other = [told["pid"] for told in program.expect("serving", 2)]
        program.expect_text("is ready after", 2)
        program.kill(signal.SIGUSR1, victim)
        program.expect("trouble", kind=trait)
        program.expect("serving", 3)
        program.expect_text(f"(pid {victim}) hangs, and is replaced: no answer for")
        program.expect_text(f"(pid {victim}) hung, and did not end by itself: killed")
        program.expect_text(where)
        assert program.end() == 0
        assert other in program.pids("stopped")


def test_work_that_takes_longer_than_it_may_is_a_hang_too(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_timeout=10)
    with live(
        driver_name,
        program=OPERATED,
        workers=2,
        traits=["works", "debug"],
        arguments=config,
    ) as program:
        victim, other = [told["pid"] for told in program.expect("serving", 2)]
        program.expect_text("is ready after", 2)
        program.kill(signal.SIGUSR1, victim)
        program.expect("serving", 3)
        program.expect_text(
            f"(pid {victim}) hangs, and is replaced: a long thing 7 takes longer than"
            " 0.5 s"
        )
        program.expect("stopped", pid=victim)
        assert not program.events("stopped", pid=other)


def test_it_does_not_cost_the_service_where_systemd_watches(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_timeout=3)
    with ServiceManager() as receiver:
        receiver.watch(1)
        with live(
            driver_name,
            program=OPERATED,
            workers=2,
            traits=["stops", "debug"],
            arguments=config,
            environment=receiver.environment,
        ) as program:
            pids = [told["pid"] for told in program.expect("serving", 2)]
            assert receiver.until("READY=1")
            program.expect_text("is ready after", 2)
            program.kill(signal.SIGUSR1, pids[0])
            program.expect("trouble")
            receiver.rest()
            program.expect("serving", 3)
            fed = [one for one in receiver.rest() if one == ["WATCHDOG=1"]]
            assert fed
            program.expect_text("hung, and did not end by itself: killed")
            assert "watchdog is not fed" not in program.transcript
            assert program.end() == 0
