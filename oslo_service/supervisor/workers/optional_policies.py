# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The policies of a pool that few need: those that an option, or an order, asks for.

Before, there is nothing of them: they are imported and made here. Those of the options
are made with the pool, or when a reload brings the option.

Times are monotonic, in seconds, and always given by the caller.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from oslo_service._common import lazy_imports
from oslo_service.supervisor.workers.actions import Action, Order
from oslo_service.supervisor.workers.limits import Limits
from oslo_service.supervisor.workers.pool_workers import PoolWorkers
from oslo_service.supervisor.workers.slots import Worker

if TYPE_CHECKING:
    from oslo_service.supervisor.workers import hangs, lifespan, succession
else:
    hangs = lazy_imports.module("oslo_service.supervisor.workers.hangs")
    lifespan = lazy_imports.module("oslo_service.supervisor.workers.lifespan")
    succession = lazy_imports.module("oslo_service.supervisor.workers.succession")

__all__ = ("Policies",)


class Policies:
    """Who hangs, who is due to be recycled, and who follows whom.

    :param pool: the workers.
    :ivar hangs: None: no option asks for it, as with all of them.
    :ivar lifespans: likewise.
    :ivar succession: likewise.
    """

    def __init__(self, pool: PoolWorkers) -> None:
        self._pool = pool
        self._looked_at: Limits | None = None
        self.hangs: hangs.HangWatch | None = None
        self.lifespans: lifespan.Lifespans | None = None
        self.succession: succession.Succession | None = None

    def look_at_limits(self) -> None:
        """Make those that the options ask for, unless that has been done."""
        limits = self._pool.limits
        if limits is self._looked_at:
            return
        # Where there is no descriptor for an import now, it is tried again.
        with contextlib.suppress(ImportError, OSError, MemoryError):
            self._make(limits)
            self._looked_at = limits

    def _make(self, limits: Limits) -> None:
        if limits.worker_timeout and self.hangs is None:
            self.hangs = hangs.HangWatch(self._pool)
        if (
            limits.worker_max_age
            or limits.worker_max_requests
            or limits.worker_max_memory
        ):
            self.make_lifespans()

    def make_lifespans(self) -> "lifespan.Lifespans":
        """Return what finds those that are due, and have them followed."""
        if self.lifespans is None:
            self.lifespans = lifespan.Lifespans(self._pool)
        self.make_succession()
        return self.lifespans

    def make_succession(self) -> "succession.Succession":
        """Return what has workers followed."""
        if self.succession is None:
            self.succession = succession.Succession(self._pool)
        return self.succession

    def find_hung(self, now: float) -> list[Worker]:
        """Return the workers that hang."""
        return [] if self.hangs is None else self.hangs.find(now)

    def ask(self, now: float) -> Iterator[Order]:
        """Return the orders to ask the workers that have answered, when it is time."""
        return iter(()) if self.hangs is None else self.hangs.ask(now)

    def lost(self, worker: Worker, now: float) -> None:
        """Record that a worker is gone, or hangs, and was not told to stop."""
        if self.succession is not None:
            self.succession.lost(worker, now)

    @property
    def unsettled(self) -> bool:
        """Whether there are workers with another configuration than the parent's."""
        return self.succession is not None and self.succession.unsettled

    def advance(self, now: float) -> Iterator[Action]:
        """Return the actions for the workers that are due, and their successors."""
        if self.lifespans is not None:
            yield from self.lifespans.advance(now)
        if self.succession is not None:
            yield from self.succession.advance(now)

    def deadlines(self) -> Iterator[float]:
        """Return when there is more to do even if nothing happens."""
        for policy in (self.succession, self.lifespans, self.hangs):
            if policy is not None:
                yield from policy.deadlines()
