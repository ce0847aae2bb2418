# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What every floor uses: the clock, names for logs, extras, deprecation."""
