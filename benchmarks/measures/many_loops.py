# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What 1,000 loops at 1 s cost."""

from harness.contestants import FLOOR, LIBRARIES, UPSTREAM_THREADING
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURE",)

MEASURE = Measure(
    "many-loops",
    (*LIBRARIES, FLOOR),
    lambda contestant: contestant.run("many_loops"),
    (
        Row("1,000 loops: CPU a tick, µs", "cpu_us", at_most(0.75, UPSTREAM_THREADING)),
        Row(
            "1,000 loops: RSS each, kB", "memory_kb", at_most(0.75, UPSTREAM_THREADING)
        ),
        Row("1,000 loops: to start all, ms", "start_ms"),
        Row("1,000 loops: ticks of those due, %", "kept_percent"),
    ),
    rounds=3,
)
