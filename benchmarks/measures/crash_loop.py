# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What workers that die at once cost, and whether the parent still listens."""

import time

from harness.contestants import (
    GUNICORN,
    LIBRARIES,
    OURS_EVENTLET,
    OURS_THREADING,
    Contestant,
)
from harness.measure import Measure, Row, at_most
from harness.process import cpu_time
from harness.watch import watching

__all__ = ("MEASURES",)

_BOTH = (OURS_THREADING, OURS_EVENTLET)
_BEGIN = 1.0
_WINDOW = 5.0


def _take(how: str, contestant: Contestant) -> dict[str, float]:
    with watching(contestant.workers(4, how)) as program:
        program.next("start")
        time.sleep(_BEGIN)
        cpu = cpu_time(program.pid)
        time.sleep(_WINDOW)
        cpu = cpu_time(program.pid) - cpu
        seconds = program.seconds_to_end()
    return {"cpu_percent": cpu / _WINDOW * 100, "end_ms": seconds * 1000}


def _rows(what: str) -> tuple[Row, ...]:
    return (
        Row(
            f"{what}: SIGTERM until gone, ms",
            "end_ms",
            at_most(1, GUNICORN),
            judged=_BOTH,
        ),
        Row(f"{what}: the parent's CPU, %", "cpu_percent", at_most(1), judged=_BOTH),
    )


MEASURES = (
    Measure(
        "crash-loop",
        (*LIBRARIES, GUNICORN),
        lambda contestant: _take("exit", contestant),
        _rows("4 workers that die"),
        rounds=3,
    ),
    Measure(
        "failing-start",
        (*LIBRARIES,),
        lambda contestant: _take("raise", contestant),
        (
            Row("4 whose start() raises: SIGTERM until gone, ms", "end_ms"),
            Row("4 whose start() raises: the parent's CPU, %", "cpu_percent"),
        ),
        rounds=3,
    ),
)
