# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What an idle worker has of its own."""

import statistics
import time

from harness.contestants import (
    COTYLEDON,
    FLOOR,
    GUNICORN,
    LIBRARIES,
    OURS_EVENTLET,
    OURS_THREADING,
    Contestant,
)
from harness.measure import Measure, Row, at_most
from harness.process import private_memory, threads
from harness.watch import watching

__all__ = ("MEASURE",)

_BOTH = (OURS_THREADING, OURS_EVENTLET)
_SETTLE = 2.0


def _take(contestant: Contestant) -> dict[str, float]:
    with watching(contestant.workers(4)) as program:
        pids = [event.pid for event in program.workers(4)]
        time.sleep(_SETTLE)
        return {
            "private_mb": statistics.median(map(private_memory, pids)),
            "threads": max(map(threads, pids)),
            "parent_threads": threads(program.pid),
        }


MEASURE = Measure(
    "memory",
    (*LIBRARIES, FLOOR, COTYLEDON, GUNICORN),
    _take,
    (
        Row(
            "idle worker: private memory, MB",
            "private_mb",
            at_most(1, COTYLEDON),
            judged=_BOTH,
        ),
        Row("idle worker: threads", "threads", at_most(2), judged=_BOTH),
        Row("idle parent: threads", "parent_threads"),
    ),
    rounds=3,
)
