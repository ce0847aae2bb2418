# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The time of everything but looping calls, which have a clock of their own."""

from time import monotonic as now

#: Returns the monotonic time in seconds; a test can put another clock here.
__all__ = ("now",)
