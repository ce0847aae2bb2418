# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What runs inside one process of a contestant, and prints its numbers."""
