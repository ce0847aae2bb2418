# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The one place that time comes from: a test can put another clock here."""

from time import monotonic as now

#: Gives the monotonic time in seconds.
__all__ = ("now",)
