# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service in the storm, seen from outside: started, read, and ended by force."""

import collections
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from oslo_service.testing.live import die_with_the_tests

import processes
from shared import Board

__all__ = ("LIMIT", "WORKERS", "Plan", "Subject", "Told")

WORKERS = 4
#: The service's ``graceful_shutdown_timeout``, in seconds.
LIMIT = 4

_PROGRAM = Path(__file__).with_name("program.py")
_CONFIGURATION = "[DEFAULT]\nlog_options = false\n"
_PIPE_SIZE = 16_384
_LOG_LINES = 2000


class Plan(NamedTuple):
    """How the service runs.

    :ivar fault: what it does wrong, of :mod:`faults`.
    :ivar admin: whether it has the admin endpoint.
    """

    driver: str
    restart_method: str = "reload"
    fault: str | None = None
    admin: bool = False


class Told(NamedTuple):
    """A line of the record: when, by which process, what."""

    time: float
    pid: int
    name: str
    details: list[Any]


class Subject:
    """A service that runs in a session of its own, in a directory of its own.

    :param plan: how it runs.
    :param place: the directory, which is empty.
    :param disk: what it logs and writes to; None: is in the directory.
    :ivar took_note: called with each line of the record.
    """

    def __init__(self, plan: Plan, place: Path, disk: Path | None = None) -> None:
        self.plan = plan
        self.disk = disk
        self.place = place
        self.socket = place / "socket"
        self.admin = place / "admin" if plan.admin else None
        self.listeners: list[Callable[[Told], None]] = []
        self.log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self.reading = threading.Event()
        self.reading.set()
        self._prepare()
        self.board = Board(place / "board")
        (place / "record").touch()
        # Who told us to start does not listen: sd_notify(3).
        self._deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._deaf.bind(str(place / "notify"))
        self._record = (place / "record").open("rb")
        self._rest = b""
        self.process = self._start()

    def _prepare(self) -> None:
        (self.place / "good.conf").write_text(_CONFIGURATION, "ascii")
        (self.place / "broken.conf").write_text("graceful = [\n= 7", "ascii")
        (self.place / "conf").symlink_to("good.conf")
        self._prepare_disk()
        os.mkfifo(self.place / "fifo.conf")

    def _prepare_disk(self) -> None:
        if self.disk is None:
            (self.place / "disk").mkdir()
            return
        for left in self.disk.iterdir():
            left.unlink()
        (self.place / "disk").symlink_to(self.disk)

    def _start(self) -> "subprocess.Popen[bytes]":
        reader, writer = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        plan = {
            "place": str(self.place),
            "workers": WORKERS,
            "limit": LIMIT,
            **self.plan._asdict(),
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(_PROGRAM), json.dumps(plan)],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            cwd=self.place,
            env={**os.environ, "NOTIFY_SOCKET": str(self.place / "notify")},
            start_new_session=True,
            preexec_fn=die_with_the_tests,  # noqa: PLW1509 - it takes no lock
        )
        os.close(writer)
        reading = threading.Thread(target=self._read_log, args=(reader,), daemon=True)
        reading.start()
        return process

    def _read_log(self, reader: int) -> None:
        rest = b""
        while self.reading.wait() and (data := os.read(reader, 65_536)):
            *lines, rest = (rest + data).split(b"\n")
            self.log.extend(line.decode(errors="replace") for line in lines)
        os.close(reader)

    @property
    def pid(self) -> int:
        """The parent's pid, which is that of the session and of the group, too."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the parent has not ended."""
        return self.process.poll() is None

    def children(self) -> list[int]:
        """Return the children of the parent."""
        return processes.children(self.pid)

    def left(self) -> list[int]:
        """Return the processes of its session."""
        return processes.in_session(self.pid)

    def show_stacks(self) -> None:
        """Have every process write where it is to the log."""
        for pid in self.left():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGXCPU)

    def hear(self) -> None:
        """Read on in the record, and tell the listeners."""
        self._rest += self._record.read()
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            when, pid, name, *details = json.loads(line)
            told = Told(when, pid, name, details)
            for listener in self.listeners:
                listener(told)

    def end_by_force(self) -> None:
        """Kill what is left, the parent first: it would replace its workers."""
        self.reading.set()
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + 10
        while (left := self.left()) and time.monotonic() < until:
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        self._record.close()
        self._deaf.close()
