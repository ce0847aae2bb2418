# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The one place that time comes from: a test can put another clock here."""

import time

__all__ = ("now",)


def now() -> float:
    """Give the monotonic time in seconds."""
    return time.monotonic()
