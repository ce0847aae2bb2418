# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looping calls and retries: schedules, clocks, and the event that asks to stop."""
