# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The back door: a Python console in a process that runs, for debugging."""

from oslo_service.backdoor.door import is_wanted, open_if_enabled

__all__ = ("is_wanted", "open_if_enabled")
