# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Having the parent know until when this process is sure to have a lock."""

import math

from oslo_service.clustering import host
from oslo_service.clustering.listener import Held, Listener

__all__ = ("Holder",)


class Holder(Listener):
    """Has the parent know until when this process is sure to have a lock.

    :param name: of the lock.
    :param deadly: whether the parent is to kill this process if it still does then
        what takes the lock.
    """

    def __init__(self, name: str, *, deadly: bool = False) -> None:
        self._name = name
        self._deadly = deadly

    def renewed(self, until: float) -> None:
        """Tell until when."""
        if math.isfinite(until) and host.has_parent():
            host.tell("hold", self._name, until, self._deadly)

    def over(self) -> None:
        """Tell that nothing is done any more that takes the lock."""
        if host.has_parent():
            host.tell("hold_no_more", self._name)

    def lost(self, candidate: Held) -> None:  # noqa: ARG002
        """Tell that it is over: who is not to be killed for it knows, and stops."""
        if not self._deadly:
            self.over()
