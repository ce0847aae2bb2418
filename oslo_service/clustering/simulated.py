# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster that are no processes of their own: in tests."""

import contextvars
from typing import Any, Protocol

from oslo_service.clustering.clocks import Clocks

__all__ = ("SimulatedProcess", "simulated")


class SimulatedProcess(Protocol):
    """What a task has of the cluster that acts for a process of its own.

    :ivar clocks: its clocks.
    """

    clocks: Clocks

    def member(self, options: Any) -> Any:
        """Return the member, started, for what the options say."""


#: The process that the calling task acts for; None: the one that it is in.
simulated: contextvars.ContextVar[SimulatedProcess | None] = contextvars.ContextVar(
    "simulated", default=None
)
