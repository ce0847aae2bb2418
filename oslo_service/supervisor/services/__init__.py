# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The services of this process: their state machine, and what does as it says."""
