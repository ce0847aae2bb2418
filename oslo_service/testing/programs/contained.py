# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that is the first process of a container; see :mod:`.daemon`."""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from oslo_config import cfg

from oslo_service import opts, service

CONF = cfg.CONF
PLAN = daemon.PLAN


def left_to_the_first() -> list[str]:
    """Return the states and names of the processes whose parent is the first one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text(encoding="ascii")
            except OSError:
                continue
            head, _, tail = text.rpartition(")")
            state, parent = tail.split()[:2]
            if parent == "1":
                found.append(f"{state} {head.partition('(')[2]}")
    return found


class Contained(service.Service):
    """Leaves behind what outlives its parent."""

    def start(self) -> None:
        """Have a child start one of its own, and end."""
        subprocess.run(["/bin/sh", "-c", "/bin/sleep 0.2 & exit 0"], check=True)
        if "failing start" in PLAN.traits:
            raise RuntimeError("start fails as asked")
        daemon.say("started")


def act() -> None:
    """Say at SIGUSR1 who is left; and what has become of a child, at SIGUSR2."""
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    handlers = service.SignalHandler()
    handlers.add_handler(
        "SIGUSR1", lambda *_: daemon.say("left", of=left_to_the_first())
    )
    handlers.add_handler("SIGUSR2", lambda *_: daemon.say("child", status=child.wait()))


def main() -> Any:
    """Run until told to stop."""
    daemon.log_to_stderr()
    opts.register_service_opts(CONF)
    CONF([], project="contained")
    if "early thread" in PLAN.traits:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    signal.signal(signal.SIGWINCH, signal.SIG_IGN)
    launcher = service.launch(CONF, Contained(), workers=PLAN.workers)
    act()
    daemon.say("waiting")
    status = launcher.wait()
    daemon.say("last", status=status)
    return status


if __name__ == "__main__":
    sys.exit(main())
