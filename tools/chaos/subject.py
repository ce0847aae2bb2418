# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The programs of a run, seen from outside: where they run, and how they are hurt."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from oslo_service.testing.live import children, die_with_the_tests, is_alive
from oslo_service.testing.proxy import Proxy

from hosts import Host

__all__ = ("Plan", "Program")

_PROGRAM = Path(__file__).with_name("program.py")
# How long one may take to end, in seconds.
_PATIENCE = 30.0


class Plan(NamedTuple):
    """How a program runs.

    :ivar workers: how many run the periodic tasks; one more is for the single service.
    :ivar fault: what it does wrong, of :mod:`faults`.
    """

    driver: str
    interval: float
    lease: int
    workers: int
    fault: str | None = None


class Program:
    """A parent and its workers, in a session of their own.

    :param number: among those of the run.
    :param place: where the record is, and the log will be.
    :param url: of the cluster, as it is seen from there.
    :param proxy: by which it is reached; None: it is no server.
    :param host: where it runs; None: here.
    """

    def __init__(
        self,
        number: int,
        plan: Plan,
        place: Path,
        url: str,
        proxy: Proxy | None = None,
        host: Host | None = None,
    ) -> None:
        self.number = number
        self.proxy = proxy
        self.host = host
        self._place = place
        self._plan = {**plan._asdict(), "place": str(place), "url": url}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its workers come later."""
        prefix = [] if self.host is None else self.host.prefix
        with (self._place / f"log{self.number}").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *prefix,
                    *(sys.executable, "-W", "ignore", str(_PROGRAM)),
                    json.dumps(self._plan),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_the_tests,  # noqa: PLW1509 - it takes no lock
            )

    @property
    def pid(self) -> int:
        """The parent's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its parent is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def workers(self) -> list[int]:
        """The processes of its workers."""
        return children(self.pid) if self.running else []

    @property
    def status(self) -> int | None:
        """The status that its parent has ended with."""
        return None if self._process is None else self._process.poll()

    def signal(self, signum: int, pids: list[int]) -> None:
        """Send a signal to some of its processes."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    def stop(self) -> int | None:
        """Have it end in order; give its status."""
        if self._process is None:
            return None
        self.signal(signal.SIGTERM, [self.pid] if self.running else [])
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(_PATIENCE)
        return None

    def end(self) -> None:
        """End whatever is left, by force."""
        if self._process is None:
            return
        # The parent first: it would replace its workers.
        self._process.kill()
        self._process.wait()
        until = time.monotonic() + _PATIENCE
        while left := [pid for pid in _session(self.pid) if is_alive(pid)]:
            self.signal(signal.SIGKILL, left)
            assert time.monotonic() < until, left
            time.sleep(0.01)

    @property
    def log(self) -> str:
        """What it has said."""
        with contextlib.suppress(OSError):
            return (self._place / f"log{self.number}").read_text(errors="replace")
        return ""


def _session(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) == pid:
                    found.append(int(entry.name))
    return found
