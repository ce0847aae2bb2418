# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who is told that a lock was taken, and that it goes."""

import math
from typing import Protocol

from oslo_service._common.records import Record

__all__ = ("Held", "Listener", "Term")


class Term(Record):
    """One time for which a lock is held without a break.

    :ivar number: of the terms of this process.
    :ivar since: when it began, by the time of day.
    :ivar vacant_since: since when nobody may have had the lock.
    """

    number: int
    since: float
    vacant_since: float = math.inf


class Held(Protocol):
    """A lock that was taken, as far as who is told of it has to do with it."""

    def keep(self) -> None:
        """Have it not given back before it is let go."""

    def let_go(self) -> None:
        """Let it be given back, as far as this use of it is concerned."""

    def release_soon(self) -> None:
        """Have it given back, as soon as it is not in use; asked for no more."""


class Listener:
    """What is done when a lock is taken, and when it goes. Non-blocking."""

    def taken(self, candidate: Held) -> None:
        """Called when it has been taken."""

    def endangered(self) -> None:
        """Called once where it has not been confirmed for long: it may go soon."""

    def renewed(self, until: float) -> None:
        """Called when it is sure to be held until then, by the time since boot."""

    def lost(self, candidate: Held) -> None:
        """Called when it is not sure to be held any more; not when it is given back."""
