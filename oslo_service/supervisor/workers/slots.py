# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Slots and the workers in them, as the state machine of a pool knows them.

Times are monotonic, in seconds, and always given by the caller.
"""

import collections
import dataclasses

from oslo_service._common.records import State

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
    :ivar surplus: whether it is one too many: it gets no worker any more.
    :ivar losses: when it has lost workers unexpectedly, lately.
    :ivar exhausted: whether that was too often, the last time.
    """

    spec: object
    index: int
    current: "Worker | None" = None
    crashes: int = 0
    not_before: float = 0.0
    refusals: int = 0
    died: bool = False
    surplus: bool = False
    losses: collections.deque[float] = dataclasses.field(
        default_factory=collections.deque
    )
    exhausted: bool = False


class Worker(State):
    """A process, from the decision to start it until it is reaped."""

    number: int
    slot: Slot
    generation: int
    started_at: float
    ready_at: float | None = None
    ordered: bool = False
    stopped: bool = False
    deadline: float | None = None
    killed: bool = False
    refusals: int = 0
    order_due: float | None = None
    kill_not_before: float = 0.0
    asked: bool = False
    mutations: int = 0

    def is_silent(self, now: float) -> bool:
        """Whether it should have been heard of by now.

        One that starts or stops has its own time for it.
        """
        if self.ordered:
            return False
        if self.ready_at is None:
            return now >= self.started_at + STARTING + BEGINNING
        return self.asked


def pause(times: int) -> float:
    """Return how long a slot stays empty when that has happened so often."""
    return min(FIRST_PAUSE * 2.0 ** min(times - 1, 32), LONGEST_PAUSE)
