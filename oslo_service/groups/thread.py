# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A thread of a group."""

import logging
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock, coroutines
from oslo_service.backend.base import Driver, Event, Task
from oslo_service.loops.stopping import reset_stop_event, set_stop_event

__all__ = ("Thread", "ask_to_stop", "run")

LOG = logging.getLogger(__name__)


class Thread:
    """A call that runs in a group, and what became of it.

    Made by :meth:`ThreadGroup.add_thread`.

    :param thread: the driver's task.
    :param group: the group.
    :param link: whether a task that is given leaves the group when it ends.
    :param driver: what runs it; the group's if not given.
    :param stopping: the event that asks the thread to stop; a fresh one if not given.
    """

    __module__ = "oslo_service.threadgroup"

    def __init__(
        self,
        thread: Task | None,
        group: Any,
        link: bool = True,
        *,
        driver: Driver | None = None,
        stopping: Event | None = None,
    ) -> None:
        self.thread = thread
        self.group = group
        self._driver: Driver = group._driver() if driver is None else driver
        self._stopping = self._driver.event() if stopping is None else stopping
        #: When the call began, in monotonic seconds; None: it has not begun.
        self.began: float | None = None
        if link and thread is not None:
            self.link(group.thread_done)

    @property
    def task(self) -> Task:
        """The driver's task."""
        assert self.thread is not None, "add_thread() has not returned"  # noqa: S101
        return self.thread

    @property
    def ident(self) -> int | None:
        """What identifies the thread while it runs."""
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

        Linked functions are not waited for: they may run on.

        :returns: what it returned; None if it raised SystemExit.
        :raises Exception: whatever it raised.
        :raises TaskCancelled: it was cancelled, or killed.
        :raises RuntimeError: the call waits for itself.
        """
        if not self.done and self.ident == self._driver.current_ident():
            raise RuntimeError(f"{self} cannot wait for itself")
        return self.task.wait()

    def link(self, func: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call ``func(thread, *args, **kwargs)`` when the call has ended.

        It runs in the ending thread, or at once in the caller where the
        thread has ended already. What it raises is logged.

        :param func: the function.
        :raises TypeError: it is asynchronous.
        """
        coroutines.refuse(func, "what link() calls")
        self.task.link(lambda _task: func(self, *args, **kwargs))

    def cancel(self, *throw_args: object) -> bool:  # noqa: ARG002 - others' signature
        """Prevent the call from beginning.

        :param throw_args: not used.
        :returns: whether it has been prevented; False if it has begun.
        """
        cancelled = self.task.cancel()
        if cancelled:
            self.group.thread_done(self)
        return cancelled

    def stop(self) -> None:
        """End the call: killed where the driver can, else asked to end.

        Asked through the event that :func:`stop_requested` gives the thread.
        Non-blocking.
        """
        ask_to_stop(self)
        if not self.cancel() and self._driver.capabilities.kill_tasks:
            self.task.stop()

    def __repr__(self) -> str:
        return f"<Thread {self.task.name}>"


def ask_to_stop(thread: Thread) -> None:
    """Set the event that tells a thread to end; it is not killed."""
    thread._stopping.set()


def run(thread: Thread, call: Callable[[], Any], name: str, callers: set[int]) -> Any:
    """Make the call of a thread: the body of its task.

    :param thread: the thread.
    :param call: what to call.
    :param name: that of the task, for the log.
    :param callers: the identities of the tasks that make such calls: the calling one
        is among them meanwhile.
    :returns: what the call returns.
    """
    driver = thread._driver
    ident = driver.current_ident()
    thread.began = clock.now()
    outer = set_stop_event(thread._stopping)
    nested = ident in callers
    callers.add(ident)
    try:
        return call()
    except BaseException as exc:
        if driver.is_failure(exc):
            LOG.exception("The function of %s failed", name)
        raise
    finally:
        reset_stop_event(outer)
        if not nested:
            callers.discard(ident)
        thread.group.thread_done(thread)
