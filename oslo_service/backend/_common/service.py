# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has to do with signals, at another place."""

from oslo_service.service import (
    SignalExit,
    Singleton,
)
from oslo_service.service import _is_daemon as is_daemon
from oslo_service.service import _is_sighup_and_daemon as is_sighup_and_daemon

__all__ = ("SignalExit", "Singleton", "is_daemon", "is_sighup_and_daemon")
