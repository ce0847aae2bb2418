# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process reports of itself: its status, its health, its work in progress."""
