# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a thread group holds: its threads, its timers, and who acts in them."""

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from oslo_service import loopingcall
from oslo_service._common import measured
from oslo_service._common.measured import Reading
from oslo_service.backend.base import Driver, InlineTask, Task
from oslo_service.groups.foreign_threads import ForeignThread
from oslo_service.groups.slots import Slots
from oslo_service.groups.thread import Thread, run
from oslo_service.groups.waits import GroupWaits, Waitable

__all__ = ("Members", "Spawn", "discard", "others", "task_of")

_POOL = (("pool", "thread groups"),)

#: What runs a call in a task: a driver's ``spawn()``.
Spawn = Callable[..., Task]


class Members:
    """What a group holds, in one process: it does not cross a fork.

    :param size: how many threads may run at a time.
    """

    def __init__(self, size: int) -> None:
        self.pid = os.getpid()
        self.slots = Slots(size)
        self.waits = GroupWaits()
        # Threads, and what a subclass adds to them; the lock is for subclasses.
        self.threads: list[Any] = []
        self.lock = threading.Lock()
        self.timers: list[loopingcall.LoopingCallBase] = []
        # Those that were stopped, and whose call in progress has not ended.
        self._stopped: list[loopingcall.LoopingCallBase] = []
        # Who makes the calls of the threads: a thread may act before its
        # entry in the list above has been made.
        self._callers: set[int] = set()
        # Timers that are about to start; one that a stop finds here is stopped
        # as soon as it has started.
        self._starting: set[loopingcall.LoopingCallBase] = set()
        # Who has a slot.
        self._holders: set[Thread] = set()
        measured.add(self)

    def readings(self) -> Iterator[Reading]:
        """Return what is the case, for who measures: of all groups together."""
        slots = self.slots
        if self.pid == os.getpid():
            yield Reading(measured.POOL_SIZE, _POOL, slots.size)
            yield Reading(measured.POOL_BUSY, _POOL, slots.taken)
            yield Reading(measured.POOL_WAITING, _POOL, slots.waiting)

    # Beginning

    def start(
        self, spawn: Spawn, thread: Thread, call: Callable[[], Any], name: str
    ) -> None:
        """Make a call in a task of its own, which has the slot that was taken."""
        self._holders.add(thread)
        body = functools.partial(run, thread, call, name, self._callers)
        try:
            thread.thread = spawn(body, name=name)
        except BaseException:
            self.leave(thread)
            raise
        self.threads.append(thread)
        if thread not in self._holders:  # it has ended already, and found no entry
            discard(self.threads, thread)

    def run_here(
        self, driver: Driver, thread: Thread, call: Callable[[], Any], name: str
    ) -> None:
        """Make a call in the calling task; it needs no slot."""
        body = functools.partial(run, thread, call, name, self._callers)
        thread.thread = task = InlineTask(driver, body, name)
        task.main()

    def start_timer(
        self, timer: loopingcall.LoopingCallBase, start: Callable[[], object]
    ) -> None:
        """Add a timer and start it; one that is stopped meanwhile ends at once."""
        self._starting.add(timer)
        # Before it starts: it may end, and leave, before start() returns.
        self.timers.append(timer)
        try:
            start()
        finally:
            try:
                self._starting.remove(timer)
            except KeyError:
                timer.stop()

    # Ending

    def stop_timer(self, timer: loopingcall.LoopingCallBase) -> None:
        """Stop a timer, also one that is about to start. Non-blocking."""
        self._starting.discard(timer)
        self._stopped.append(timer)
        timer.stop()
        # It may end, and leave, at any moment; or it never began.
        if not discard(self.timers, timer) or timer.done is None:
            discard(self._stopped, timer)

    def timer_done(self, timer: loopingcall.LoopingCallBase) -> None:
        """Remove a timer."""
        discard(self.timers, timer)
        discard(self._stopped, timer)

    def leave(self, thread: Thread) -> None:
        """Remove a thread, and release its slot. Idempotent."""
        try:
            self._holders.remove(thread)
        except KeyError:
            return
        discard(self.threads, thread)
        self.slots.release()

    # Looking

    def all(self) -> list[Any]:
        """Return the timers and threads that have not ended."""
        return [*self.timers, *self._stopped, *self.threads]

    def own(self) -> list[Thread]:
        """Return the threads that the group itself has started."""
        return [one for one in self.threads if isinstance(one, Thread)]

    def foreign(self) -> list[threading.Thread]:
        """Return the others that run; forget those that have ended."""
        foreign = [one for one in self.threads if not isinstance(one, Thread)]
        for one in foreign:
            if ForeignThread(one).done:
                discard(self.threads, one)
        return [one for one in foreign if not ForeignThread(one).done]

    def include(self, ident: int) -> bool:
        """Whether the calling task, of that identity, is a member's."""
        return ident in self._callers or any(
            _is_caller(one, ident)
            for one in [*self.timers, *self._stopped, *self.foreign()]
        )


def others(members: Iterable[Any], ident: int) -> list[Any]:
    """Return the members that are not the calling task, of that identity."""
    return [one for one in members if not _is_caller(one, ident)]


def _is_caller(member: Any, ident: int) -> bool:
    if isinstance(member, Thread):
        return member.ident == ident
    if isinstance(member, loopingcall.LoopingCallBase):
        return member._ident == ident
    return member is threading.current_thread()


def task_of(member: Any) -> Waitable | None:
    """Return what to wait for: of a thread, a timer, or a thread of others' making."""
    if isinstance(member, Thread):
        return member.thread
    if isinstance(member, loopingcall.LoopingCallBase):
        return member.done
    return ForeignThread(member)


def discard(container: Any, item: object) -> bool:
    """Remove an item; return whether it was there."""
    try:
        container.remove(item)
    except ValueError:
        return False
    return True
