# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What it costs to name a piece of work while it is in progress."""

from harness.contestants import OURS_EVENTLET, OURS_THREADING
from harness.measure import Measure, Row, at_most

__all__ = ("MEASURE",)

_BOTH = (OURS_THREADING, OURS_EVENTLET)

MEASURE = Measure(
    "tracked-work",
    _BOTH,
    lambda contestant: contestant.run("tracked_work"),
    (
        Row("with work.track(): a piece, µs", "track_us", at_most(1), judged=_BOTH),
        Row("@work.tracked: a call, µs", "tracked_us", at_most(1), judged=_BOTH),
    ),
)
