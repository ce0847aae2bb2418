# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a thread of a group costs."""

from harness.contestants import FLOOR, LIBRARIES, UPSTREAM_THREADING
from harness.measure import Measure, Row, at_least, at_most

__all__ = ("MEASURE",)

MEASURE = Measure(
    "groups",
    (*LIBRARIES, FLOOR),
    lambda contestant: contestant.run("groups"),
    (
        Row("add_thread: CPU, µs", "cpu_us", at_most(1, UPSTREAM_THREADING)),
        Row("add_thread: µs", "us"),
        Row("add_thread: right results, %", "right_percent", at_least(100)),
    ),
)
