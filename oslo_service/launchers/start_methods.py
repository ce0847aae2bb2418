# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How worker processes begin."""

import sys
from typing import Any

from oslo_service import backend
from oslo_service.supervisor.workers import forking
from oslo_service.supervisor.workers.plan import StartMethod

__all__ = ("FORK", "SPAWN", "called", "check_start_method")

FORK, SPAWN = "fork", "spawn"


def check_start_method(method: str | None, driver: Any) -> None:
    """Refuse a start method that there is not, or not on this driver.

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
    """Return what starts a worker, by the name of the method."""
    if method == FORK:
        return forking.fork
    # Not earlier: it needs much that nobody else does.
    from oslo_service.supervisor.workers import spawning

    return spawning.spawn
