# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Count the ticks of short intervals."""

import math
import time

from harness.inside import answer
from scenarios._ticking import looper

_SECONDS = 4
_MILLISECONDS = (4, 16)


def main():
    """Give, for each interval, how far the ticks are from those due (percent)."""
    loops = looper()
    answer(**{f"off_{ms}ms": _percent_off(loops, ms / 1000) for ms in _MILLISECONDS})


def _percent_off(loops, interval):
    ticks = []
    loop = loops(lambda: ticks.append(time.monotonic()))
    loop.start(interval)
    time.sleep(_SECONDS)
    now = time.monotonic()
    loop.stop()
    loop.wait()
    due = math.floor((now - ticks[0]) / interval) + 1
    done = sum(tick <= now for tick in ticks)
    return abs(done / due - 1) * 100


if __name__ == "__main__":
    main()
