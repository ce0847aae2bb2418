# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A worker that grows is replaced: its memory is looked at every few seconds."""

import signal
from pathlib import Path

from oslo_service.testing.http_client import write_options
from oslo_service.testing.live import DAEMON, live


def test_who_has_grown_is_replaced(tmp_path: Path) -> None:
    config = write_options(tmp_path / "conf", "oslo_service", worker_max_memory="200M")
    with live(
        "threading",
        program=DAEMON.with_name("operated.py"),
        workers=2,
        traits=["grows"],
        arguments=config,
    ) as program:
        grows, other = [told["pid"] for told in program.expect("serving", 2)]
        program.kill(signal.SIGUSR1, grows)
        program.expect("serving", 3)
        program.expect("stopped", pid=grows)
        program.expect_text(f"(pid {grows}) is recycled: worker_max_memory")
        assert not program.events("stopped", pid=other)
        assert program.end() == 0
