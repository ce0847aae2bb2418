# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How old a worker may become, and how large: which are due to be recycled.

Times are monotonic, in seconds, and always given by the caller.
"""

from collections.abc import Iterator

from oslo_service.supervisor.events import Cause
from oslo_service.supervisor.workers.actions import Measure
from oslo_service.supervisor.workers.pool_workers import PoolWorkers
from oslo_service.supervisor.workers.slots import Worker

__all__ = ("MEASURING", "Lifespans")

#: How often the memory of workers is looked at, in seconds, where it is limited.
MEASURING = 5.0


class Lifespans:
    """Finds those that are due to be recycled.

    :param pool: the workers.
    """

    def __init__(self, pool: PoolWorkers) -> None:
        self._pool = pool
        self._measure_at: float | None = None

    def measured(self, worker: Worker, size: int) -> None:
        """Record how many bytes a worker uses."""
        limit = self._pool.limits.worker_max_memory
        if worker.slot.current is not worker:
            return  # it is on its way, or about to serve
        if limit and size > self._share(worker, limit):
            self.note(worker, Cause.MEMORY)

    def note(self, worker: Worker, cause: Cause) -> None:
        """Record that a worker is due."""
        if worker.due is None:
            worker.due = cause

    def advance(self, now: float) -> Iterator[Measure]:
        """Look for those that are due; say when they are to be measured."""
        for worker, due in self._ages():
            if now >= due:
                self.note(worker, Cause.AGE)
        if not self._pool.limits.worker_max_memory:
            self._measure_at = None
        elif self._measure_at is None or now >= self._measure_at:
            self._measure_at = now + MEASURING
            yield Measure()

    def deadlines(self) -> Iterator[float]:
        """Return when :meth:`advance` has more to do even if nothing happens."""
        if self._measure_at is not None:
            yield self._measure_at
        for _, due in self._ages():
            yield due

    def _ages(self) -> Iterator[tuple[Worker, float]]:
        limit = self._pool.limits.worker_max_age
        if not limit:
            return
        for slot in self._pool.slots:
            worker = slot.current
            if worker is None or worker.ordered or worker.due is not None:
                continue
            if worker.ready_at is not None:
                yield worker, worker.started_at + self._share(worker, limit)

    def _share(self, worker: Worker, limit: float) -> float:
        """Return a worker's own limit: or all would be replaced together."""
        return limit * (1 - self._pool.limits.worker_jitter * worker.chance)
