# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How worker processes begin."""

import functools
from typing import Any

from oslo_service import backend
from oslo_service.launchers.process_backdoor import open_backdoor
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.workers import worker

__all__ = ("FORK", "SPAWN", "check_start_method", "starter")

FORK, SPAWN = "fork", "spawn"


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


def starter(method: str, driver: Any, settings: Settings) -> Any:
    """Return what starts a worker process, by the name of the method."""
    if method == FORK:
        return functools.partial(worker.fork, driver, settings, open_backdoor)
    from oslo_service.supervisor.workers import spawning

    return functools.partial(spawning.start, driver, settings, open_backdoor)
