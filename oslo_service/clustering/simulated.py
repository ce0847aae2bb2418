# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Processes of a cluster that tests simulate within one process."""

import contextvars
from typing import Any, Protocol

from oslo_service.clustering.clocks import Clocks

__all__ = ("SimulatedProcess", "simulated")


class SimulatedProcess(Protocol):
    """The part in the cluster of a task that acts as a process of its own.

    :ivar clocks: its clocks.
    """

    clocks: Clocks

    def member(self, options: Any) -> Any:
        """Return the member, started, for some options."""


#: The process that the calling task acts as; None: the one that it is in.
simulated: contextvars.ContextVar[SimulatedProcess | None] = contextvars.ContextVar(
    "simulated", default=None
)
