# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent asks its workers, and what they tell it unasked."""
