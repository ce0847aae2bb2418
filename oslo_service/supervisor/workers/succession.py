# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Replacing workers while all of them serve: each successor is ready first.

For a rolling reload, for taking one back, and for recycling. One at a time in a
pool, so that it never has more than one worker too many, or one too few.

Times are monotonic, in seconds, and always given by the caller.
"""

from collections.abc import Callable, Iterator

from oslo_service.supervisor.events import Cause
from oslo_service.supervisor.workers.actions import (
    Action,
    Adopt,
    ReportLate,
    ReportRecycling,
    ReportRollbackFailed,
    ReportRollFailed,
)
from oslo_service.supervisor.workers.pool_workers import PoolWorkers
from oslo_service.supervisor.workers.slots import Slot, Worker, pause

__all__ = ("Succession",)


class Succession:
    """Decides who gets a successor next, and what becomes of it.

    :param pool: the workers.
    """

    def __init__(self, pool: PoolWorkers) -> None:
        self._pool = pool
        self._latest = 0
        # What a rolling reload brings; None: there is none in progress.
        self._target: int | None = None
        # Of which it has been said that they do not get back what they had.
        self._stuck: set[Slot] = set()
        self._told: list[Action] = []

    # Facts

    def roll(self) -> None:
        """Have every worker replaced, by one with a configuration that is new."""
        self._latest = max(self._latest, self._pool.generation) + 1
        self._target = self._latest
        self._stuck.clear()
        for slot in self._pool.slots:
            slot.failures, slot.succeed_not_before = 0, 0.0

    def recycle(self, wanted: Callable[[Slot], bool]) -> int:
        """Have workers replaced, by such as are the same; return how many.

        :param wanted: whether that of a slot is one of them.
        """
        found = [slot for slot in self._pool.slots if wanted(slot)]
        for slot in found:
            if slot.current is not None and slot.current.due is None:
                slot.current.due = Cause.RECYCLED
        return len(found)

    def lost(self, worker: Worker, now: float) -> None:
        """Record that a worker is gone, or hangs, and was not told to stop."""
        slot = worker.slot
        if slot.successor is worker:
            slot.successor = None
            self._count_failure(slot, now)
            if self._is_taken_back(slot) and slot not in self._stuck:
                self._stuck.add(slot)
                self._told.append(ReportRollbackFailed(worker))
        if worker.generation == self._target:
            self._fail(worker)

    def refused(self, slot: Slot, now: float) -> None:
        """Record that the system has no room for a successor: it is waited for."""
        slot.successor = None
        slot.succeed_not_before = now + pause(slot.refusals)

    # The state

    @property
    def unsettled(self) -> bool:
        """Whether there are workers with another configuration than the parent's."""
        rolling = self._target is not None
        return rolling or any(self._is_ahead(slot) for slot in self._pool.slots)

    def deadlines(self) -> Iterator[float]:
        """Return when :meth:`advance` has more to do even if nothing happens."""
        limits = self._pool.limits
        busy = False
        for slot in self._pool.slots:
            if slot.successor is not None:
                busy = True
                if limits.start_timeout:
                    yield slot.successor.started_at + limits.start_timeout
        if not busy:
            for slot in self._pool.slots:
                if self._is_wanted(slot):
                    yield slot.succeed_not_before

    # What follows

    def advance(self, now: float) -> Iterator[Action]:
        """Return what is to be done now; it counts as done."""
        for slot in self._pool.slots:
            yield from self._settle(slot, now)
        if self._target is not None and all(
            slot.current is not None and slot.current.generation == self._target
            for slot in self._pool.slots
        ):
            self._pool.adopt(self._target)
            self._target = None
            yield Adopt()
        told, self._told = self._told, []
        yield from told
        yield from self._begin(now)

    def _settle(self, slot: Slot, now: float) -> Iterator[Action]:
        """Let a successor that is ready follow; give up one that is not in time."""
        successor = slot.successor
        if successor is None:
            return
        wanted = self._pool.generation if self._target is None else self._target
        if successor.generation != wanted:
            yield from self._pool.order_stop(successor, now)
            slot.successor = None
        elif self._is_late(successor, now):
            seconds = self._pool.limits.start_timeout
            yield ReportLate(successor, seconds)
            yield from self._pool.order_stop(successor, now)
            self.lost(successor, now)
        elif successor.ready_at is not None:
            yield from self._follow(slot, successor, now)

    def _is_late(self, successor: Worker, now: float) -> bool:
        limit = self._pool.limits.start_timeout
        ready_at = now if successor.ready_at is None else successor.ready_at
        return bool(limit) and ready_at >= successor.started_at + limit

    def _follow(self, slot: Slot, successor: Worker, now: float) -> Iterator[Action]:
        old, slot.current, slot.successor = slot.current, successor, None
        slot.failures = slot.crashes = 0
        if old is not None:
            cause = Cause.ORDERED if self.unsettled else old.due or Cause.ORDERED
            if cause is not Cause.ORDERED:
                self._pool.restarts[cause] += 1
            yield from self._pool.order_stop(old, now, cause)
        else:
            self._pool.count_vacancy(slot)

    def _begin(self, now: float) -> Iterator[Action]:
        slots = self._pool.slots
        if any(slot.successor is not None for slot in slots):
            return
        for slot in slots:
            if self._is_wanted(slot) and now >= slot.succeed_not_before:
                generation = self._pool.generation
                if self._target is not None:
                    generation = self._target
                elif slot.current is not None and not self._is_ahead(slot):
                    yield ReportRecycling(
                        slot.current, slot.current.due or Cause.RECYCLED
                    )
                yield self._pool.start_successor(slot, now, generation)
                return

    def _is_wanted(self, slot: Slot) -> bool:
        """Whether a slot is to get a successor."""
        if slot.dismissed is not None:
            return False  # the one before has to end first: they would pile up
        worker = slot.current
        if self._target is not None:
            return worker is None or worker.generation != self._target
        if worker is None or worker.ordered:
            return False
        # One that a reload replaces anyway is not recycled.
        current = worker.generation == self._pool.generation
        recycled = worker.due is not None and worker.ready_at is not None
        return self._is_ahead(slot) or (current and recycled)

    def _is_ahead(self, slot: Slot) -> bool:
        """Whether a slot has what a reload has brought that was not carried out."""
        worker = slot.current
        return worker is not None and worker.generation > self._pool.generation

    def _is_taken_back(self, slot: Slot) -> bool:
        return self._target is None and self._is_ahead(slot)

    def _count_failure(self, slot: Slot, now: float) -> None:
        slot.failures += 1
        slot.succeed_not_before = now + pause(slot.failures)

    def _fail(self, worker: Worker) -> None:
        self._target = None
        self._told.append(ReportRollFailed(worker))
