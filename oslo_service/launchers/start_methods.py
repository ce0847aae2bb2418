# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How worker processes begin."""

import sys

from oslo_service import backend
from oslo_service.backend.base import Driver
from oslo_service.supervisor.workers import forking
from oslo_service.supervisor.workers.plan import StartMethod

__all__ = ("FORK", "SPAWN", "called", "check_start_method")

FORK, SPAWN = "fork", "spawn"


def check_start_method(method: str | None, driver: Driver) -> None:
    """Refuse a start method that does not exist, or not on this driver.

    :param method: its name; None: the default.
    :param driver: what the launcher runs on.
    :raises ValueError: there is no such method.
    :raises UnsupportedBackendError: the driver cannot do it.
    """
    if method not in (None, FORK, SPAWN):
        raise ValueError(f"start_method is 'fork' or 'spawn', not {method!r}")
    if method == SPAWN and getattr(sys, "frozen", False):
        raise backend.exceptions.UnsupportedBackendError(
            "start_method='spawn' runs sys.executable, which in a frozen program is the"
            " program itself: use start_method='fork'"
        )
    if method == SPAWN and not driver.capabilities.spawn_workers:
        raise backend.exceptions.UnsupportedBackendError(
            f"start_method='spawn' is not possible on the driver {driver.name!r}"
        )


def called(method: str) -> StartMethod:
    """Return the function that starts a worker, for a process that is about to.

    :param method: the name of the start method.
    """
    if method == FORK:
        forking.prepare()
        return forking.fork
    # Not earlier: it imports much that forking does not need.
    from oslo_service.supervisor.workers import spawning

    return spawning.spawn
