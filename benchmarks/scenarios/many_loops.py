# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run 1,000 loops at 1 s."""

import itertools
import time

from harness import process
from harness.inside import answer
from scenarios._ticking import looper

_LOOPS = 1000
_INTERVAL = 1
_SETTLE = 2
_WINDOW = 5


def main():
    """Return what the loops cost to start, to keep, and per tick."""
    loops, counter = looper(), itertools.count()

    def tick():
        next(counter)

    memory, began = process.resident_memory(), time.monotonic()
    running = [loops(tick) for _ in range(_LOOPS)]
    for loop in running:
        loop.start(_INTERVAL)
    started = time.monotonic() - began
    time.sleep(_SETTLE)
    memory = process.resident_memory() - memory
    ticks, cpu = next(counter), time.process_time()
    time.sleep(_WINDOW)
    cpu = time.process_time() - cpu
    ticks = next(counter) - ticks
    for loop in running:
        loop.stop()
    answer(
        start_ms=started * 1000,
        cpu_us=cpu / ticks * 1e6,
        memory_kb=memory / _LOOPS,
        kept_percent=ticks / (_LOOPS * _WINDOW / _INTERVAL) * 100,
    )


if __name__ == "__main__":
    main()
