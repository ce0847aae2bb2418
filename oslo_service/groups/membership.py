# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a thread group holds: its threads, and who does what in it."""

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oslo_service import loopingcall
from oslo_service._common import clock
from oslo_service.backend.base import Event, Task
from oslo_service.groups.foreign_threads import ForeignThread
from oslo_service.groups.slots import Places
from oslo_service.groups.waits import GroupWaits, Waitable
from oslo_service.loops.stopping import forget, listen

if TYPE_CHECKING:
    from oslo_service.threadgroup import ThreadGroup

__all__ = (
    "Members",
    "Thread",
    "discard",
    "is_caller",
    "run",
    "still_running",
    "task_of",
)

LOG = logging.getLogger(__name__)


class Thread:
    """A call that runs in a group, and what became of it.

    Made by :meth:`ThreadGroup.add_thread`.

    :param thread: the driver's task.
    :param group: the group.
    :param link: whether a task that is given leaves the group when it ends.
    :param stopping: what is set to ask the thread to end.
    """

    def __init__(
        self,
        thread: Task | None,
        group: "ThreadGroup",
        link: bool = True,
        *,
        stopping: Event | None = None,
    ) -> None:
        self.thread = thread
        self.group = group
        self._stopping = group._driver().event() if stopping is None else stopping
        # Whose place it holds. A list, so that it is given back only once.
        self._place: list[Members] = []
        if link and thread is not None:
            self.link(group.thread_done)

    @property
    def task(self) -> Task:
        """The driver's task."""
        assert self.thread is not None, "add_thread() has not returned"  # noqa: S101
        return self.thread

    @property
    def ident(self) -> int | None:
        """What identifies the thread while it runs; None before."""
        return self.task.ident

    @property
    def done(self) -> bool:
        """Whether the call has returned, raised, or will never run."""
        return self.task.done

    @property
    def stop_ordered(self) -> bool:
        """Whether the thread has been told to end."""
        return self._stopping.is_set()

    def wait(self) -> Any:
        """Block until the call has ended.

        :returns: what it returned; None if it raised SystemExit.
        :raises Exception: whatever it raised.
        :raises TaskCancelled: it was cancelled, or killed.
        """
        return self.task.wait()

    def link(self, func: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call ``func(thread, *args, **kwargs)`` when the call has ended.

        It runs in the ending thread, or at once in the caller where the
        thread has ended already. What it raises is logged.
        """
        self.task.link(lambda _task: func(self, *args, **kwargs))

    def cancel(self, *throw_args: object) -> bool:  # noqa: ARG002 - others' signature
        """Prevent the call from beginning.

        :returns: whether it has been prevented; False if it has begun.
        """
        cancelled = self.task.cancel()
        if cancelled:
            self.group.thread_done(self)
        return cancelled

    def stop(self) -> None:
        """End the call: killed where the driver can, else asked to end.

        Asked through the event that :func:`stop_requested` gives the thread.
        Does not wait.
        """
        self._stopping.set()
        if not self.cancel() and self.group._driver().capabilities.kill_tasks:
            self.task.stop()

    def _take_place(self) -> "Members | None":
        try:
            return self._place.pop()
        except IndexError:
            return None

    def __repr__(self) -> str:
        return f"<Thread {self.task.name}>"


class Members:
    """What a group holds, in one process: it does not cross a fork."""

    def __init__(self, size: int) -> None:
        self.pid = os.getpid()
        self.places = Places(size)
        self.waits = GroupWaits()
        # Threads, and what a subclass adds to them; the lock is for subclasses.
        self.threads: list[Any] = []
        self.lock = threading.Lock()
        # Who makes the calls of the threads: a thread may act before its
        # entry in the list above has been made.
        self.callers: set[int] = set()
        self.timers: list[loopingcall.LoopingCallBase] = []

    def own(self) -> list[Thread]:
        """Give the threads that the group itself has started."""
        return [one for one in self.threads if isinstance(one, Thread)]

    def foreign(self) -> list[threading.Thread]:
        """Give the others that run; forget those that have ended."""
        others = [one for one in self.threads if not isinstance(one, Thread)]
        for one in others:
            if ForeignThread(one).done:
                discard(self.threads, one)
        return [one for one in others if not ForeignThread(one).done]


def run(thread: Thread, call: Callable[[], Any], name: str) -> Any:
    """Make the call of a group's thread: the body of its task."""
    driver = thread.group._driver()
    ident = driver.current_ident()
    outer = listen(thread._stopping)
    callers = thread.group._members.callers
    nested = ident in callers
    callers.add(ident)
    try:
        return call()
    except BaseException as exc:
        if driver.is_failure(exc):
            LOG.exception("The function of %s failed", name)
        raise
    finally:
        forget(outer)
        if not nested:
            callers.discard(ident)
        thread.group.thread_done(thread)


def still_running(threads: list[Thread], timeout: float) -> list[Thread]:
    """Wait for threads, and give those that have not ended in time (seconds)."""
    until = clock.now() + timeout
    for thread in threads:
        thread.task.join(max(0.0, until - clock.now()))
    return [thread for thread in threads if not thread.done]


def task_of(member: Any) -> Waitable | None:
    """Give what to wait for: of a thread, a timer, or a thread of others' making."""
    if isinstance(member, Thread):
        return member.thread
    if isinstance(member, loopingcall.LoopingCallBase):
        return member.done
    return ForeignThread(member)


def is_caller(member: Any, ident: int) -> bool:
    """Tell whether a member is who calls this, in the task of that identity."""
    if isinstance(member, Thread):
        return member.ident == ident
    if isinstance(member, loopingcall.LoopingCallBase):
        return member._ident == ident
    return member is threading.current_thread()


def discard(container: Any, item: object) -> bool:
    """Remove an item; return whether it was there."""
    try:
        container.remove(item)
    except ValueError:
        return False
    return True
