# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Thread groups: threads, members, their slots, waiting for them, ending them."""
