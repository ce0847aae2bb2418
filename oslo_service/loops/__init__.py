# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looping calls: schedules, the manual clock, the event that asks for an end."""
