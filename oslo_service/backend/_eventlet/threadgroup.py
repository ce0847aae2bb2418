# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Thread groups that run on Eventlet, whatever is selected."""

from typing import TYPE_CHECKING

from oslo_service import threadgroup
from oslo_service.compat.bound import bind_all

if TYPE_CHECKING:
    from oslo_service.threadgroup import *  # noqa: F403 - they are kinds of these

__all__ = threadgroup.__all__

globals().update(bind_all("eventlet", threadgroup))
