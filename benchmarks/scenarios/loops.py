# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Start, stop and await a looping call, again and again."""

import threading
import time

from harness.inside import answer, role, select

_TIMES = 1500
_INTERVAL = 10


def _work():
    """Do nothing."""


def _bare():
    def once():
        stopped = threading.Event()

        def loop():
            while not stopped.is_set():
                _work()
                stopped.wait(_INTERVAL)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        stopped.set()
        thread.join()

    return once


def _library():
    select(role())
    from oslo_service import loopingcall

    def once():
        loop = loopingcall.FixedIntervalLoopingCall(_work)
        loop.start(_INTERVAL)
        loop.stop()
        loop.wait()

    return once


def main():
    """Return what one costs."""
    once = _bare() if role() == "floor" else _library()
    once()
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(_TIMES):
        once()
    answer(
        us=(time.monotonic() - wall) / _TIMES * 1e6,
        cpu_us=(time.process_time() - cpu) / _TIMES * 1e6,
    )


if __name__ == "__main__":
    main()
