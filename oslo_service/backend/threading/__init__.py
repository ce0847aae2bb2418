# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The native-threading driver: a task is an operating system thread."""

from oslo_service.backend.threading._driver import ThreadingDriver

__all__ = ("ThreadingDriver",)
