# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looping calls and retries: schedules, clocks, the event that asks for an end."""
