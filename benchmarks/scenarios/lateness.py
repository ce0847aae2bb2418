# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tick 200 times every 0.1 s: two loops, one of which works for 4 ms."""

import statistics
import time

from harness.inside import answer
from scenarios._ticking import looper

_TICKS = 200
_INTERVAL = 0.1
_WORK = 0.004
_LAST = 10


def main():
    """Return how late the last ticks are, counted from the first (ms)."""
    loops = looper()
    idle, busy = [], []

    def tick():
        idle.append(time.monotonic())

    def work():
        busy.append(time.monotonic())
        time.sleep(_WORK)

    running = [loops(tick), loops(work)]
    running[0].start(_INTERVAL, 0)
    # Half an interval apart: they do not disturb one another.
    running[1].start(_INTERVAL, _INTERVAL / 2)
    time.sleep(_INTERVAL * _TICKS * 1.1)
    for loop in running:
        loop.stop()
        loop.wait()
    answer(**_lateness("", idle), **_lateness("busy_", busy))


def _lateness(prefix, ticks):
    late = [
        (tick - ticks[0] - number * _INTERVAL) * 1000
        for number, tick in enumerate(ticks[:_TICKS])
    ]
    return {
        f"{prefix}last_ms": abs(late[-1]),
        f"{prefix}last_ten_ms": statistics.median(map(abs, late[-_LAST:])),
    }


if __name__ == "__main__":
    main()
