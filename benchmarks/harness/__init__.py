# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What takes measures, side by side, and compares them."""
