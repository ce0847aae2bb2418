# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding workers that hang: those that do not answer, though they had the time.

Only that time counts in which the parent ran, too: where the machine, or the whole
group of processes, stood still, the workers had none.

Times are monotonic, in seconds, and always given by the caller.
"""

from collections.abc import Iterator

from oslo_service.supervisor.workers.actions import Order
from oslo_service.supervisor.workers.pool_workers import PoolWorkers
from oslo_service.supervisor.workers.slots import Worker

__all__ = ("HangWatch",)

# How often to look, in a worker_timeout: who does not answer is found out after one
# and a quarter of it at the latest.
_LOOKS = 4
# What is lost in adding up the time, in seconds.
_ROUNDING = 1e-6


class HangWatch:
    """Asks the workers, and counts how long they leave that unanswered.

    :param pool: the workers.
    """

    def __init__(self, pool: PoolWorkers) -> None:
        self._pool = pool
        self._looked_at: float | None = None
        self._ask_at = 0.0

    def find(self, now: float) -> list[Worker]:
        """Return the workers that hang."""
        limit = self._pool.limits.worker_timeout
        if not limit:
            self._looked_at = None
            return []
        if self._looked_at is None:
            self._ask_at = now
        else:
            passed = min(now - self._looked_at, limit / _LOOKS)
            for worker in self._pool.workers.values():
                if worker.asked and worker.is_watched(now):
                    worker.silence += passed
        self._looked_at = now
        return [
            worker
            for worker in self._watched(now)
            if worker.asked and worker.silence >= limit - _ROUNDING
        ]

    def ask(self, now: float) -> Iterator[Order]:
        """Return the orders to ask the workers that have answered, when it is time."""
        if self._looked_at is None:
            return
        next_time = now + self._pool.limits.worker_timeout / _LOOKS
        self._ask_at = min(self._ask_at, next_time)  # the limit may be another by now
        if now < self._ask_at:
            return
        self._ask_at = next_time
        for worker in self._watched(now):
            yield from self._pool.ask_worker(worker)

    def deadlines(self) -> Iterator[float]:
        """Return when there is more to do even if nothing happens."""
        if self._looked_at is not None:
            yield self._ask_at

    def _watched(self, now: float) -> Iterator[Worker]:
        return (one for one in self._pool.workers.values() if one.is_watched(now))
