# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where a member of a cluster is that is no process of its own: in a test."""

import contextvars
from typing import Any, Protocol

from oslo_service.clustering.clocks import Clocks

__all__ = ("Place", "acting")


class Place(Protocol):
    """Where a member of a cluster is.

    :ivar clocks: its clocks.
    """

    clocks: Clocks

    def member(self, options: Any) -> Any:
        """Return the member, started, for what the options say."""


#: In whose place the calling task acts; None: in that of this process.
acting: contextvars.ContextVar[Place | None] = contextvars.ContextVar(
    "acting", default=None
)
