# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Programs with worker processes, of the library and of its peers."""
