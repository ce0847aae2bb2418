# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What starting, stopping and awaiting a looping call costs."""

from harness.contestants import FLOOR, LIBRARIES
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURE",)

MEASURE = Measure(
    "loops",
    (*LIBRARIES, FLOOR),
    lambda contestant: contestant.run("loops"),
    (
        Row("loop, start + stop + wait: µs", "us", at_most(1.1, FLOOR)),
        Row("loop, start + stop + wait: CPU, µs", "cpu_us", at_most(1.1, FLOOR)),
    ),
    rounds=9,
)
