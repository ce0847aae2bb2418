# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks: calls side by side, and calls in other processes."""
