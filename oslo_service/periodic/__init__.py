# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks: declaring them, and running them concurrently, or in processes."""
