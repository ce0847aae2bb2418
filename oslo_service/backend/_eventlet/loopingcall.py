# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looping calls and retries that run on Eventlet, whatever is selected."""

from typing import TYPE_CHECKING

from oslo_service import loopingcall
from oslo_service.compat.bound import bind_all

if TYPE_CHECKING:
    from oslo_service.loopingcall import *  # noqa: F403 - they are kinds of these

__all__ = loopingcall.__all__

globals().update(bind_all("eventlet", loopingcall))
