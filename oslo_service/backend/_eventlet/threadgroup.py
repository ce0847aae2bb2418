# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Thread groups that run on Eventlet, whatever is selected."""

from oslo_service import threadgroup
from oslo_service._bound import bind
from oslo_service.threadgroup import Thread

__all__ = ("Thread", "ThreadGroup")

ThreadGroup = bind("eventlet", threadgroup.ThreadGroup)
