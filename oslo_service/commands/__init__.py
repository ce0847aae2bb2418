# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The commands of ``python -m oslo_service``."""

from oslo_service.commands._program import main

__all__ = ("main",)
