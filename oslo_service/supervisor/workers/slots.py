# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Slots and the workers in them, as the state machine of a pool knows them.

Times are monotonic, in seconds, and always given by the caller.
"""

import collections
import dataclasses

from oslo_service._common.records import State
from oslo_service.supervisor.events import Cause

__all__ = ("STARTING", "Slot", "Worker", "pause")

#: How long a slot in a crash loop stays empty, in seconds: first and longest.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
#: How long a ``start()`` may take, in seconds, before it counts as done.
STARTING = 30.0
#: What a worker is given beyond that, in seconds, before it counts as hung.
BEGINNING = 5.0


class Slot(State):
    """Where one worker of a service runs, and its successors.

    :ivar spec: what the worker runs; opaque here.
    :ivar index: the slot's number among those of its service, from 0.
    :ivar surplus: whether it is one too many: it gets no further worker.
    :ivar current: the worker that serves, or is to.
    :ivar successor: the one that is to serve in its place, once it is ready.
    :ivar dismissed: a successor that was never ready, told to stop, not gone yet.
    :ivar crashes: how many workers have died in a row, each of them early.
    :ivar not_before: when it may get its next worker.
    :ivar refusals: how often in a row the system had no room for a worker.
    :ivar vacated: why the one before has left, where nobody ordered it.
    :ivar failures: how many successors have failed in a row.
    :ivar succeed_not_before: when the next one may be started.
    :ivar losses: when it has lost workers unexpectedly, lately.
    :ivar failure: what its last worker has ended of, in words; opaque here.
    :ivar exhausted: whether that was too often, the last time.
    """

    spec: object
    index: int
    current: "Worker | None" = None
    successor: "Worker | None" = None
    dismissed: "Worker | None" = None
    crashes: int = 0
    not_before: float = 0.0
    refusals: int = 0
    surplus: bool = False
    vacated: Cause | None = None
    failures: int = 0
    succeed_not_before: float = 0.0
    losses: collections.deque[float] = dataclasses.field(
        default_factory=collections.deque
    )
    exhausted: bool = False
    failure: str = ""


class Worker(State):
    """A process, from the decision to start it until it is reaped.

    :ivar number: its number among those that the pool has started.
    :ivar slot: where it runs.
    :ivar generation: how many reloads there were before it.
    :ivar started_at: when that was decided.
    :ivar ready_at: when every ``start()`` had returned.
    :ivar ordered: whether it was told to stop.
    :ivar ordered_at: when that was.
    :ivar stopped: whether every ``stop()`` has returned.
    :ivar deadline: when it is killed; None: no limit applies, or it is to go on.
    :ivar killed: whether that has been done.
    :ivar refusals: how often the system has refused a signal to it.
    :ivar order_due: when to tell it to stop again; None: it need not be told.
    :ivar kill_not_before: when killing it may be tried again.
    :ivar asked: whether it owes an answer.
    :ivar mutations: how many orders to mutate it has not carried out yet.
    :ivar cause: why it ends, once it was told to.
    :ivar due: why it is to be recycled.
    :ivar chance: what makes its own limits differ from those of others, 0 to 1.
    :ivar silence: for how long it could have answered, and has not.
    :ivar failure: what it has failed of, in words; opaque here.
    :ivar hung: whether it was told to stop because it hangs.
    :ivar report_at: when that is to be reported, with its stacks.
    """

    number: int
    slot: Slot
    generation: int
    started_at: float
    ready_at: float | None = None
    ordered: bool = False
    ordered_at: float = 0.0
    stopped: bool = False
    deadline: float | None = None
    killed: bool = False
    refusals: int = 0
    order_due: float | None = None
    kill_not_before: float = 0.0
    asked: bool = False
    mutations: int = 0
    cause: Cause = Cause.UNEXPECTED
    due: Cause | None = None
    chance: float = 0.0
    silence: float = 0.0
    failure: str = ""
    hung: bool = False
    report_at: float | None = None

    def is_watched(self, now: float) -> bool:
        """Whether it has to answer: one that starts or stops has its own time.

        But not where its slot gets no other before it has stopped: in a reload.
        """
        if self.slot.successor is self or (self.ordered and not self._is_in_the_way):
            return False
        return self.ready_at is not None or self._is_overdue(now)

    @property
    def _is_in_the_way(self) -> bool:
        holds = self.slot.current is self and not self.slot.surplus
        return holds and not self.stopped

    def is_silent(self, now: float) -> bool:
        """Whether it should have been heard of by now."""
        if self.ordered or self.slot.successor is self:
            return False
        return self._is_overdue(now) or (self.ready_at is not None and self.asked)

    def _is_overdue(self, now: float) -> bool:
        late = now >= self.started_at + STARTING + BEGINNING
        return self.ready_at is None and late


def pause(times: int) -> float:
    """Return how long a slot stays empty when that has happened so often."""
    return min(FIRST_PAUSE * 2.0 ** min(times - 1, 32), LONGEST_PAUSE)
