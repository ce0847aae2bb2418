# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Keeps copies of what is published elsewhere."""

from oslo_service import backend

# Until an operator says otherwise.
backend.register_backend_default_hook(lambda: backend.BackendType.EVENTLET)
