# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What it takes to see how workers fare, and to measure the requests they answer."""

import contextlib
import json
import os
import signal
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contestants import (
    GUNICORN,
    OURS_EVENTLET,
    OURS_THREADING,
    UWSGI,
    Contestant,
)
from harness.measure import Measure, Row
from harness.places import start
from harness.process import cpu_time
from harness.web import serving

__all__ = ("MEASURES",)

_OURS = (OURS_THREADING, OURS_EVENTLET)
_WORKERS = 4
_WARM_UP, _LOOKS, _BETWEEN = 5, 30, 0.1
_PATIENCE = 60.0


def _take(contestant: Contestant) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        with _running(contestant, path) as pid:
            for _ in range(_WARM_UP):
                _look(contestant, path)
            before = cpu_time(pid)
            times = []
            for _ in range(_LOOKS):
                begun = time.perf_counter()
                _look(contestant, path)
                times.append(time.perf_counter() - begun)
                time.sleep(_BETWEEN)
            used = (cpu_time(pid) - before) / _LOOKS
    return {"ms": statistics.median(times) * 1000, "cpu_ms": used * 1000}


@contextlib.contextmanager
def _running(contestant: Contestant, path: Path) -> Iterator[int]:
    command = contestant.command("programs.shown", contestant.role, _WORKERS, path)
    with start(command) as process:
        try:
            _await_workers(contestant, path)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _await_workers(contestant: Contestant, path: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if _look(contestant, path) == _WORKERS:
                return
        time.sleep(_BETWEEN)
    raise RuntimeError(f"{contestant.name} does not show {_WORKERS} workers")


def _look(contestant: Contestant, path: Path) -> int:
    """Return how many workers are shown that are ready."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_PATIENCE)
        client.connect(str(path))
        if contestant.name == GUNICORN:
            return len(_ask_gunicorn(client)["data"]["workers"])
        if contestant.name == UWSGI:
            return len(_read(client)["workers"])
        client.sendall(b"GET /status HTTP/1.0\r\nHost: a\r\n\r\n")
        (service,) = _read(client, head=True)["services"]
        return sum(one["state"] == "ready" for one in service["workers"])


def _read(client: socket.socket, *, head: bool = False) -> Any:
    data = b"".join(iter(lambda: client.recv(1 << 20), b""))
    return json.loads(data.partition(b"\r\n\r\n")[2] if head else data)


def _ask_gunicorn(client: socket.socket) -> Any:
    """Ask by the protocol of gunicorn's control interface: a length, then JSON."""
    question = json.dumps({"id": 1, "command": "show workers"}).encode()
    client.sendall(struct.pack(">I", len(question)) + question)
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
        more = client.recv(1 << 20)
        if not more:
            raise ConnectionResetError("gunicorn does not answer")
        data += more
    return json.loads(data[4:])


def _take_measured(contestant: Contestant) -> dict[str, float]:
    """Return what a request costs that is measured, and one that is not."""
    costs = []
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd,
    ):
        statsd.bind(("127.0.0.1", 0))
        on = {
            "ADMIN_SOCKET": str(Path(folder) / "socket"),
            "STATSD": "{}:{}".format(*statsd.getsockname()),
        }
        for settings in ({}, on):
            with serving(contestant, **settings) as site:
                site.load("/", seconds=1)
                costs.append(site.load("/").cpu)
    return {"more_us": costs[1] - costs[0], "ratio": costs[1] / costs[0]}


MEASURES = (
    Measure(
        "shown",
        (*_OURS, GUNICORN, UWSGI),
        _take,
        (
            Row(f"the status of {_WORKERS} workers: ms", "ms"),
            Row("of that, CPU of who answers: ms", "cpu_ms"),
        ),
        rounds=3,
    ),
    Measure(
        "measured",
        (*_OURS, GUNICORN, UWSGI),
        _take_measured,
        (
            Row("CPU of a request that is measured, of one that is not", "ratio"),
            Row("that is: microseconds more", "more_us"),
        ),
        rounds=3,
    ),
)
