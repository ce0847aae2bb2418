# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services, and the launchers that run them."""

from oslo_config import cfg

from oslo_service._common.public_names import set_modules
from oslo_service._common.service_base import ServiceBase
from oslo_service.launchers.argument_checks import check_service, check_workers
from oslo_service.launchers.process_launcher import ProcessLauncher
from oslo_service.launchers.service import Service
from oslo_service.launchers.service_launcher import Launcher, ServiceLauncher
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

set_modules(globals())


def launch(
    conf: cfg.ConfigOpts,
    service: ServiceBase,
    workers: int | None = 1,
    restart_method: str = "reload",
    no_fork: bool = False,
    start_method: str | None = None,
) -> ServiceLauncher | ProcessLauncher:
    """Start a service, in this process or in worker processes.

    :param conf: the configuration.
    :param service: the service.
    :param workers: 1 or None: in this process; more: a parent and so many
        workers.
    :param restart_method: see :class:`Launcher` and :class:`ProcessLauncher`.
    :param no_fork: see :class:`ProcessLauncher`.
    :param start_method: see :class:`ProcessLauncher`.
    :returns: the launcher; its ``wait()`` is to be called next.
    :raises TypeError: ``service`` is not a :class:`ServiceBase`, or ``workers``
        is not an integer.
    :raises ValueError: ``workers`` is less than 1, or there is no such method.
    :raises UnsupportedBackendError: the driver cannot be used here.
    """
    check_service(service)
    launcher: ServiceLauncher | ProcessLauncher
    if check_workers(workers) == 1:
        launcher = ServiceLauncher(conf, restart_method, start_method)
    else:
        launcher = ProcessLauncher(
            conf,
            restart_method=restart_method,
            no_fork=no_fork,
            start_method=start_method,
        )
    launcher.launch_service(service, workers=workers)
    return launcher
