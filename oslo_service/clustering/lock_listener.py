# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is told of a lock: that it was taken, renewed, endangered, lost."""

import math
from typing import Protocol

from oslo_service._common.records import Record

__all__ = ("Held", "LockListener", "Term")


class Term(Record):
    """A time for which a lock is held without a break.

    :ivar number: counts the terms of this process.
    :ivar since: when it began, in seconds since the epoch.
    :ivar vacant_since: since when nobody may have held the lock, likewise.
    """

    number: int
    since: float
    vacant_since: float = math.inf


class Held(Protocol):
    """A lock that was taken, as a listener sees it."""

    def keep(self) -> None:
        """Prevent it from being given back before :meth:`let_go`."""

    def let_go(self) -> None:
        """End one use of it: without any, it may be given back."""

    def release_soon(self) -> None:
        """Have it given back as soon as it is not in use, and not asked for again."""


class LockListener:
    """What is done when a lock is taken, and when it goes. Non-blocking."""

    def taken(self, candidate: Held) -> None:
        """Called when it has been taken."""

    def endangered(self) -> None:
        """Called once when it has not been confirmed for long: it may be lost soon."""

    def renewed(self, until: float) -> None:
        """Called when it is sure to be held until a time, in seconds since boot."""

    def lost(self, candidate: Held) -> None:
        """Called when it may have been lost; not when it is given back."""
