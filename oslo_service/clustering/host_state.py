# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent decides for its workers: a state machine without I/O.

Which of them runs a due time, holds a lock, is in a group; and what each is running,
for the case that it ends. A process is identified by any hashable object.
"""

import dataclasses
from collections.abc import Hashable

from oslo_service._common.records import State
from oslo_service.clustering.due_times import RUN

__all__ = ("HostState", "Interrupted")

Who = Hashable


class Interrupted(State):
    """A due time that a process has begun and not ended.

    :ivar task: the label of the task.
    :ivar due: in seconds since the epoch.
    :ivar again: whether another process may begin it.
    """

    task: str
    due: float
    again: bool = False


class _Worker(State):
    running: dict[tuple[str, float], Interrupted] = dataclasses.field(
        default_factory=dict
    )
    # By lock, until when it is sure to hold it, in seconds since boot.
    holds: dict[str, float] = dataclasses.field(default_factory=dict)
    # Those of these that it is killed for if it still is at work then.
    deadly: set[str] = dataclasses.field(default_factory=set)


class HostState:
    """What a parent decides for its workers."""

    def __init__(self) -> None:
        self._workers: dict[Who, _Worker] = {}
        self._last: dict[str, float] = {}
        self._locks: dict[str, Who] = {}
        self._groups: dict[str, dict[Who, str]] = {}

    def _of(self, who: Who) -> _Worker:
        return self._workers.setdefault(who, _Worker())

    # Due times

    def claim(self, who: Who, task: str, due: float, missed: str) -> bool:
        """Return whether a process may begin a due time: the first that asks."""
        if due <= self._last.get(task, float("-inf")):
            return False
        self._last[task] = due
        self.begun(who, task, due, again=missed == RUN)
        return True

    def begun(self, who: Who, task: str, due: float, again: bool = False) -> None:
        """Record that a process begins a due time."""
        self._of(who).running[task, due] = Interrupted(task, due, again)

    def ended(self, who: Who, task: str, due: float) -> None:
        """Record that it has ended."""
        self._of(who).running.pop((task, due), None)

    # Locks and groups

    def acquire(self, who: Who, name: str) -> bool:
        """Return whether a process holds a lock from now on."""
        return self._locks.setdefault(name, who) == who

    def release(self, who: Who, name: str) -> None:
        """Record that a process gives a lock back."""
        if self._locks.get(name) == who:
            del self._locks[name]

    def join(self, who: Who, group: str, member: str) -> None:
        """Record that a process is a member of a group, and under which name."""
        self._groups.setdefault(group, {})[who] = member

    def leave(self, who: Who, group: str) -> None:
        """Record that a process is not a member any more."""
        self._groups.get(group, {}).pop(who, None)

    def members(self, _who: Who, group: str) -> list[str]:
        """Return the members of a group."""
        return list(self._groups.get(group, {}).values())

    # Leases that a server grants

    def hold(self, who: Who, name: str, until: float, deadly: bool = False) -> None:
        """Record until when a process is sure to hold a lock, in seconds since boot."""
        worker = self._of(who)
        worker.holds[name] = until
        if deadly:
            worker.deadly.add(name)

    def hold_no_more(self, who: Who, name: str) -> None:
        """Record that a process no longer does what needs the lock."""
        worker = self._of(who)
        worker.holds.pop(name, None)
        worker.deadly.discard(name)

    @property
    def deadline(self) -> float | None:
        """When the next lease ends unless it is renewed, in seconds since boot."""
        return min(
            (until for one in self._workers.values() for until in one.holds.values()),
            default=None,
        )

    def passed(self, now: float) -> tuple[list[Who], list[tuple[Who, Interrupted]]]:
        """Record the time, in seconds since boot.

        :returns: the processes to kill; and, of the others whose leases have ended
            though they have not, what each was running.
        """
        kill: list[Who] = []
        paused: list[tuple[Who, Interrupted]] = []
        for who, worker in self._workers.items():
            over = {name for name, until in worker.holds.items() if until <= now}
            if over & worker.deadly:
                kill.append(who)
            elif over:
                paused += [(who, one) for one in worker.running.values()]
                worker.running.clear()
            for name in over:
                del worker.holds[name]
        return kill, paused

    def gone(self, who: Who) -> list[Interrupted]:
        """Record that a worker has ended; return what it had begun."""
        for name in [name for name, holder in self._locks.items() if holder == who]:
            del self._locks[name]
        for members in self._groups.values():
            members.pop(who, None)
        worker = self._workers.pop(who, None)
        interrupted = [] if worker is None else list(worker.running.values())
        for one in interrupted:
            if one.again and self._last.get(one.task) == one.due:
                del self._last[one.task]
        return interrupted
