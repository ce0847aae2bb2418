# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Thread groups: members, their slots, and who waits for whom."""
