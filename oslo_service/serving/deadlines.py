# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which of many connections is due next: a heap of buckets."""

import heapq
from typing import Generic, Protocol, TypeVar

__all__ = ("Deadlines", "Due")

# How many buckets there are in a second.
_RATE = 4


class Due(Protocol):
    """What has a deadline.

    :ivar bucket: the one in which it is; None: in none. For :class:`Deadlines` alone.
    """

    bucket: int | None

    @property
    def deadline(self) -> float | None:
        """When it is due, or None; it may be extended at any time."""


T = TypeVar("T", bound=Due)


class Deadlines(Generic[T]):
    """The deadlines of many things, most of which are extended all the time.

    Extending one costs nothing: each is looked at when it was due first, and again
    when it is due now. Only what becomes due earlier is to be recorded again
    (:meth:`note`). They are kept to a quarter of a second, never early.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, set[T]] = {}
        # Of the numbers of the buckets.
        self._heap: list[int] = []

    @property
    def next(self) -> float | None:
        """When to look next; None: there is no need to."""
        heap = self._heap
        while heap and not self._buckets[heap[0]]:
            del self._buckets[heapq.heappop(heap)]
        return heap[0] / _RATE if heap else None

    def note(self, thing: T) -> bool:
        """Record a deadline that is new, or may be earlier than it was.

        :returns: whether it is the next one.
        """
        deadline = thing.deadline
        if deadline is None:
            return False
        bucket = int(deadline * _RATE) + 1
        if thing.bucket is not None:
            if thing.bucket <= bucket:
                return False
            self.forget(thing)
        thing.bucket = bucket
        things = self._buckets.get(bucket)
        if things is not None:
            things.add(thing)
        else:
            self._buckets[bucket] = {thing}
            heapq.heappush(self._heap, bucket)
        return self._heap[0] == bucket

    def forget(self, thing: T) -> None:
        """Record that a thing is no more."""
        if thing.bucket is not None:
            self._buckets[thing.bucket].discard(thing)
            thing.bucket = None

    def due(self, now: float) -> list[T]:
        """Return what is due, once."""
        found = []
        while self._heap and self._heap[0] <= now * _RATE:
            for thing in self._buckets.pop(heapq.heappop(self._heap)):
                thing.bucket = None
                if thing.deadline is not None and thing.deadline <= now:
                    found.append(thing)
                else:
                    self.note(thing)
        return found
