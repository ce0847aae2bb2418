# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Telling the parent until when this process is sure to hold a lock."""

import math

from oslo_service.clustering import host
from oslo_service.clustering.lock_listener import Held, LockListener

__all__ = ("LeaseReporter",)


class LeaseReporter(LockListener):
    """Tells the parent until when this process is sure to hold a lock.

    :param name: of the lock.
    :param deadly: whether the parent is to kill this process if it still does, at
        that time, what only the holder of the lock may do.
    """

    def __init__(self, name: str, *, deadly: bool = False) -> None:
        self._name = name
        self._deadly = deadly

    def renewed(self, until: float) -> None:
        """Tell the parent until when, by the time since boot."""
        if math.isfinite(until) and host.has_parent():
            host.tell("hold", self._name, until, self._deadly)

    def over(self) -> None:
        """Tell the parent that this process no longer does what needs the lock."""
        if host.has_parent():
            host.tell("hold_no_more", self._name)

    def lost(self, candidate: Held) -> None:  # noqa: ARG002
        """Tell the parent, unless that is to kill this process if it goes on."""
        if not self._deadly:
            self.over()
