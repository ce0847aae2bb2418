# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tick without a pause."""

import threading
import time

from harness.inside import answer
from scenarios._ticking import looper

_TICKS = 50_000


def main():
    """Return what a tick costs."""
    loops, ended, ticks = looper(paced=False), threading.Event(), 0

    def tick():
        nonlocal ticks
        ticks += 1
        if ticks == _TICKS:
            loop.stop()
            ended.set()

    loop = loops(tick)
    cpu, wall = time.process_time(), time.monotonic()
    loop.start(0)
    ended.wait()
    loop.wait()
    answer(
        cpu_us=(time.process_time() - cpu) / _TICKS * 1e6,
        ticks_per_s=_TICKS / (time.monotonic() - wall),
    )


if __name__ == "__main__":
    main()
