# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The Eventlet driver: a task is a green thread."""

from oslo_service.backend.eventlet._driver import EventletDriver

__all__ = ("EventletDriver",)
