# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What launchers of all kinds do alike: checks, and what a process gets besides."""

import functools
import logging
import os
from typing import Any

from oslo_config import cfg

from oslo_service import backdoor, backend, systemd
from oslo_service._common.deprecation import warn_once
from oslo_service._common.service_base import ServiceBase
from oslo_service.backend.base import Driver
from oslo_service.supervisor import loop
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.systemd import notifier
from oslo_service.supervisor.workers import worker

__all__ = (
    "FORK",
    "SPAWN",
    "check_service",
    "check_start_method",
    "check_workers",
    "open_backdoor",
    "starter",
    "tell_systemd",
    "warn_of_handle_signal",
    "with_backdoor",
)

LOG = logging.getLogger(__name__)

#: How workers begin.
FORK, SPAWN = "fork", "spawn"


def starter(method: str, driver: Any, settings: Settings) -> Any:
    """Return what starts a worker process, by the name of the method."""
    if method == FORK:
        return functools.partial(worker.fork, driver, settings, open_backdoor)
    from oslo_service.supervisor.workers import spawning

    return functools.partial(spawning.start, driver, settings, open_backdoor)


def warn_of_handle_signal(kind: type) -> None:
    """Warn once that ``handle_signal()`` is deprecated."""
    warn_once(
        f"{kind.__name__}.handle_signal()",
        "omit it: a launcher handles signals; SignalHandler adds handlers",
        stacklevel=3,
    )


def tell_systemd(supervisor: loop.Supervisor) -> None:
    """Have systemd told how the services fare; a worker tells its parent instead.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    if supervisor.has_parent:
        return
    supervisor.on_ready = lambda *further: systemd.notify_once(*further)
    if supervisor.manager is None:
        supervisor.manager = notifier.of_environment()


def open_backdoor(service: ServiceBase, driver: Driver, settings: Settings) -> None:
    """Give a service, and the process that it is to run in, a back door."""
    port: int | str | None = None
    try:
        port = backdoor.open_if_enabled(driver, settings.conf)
    except (cfg.Error, ValueError):  # read again since the launcher has accepted it
        LOG.exception("Process %d has no back door", os.getpid())
    with_backdoor(service, port)


def with_backdoor(service: ServiceBase, port: int | str | None) -> ServiceBase:
    """Record in a service where its back door listens; return the service."""
    service.backdoor_port = port  # type: ignore[attr-defined]
    return service


def check_service(service: object) -> None:
    """Refuse what a launcher cannot run.

    :raises TypeError: it is not a :class:`ServiceBase`.
    """
    if not isinstance(service, ServiceBase):
        raise TypeError(
            f"a launcher runs instances of oslo_service.service.ServiceBase,"
            f" not {service!r}"
        )


def check_workers(workers: object) -> int:
    """Return how many workers are meant.

    :raises TypeError: it is not an integer.
    :raises ValueError: it is less than 1.
    """
    if workers is None:
        return 1
    if not isinstance(workers, int) or isinstance(workers, bool):
        raise TypeError(f"workers is an integer or None, not {workers!r}")
    if workers < 1:
        raise ValueError(f"workers is 1 or more, not {workers}")
    return workers


def check_start_method(method: str | None, driver: Any) -> None:
    """Refuse a start method that there is not, or not on this driver.

    :raises ValueError: there is no such method.
    :raises UnsupportedBackendError: the driver cannot do it.
    """
    if method not in (None, FORK, SPAWN):
        raise ValueError(f"start_method is 'fork' or 'spawn', not {method!r}")
    if method == SPAWN and not driver.capabilities.spawn_workers:
        raise backend.exceptions.UnsupportedBackendError(
            f"start_method='spawn' is not possible on the driver {driver.name!r}"
        )
