# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What calling a function by way of RetryDecorator costs."""

from harness.contestants import FLOOR, LIBRARIES, TENACITY, UPSTREAM_THREADING
from harness.measure import Measure, Row, at_least

__all__ = ("MEASURE",)

MEASURE = Measure(
    "retry",
    (*LIBRARIES, FLOOR, TENACITY),
    lambda contestant: contestant.run("retry"),
    (
        Row("retry: calls/s", "calls_per_s", at_least(100, UPSTREAM_THREADING)),
        Row("retry: CPU a call, µs", "cpu_us"),
    ),
)
