# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The attribute ``pool`` of thread groups, as Eventlet's pools are."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from oslo_service._common import naming
from oslo_service.backend.base import Task
from oslo_service.backend.exceptions import TaskCancelled
from oslo_service.groups import joining
from oslo_service.threadgroup import Thread, ThreadGroup

__all__ = ("GroupPool", "pool_of")


def pool_of(group: ThreadGroup) -> "GroupPool":
    """Return a pool whose calls are threads of a group.

    On Eventlet it is a :class:`eventlet.GreenPool`, and gives green threads.
    """
    kind = _green_kind() if group._driver().name == "eventlet" else GroupPool
    pool: GroupPool = kind(group)
    return pool


class GroupPool:
    """The interface of a green pool, implemented by a thread group.

    :param group: the group, whose threads make the calls.
    """

    def __init__(self, group: ThreadGroup) -> None:
        self._group = group
        self._driver = group._driver()

    def suits(self, group: ThreadGroup) -> bool:
        """Whether the group still runs on the driver that this pool was made for."""
        return group._driver() is self._driver

    @property
    def size(self) -> int:
        """How many may run at a time."""
        return self._group._members.here().slots.size

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function(*args, **kwargs)``; return what runs it."""
        return self._group.add_thread(function, *args, **kwargs)

    def spawn_n(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call ``function(*args, **kwargs)``, and return nothing."""
        self._group.add_thread(function, *args, **kwargs)

    def waitall(self) -> None:
        """Block until all have ended, but for the caller."""
        members = self._group._members.here()
        joining.wait_until_empty(self._driver, members, members.own)

    def running(self) -> int:
        """Return how many run."""
        return self._group._members.here().slots.taken

    def waiting(self) -> int:
        """Return how many wait until they may."""
        return self._group._members.here().slots.waiting

    def free(self) -> int:
        """Return how many more may run now."""
        return self.size - self.running()

    def resize(self, new_size: int) -> None:
        """Have so many run at a time; nothing that runs is stopped."""
        self._group._members.here().slots.resize(new_size)


class _GreenTask(Task):
    """A task that is a green thread, which gives what the call returns."""

    __slots__ = ("green",)

    def begin(self, spawn: Callable[[Callable[[], Any]], Any]) -> None:
        """Have it run."""
        self.green = spawn(self._run)
        self.ident = id(self.green)
        # Killed before it begins, it does not.
        self.green.link(lambda _green: self.cancel())

    def _run(self) -> Any:
        self.main()
        if isinstance(self._error, TaskCancelled):
            raise self._driver.killed_by[0]
        if self._error is not None:
            raise self._error
        return self._result

    def stop(self) -> None:
        """Cancel the task, or throw GreenletExit into it."""
        if not self.cancel() and not self.done:
            driver: Any = self._driver
            driver.defer(self.green.kill)


@functools.cache
def _green_kind() -> Any:
    # It is loaded: the driver is made of it. Nobody else may load it.
    eventlet: Any = sys.modules["eventlet"]

    class GreenGroupPool(GroupPool, eventlet.GreenPool):  # type: ignore[misc]
        """An Eventlet pool whose green threads are those of a group."""

        def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            """Call ``function(*args, **kwargs)``; return the green thread."""
            call = functools.partial(function, *args, **kwargs)
            name = f"thread {naming.describe(function)}"
            thread = self._group._run_thread(
                self._driver, self._spawn_green, call, name
            )
            if isinstance(thread.thread, _GreenTask):
                # Also where only its task was cancelled.
                thread.link(self._group.thread_done)
                return thread.thread.green
            return _ended(eventlet, thread)

        def _spawn_green(self, call: Callable[[], Any], *, name: str) -> _GreenTask:
            task = _GreenTask(self._driver, call, name)
            task.begin(eventlet.spawn)
            return task

    return GreenGroupPool


def _ended(eventlet: Any, thread: Thread) -> Any:
    """Return a green thread for a call that the caller has made itself."""
    green = eventlet.greenthread.GreenThread(eventlet.getcurrent())
    green.main(thread.wait, (), {})
    return green
