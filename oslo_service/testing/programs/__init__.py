# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Programs that the tests run as real processes."""
