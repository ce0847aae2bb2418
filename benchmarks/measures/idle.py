# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent and a worker without work cost."""

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
from harness.process import cpu_time, switches
from harness.watch import watching

__all__ = ("MEASURE",)

_BOTH = (OURS_THREADING, OURS_EVENTLET)
_SETTLE = 3.0
_WINDOW = 10.0


def _take(contestant: Contestant) -> dict[str, float]:
    with watching(contestant.workers(2)) as program:
        who = {"parent": program.pid, "worker": program.workers(2)[0].pid}
        time.sleep(_SETTLE)
        before = {name: _look(pid) for name, pid in who.items()}
        time.sleep(_WINDOW)
        numbers = {}
        for name, pid in who.items():
            for what, value in _look(pid).items():
                numbers[f"{name}_{what}"] = value - before[name][what]
    return numbers


def _look(pid: int) -> dict[str, float]:
    counted = switches(pid)
    return {
        "voluntary": counted.voluntary,
        "involuntary": counted.involuntary,
        "cpu_ms": cpu_time(pid) * 1000,
    }


def _rows(name: str) -> tuple[Row, ...]:
    return (
        Row(
            f"idle {name}, 10 s: switches",
            f"{name}_voluntary",
            at_most(0),
            judged=_BOTH,
        ),
        Row(f"idle {name}, 10 s: involuntary switches", f"{name}_involuntary"),
        Row(f"idle {name}, 10 s: CPU, ms", f"{name}_cpu_ms"),
    )


MEASURE = Measure(
    "idle",
    (*LIBRARIES, FLOOR, COTYLEDON, GUNICORN),
    _take,
    (*_rows("parent"), *_rows("worker")),
    rounds=2,
)
