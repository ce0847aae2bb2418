# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a periodic task costs, and those that run in processes of their own."""

from harness.contestants import (
    FLOOR,
    LIBRARIES,
    OURS_EVENTLET,
    OURS_THREADING,
    UPSTREAM_THREADING,
)
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURES",)

_OURS = (OURS_THREADING, OURS_EVENTLET)

MEASURES = (
    Measure(
        "periodic",
        (*LIBRARIES, FLOOR),
        lambda contestant: contestant.run("periodic"),
        (
            Row("periodic task, due: CPU, µs", "due_us", at_most(5), judged=_OURS),
            Row(
                "periodic task, not due: CPU, µs",
                "none_us",
                at_most(1 / 4, UPSTREAM_THREADING),
                judged=_OURS,
            ),
        ),
    ),
    Measure(
        "periodic-processes",
        (OURS_THREADING, OURS_EVENTLET, UPSTREAM_THREADING),
        lambda contestant: contestant.run("periodic_processes"),
        (
            Row("periodic tasks in processes, the first time: ms", "first_ms"),
            Row("periodic tasks in processes, later: ms", "later_ms"),
        ),
        rounds=3,
    ),
)
