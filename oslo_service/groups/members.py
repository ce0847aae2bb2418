# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The members of a thread group: its threads and timers."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from oslo_service import loopingcall
from oslo_service._common import instruments
from oslo_service._common.fork_safety import ThisProcess, this_process
from oslo_service._common.instruments import Reading
from oslo_service.backend.base import Driver, InlineTask, Task
from oslo_service.groups.foreign_threads import ForeignThread
from oslo_service.groups.slots import Slots
from oslo_service.groups.thread import Thread, run
from oslo_service.groups.waits import GroupWaits, Waitable

__all__ = ("Members", "MembersByProcess", "Spawn", "discard", "others", "task_of")

_POOL = (("pool", "thread groups"),)

#: What runs a call in a task: a driver's ``spawn()``.
Spawn = Callable[..., Task]


class MembersByProcess:
    """The members of a group in each process that has it: they do not cross a fork.

    :param size: how many threads may run at a time.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_process: dict[ThisProcess, Members] = {}
        # Those that were asked for last.
        self._latest: Members | None = None
        instruments.add(self)

    @property
    def have_been(self) -> bool:
        """Whether the group may ever have had a member in this process."""
        return this_process() in self._by_process

    def here(self) -> "Members":
        """Return those in this process."""
        latest = self._latest
        if latest is None or latest.process.left:
            process = this_process()
            made = Members(self._size, process)
            # Of two that ask first, one makes them.
            latest = self._latest = self._by_process.setdefault(process, made)
        return latest

    def readings(self) -> Iterator[Reading]:
        """Return the sizes of the group, for metrics: summed over all groups."""
        slots = self.here().slots if self.have_been else None
        yield Reading(instruments.POOL_SIZE, _POOL, slots.size if slots else self._size)
        yield Reading(instruments.POOL_BUSY, _POOL, slots.taken if slots else 0)
        yield Reading(instruments.POOL_WAITING, _POOL, slots.waiting if slots else 0)


class Members:
    """The members of a group, in one process: they do not cross a fork.

    :param size: how many threads may run at a time.
    :param process: the process.
    """

    def __init__(self, size: int, process: ThisProcess) -> None:
        self.process = process
        self.slots = Slots(size)
        self.waits = GroupWaits()
        # Subclasses may add threads of their own here, under the lock.
        self.threads: list[Any] = []
        self.lock = threading.Lock()
        self.timers: list[loopingcall.LoopingCallBase] = []
        # Timers that were stopped while a call was in progress, which goes on.
        self._stopped: list[loopingcall.LoopingCallBase] = []
        # The identities of the tasks of threads: a thread may run before it is in
        # the list above.
        self._callers: set[int] = set()
        # Timers that are being started. Stopping one takes it out: it is stopped as
        # soon as it has started.
        self._starting: set[loopingcall.LoopingCallBase] = set()
        # The threads that have a slot.
        self._holders: set[Thread] = set()

    # Starting

    def start(
        self, spawn: Spawn, thread: Thread, call: Callable[[], Any], name: str
    ) -> None:
        """Make a call in a task of its own; the caller has taken a slot for it.

        :param spawn: spawns the task.
        :param thread: the thread that the call is to be.
        :param call: what to call.
        :param name: that of the task.
        """
        self._holders.add(thread)
        body = functools.partial(run, thread, call, name, self._callers)
        try:
            thread.thread = spawn(body, name=name)
        except BaseException:
            self.leave(thread)
            raise
        self.threads.append(thread)
        if thread not in self._holders:  # it has ended already
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
        """Add a timer, and start it; one that is stopped meanwhile ends at once.

        :param timer: the timer.
        :param start: starts it.
        """
        self._starting.add(timer)
        # Before it starts: it may end, and be removed, before start() returns.
        self.timers.append(timer)
        try:
            start()
        finally:
            try:
                self._starting.remove(timer)
            except KeyError:
                timer.stop()

    # Stopping

    def stop_timer(self, timer: loopingcall.LoopingCallBase) -> None:
        """Stop a timer, also one that is about to start. Non-blocking."""
        self._starting.discard(timer)
        self._stopped.append(timer)
        timer.stop()
        # It may end, and be removed, at any moment; or it has never begun.
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
        running = []
        for one in [one for one in self.threads if not isinstance(one, Thread)]:
            if ForeignThread(one).done:
                discard(self.threads, one)
            else:
                running.append(one)
        return running

    def identity(self, ident: int) -> int:
        """Return the identity of the calling task, as a member would have it.

        :param ident: that by the driver; a thread that the group has not started may
            have another.
        """
        foreign = any(one is threading.current_thread() for one in self.foreign())
        return threading.get_ident() if foreign else ident

    def include(self, ident: int) -> bool:
        """Whether the calling task, which has this identity, is a member's."""
        return ident in self._callers or any(
            _is_caller(one, ident)
            for one in [*self.timers, *self._stopped, *self.foreign()]
        )


def others(members: Iterable[Any], ident: int) -> list[Any]:
    """Return the members without the calling task, which has this identity."""
    return [one for one in members if not _is_caller(one, ident)]


def _is_caller(member: Any, ident: int) -> bool:
    if isinstance(member, Thread):
        return member.ident == ident
    if isinstance(member, loopingcall.LoopingCallBase):
        return member._ident == ident
    return member is threading.current_thread()


def task_of(member: Any) -> Waitable | None:
    """Return what to wait for to wait for a member; None: it has not begun."""
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
