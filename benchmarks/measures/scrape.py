# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What it takes to scrape what workers measure."""

import os
import signal
import socket
import statistics
import tempfile
import time
from pathlib import Path

from harness.contestants import (
    MULTIPROCESS,
    OURS_EVENTLET,
    OURS_THREADING,
    Contestant,
)
from harness.measure import Measure, Row, at_most
from harness.process import cpu_time
from harness.watch import watching

__all__ = ("MEASURE",)

_BOTH = (OURS_THREADING, OURS_EVENTLET)
_WORKERS, _SERIES = 8, 1000
_WARM_UP, _SCRAPES = 5, 30
_SETTLE, _BETWEEN = 1.0, 0.1
_REQUEST = b"GET /metrics HTTP/1.0\r\nHost: a\r\n\r\n"


def _take(contestant: Contestant) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        command = contestant.command(
            "programs.scraped", contestant.role, _WORKERS, _SERIES, path
        )
        with watching(command) as program:
            pids = [event.pid for event in program.workers(_WORKERS)]
            time.sleep(_SETTLE)
            for _ in range(_WARM_UP):
                _scrape(path)
            before = cpu_time(program.pid)
            times = []
            for _ in range(_SCRAPES):
                times.append(_scrape(path))
                time.sleep(_BETWEEN)
            parent = (cpu_time(program.pid) - before) / _SCRAPES
            if contestant.name == MULTIPROCESS:
                for pid in pids:  # their parent is no supervisor
                    os.kill(pid, signal.SIGKILL)
    return {"ms": statistics.median(times) * 1000, "cpu_ms": parent * 1000}


def _scrape(path: Path) -> float:
    begun = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(_REQUEST)
        data = b"".join(iter(lambda: client.recv(1 << 20), b""))
    taken = time.perf_counter() - begun
    if data.count(b"jobs_total{") < _SERIES // 2 or b"# EOF" not in data:
        raise RuntimeError(f"this is no scrape: {data[:200]!r}")
    return taken


MEASURE = Measure(
    "scrape",
    (*_BOTH, MULTIPROCESS),
    _take,
    (
        Row(
            f"a scrape of {_WORKERS} workers x {_SERIES} series: ms",
            "ms",
            at_most(20),
            judged=_BOTH,
        ),
        Row("of that, CPU of who answers: ms", "cpu_ms"),
    ),
    rounds=3,
)
