# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Worker processes: the state machine of the pool, and what does as it says."""
