# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services, and the launchers that run them."""

from oslo_service._common.service_base import ServiceBase
from oslo_service.launchers.launchers import (
    Launcher,
    ProcessLauncher,
    ServiceLauncher,
    launch,
)
from oslo_service.launchers.service import Service
from oslo_service.launchers.services import Services, ServiceWrapper
from oslo_service.launchers.signal_handlers import (
    SignalExit,
    SignalHandler,
    Singleton,
    _is_daemon,
    _is_sighup_and_daemon,
)
from oslo_service.opts import list_opts

__all__ = (
    "Launcher",
    "ProcessLauncher",
    "Service",
    "ServiceBase",
    "ServiceLauncher",
    "ServiceWrapper",
    "Services",
    "SignalExit",
    "SignalHandler",
    "Singleton",
    "_is_daemon",
    "_is_sighup_and_daemon",
    "launch",
    "list_opts",
)
