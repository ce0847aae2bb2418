# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a tick costs, and when ticks come."""

from harness.contestants import FLOOR, LIBRARIES
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURES",)

_TICKS = Measure(
    "ticks",
    (*LIBRARIES, FLOOR),
    lambda contestant: contestant.run("ticks"),
    (
        Row("tick at interval 0: CPU, µs", "cpu_us", at_most(2, FLOOR)),
        Row("ticks at interval 0, /s", "ticks_per_s"),
    ),
)

_INTERVALS = Measure(
    "intervals",
    (*LIBRARIES, FLOOR),
    lambda contestant: contestant.run("intervals"),
    (
        Row("interval 4 ms: ticks off, %", "off_4ms", at_most(1)),
        Row("interval 16 ms: ticks off, %", "off_16ms", at_most(1)),
    ),
    rounds=3,
)

_LATENESS = Measure(
    "lateness",
    (*LIBRARIES, FLOOR),
    lambda contestant: contestant.run("lateness"),
    (
        Row("last of 200 ticks: off, ms", "last_ms", at_most(3, FLOOR)),
        Row("last ten: off, ms", "last_ten_ms", at_most(3, FLOOR)),
        Row("last of 200 that work 4 ms: off, ms", "busy_last_ms", at_most(3, FLOOR)),
        Row("last ten that work 4 ms: off, ms", "busy_last_ten_ms", at_most(3, FLOOR)),
    ),
    rounds=3,
)

MEASURES = (_TICKS, _INTERVALS, _LATENESS)
