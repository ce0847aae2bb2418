# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tasks that pause by a manual clock, and the event that ends a pause."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from oslo_service.backend.base import Driver, Event, Task

__all__ = ("Sleeper", "WakingEvent", "watch")


class Sleeper:
    """A task that pauses by the clock, and is busy as long as it does not.

    :param driver: the driver of the task.
    :param name: for messages.
    :param stopping: the event that asks the task to stop; None: there is none.
    :ivar due: when its pause is over, by the clock; None: it does not pause.
    """

    def __init__(
        self, driver: Driver, name: str, stopping: Event | None = None
    ) -> None:
        self.name = name
        self.stopping = stopping
        # The event that ends its pause, while there is one.
        self.pausing: Event | None = None
        # The identity of the task, and the task itself: known when it has begun, and
        # when it has been spawned.
        self.ident: int | None = None
        self.task: Task | None = None
        self.due: float | None = None
        self.wake = driver.event()
        # Set while it is not busy.
        self.settled = driver.event()
        # Those that wait for its end, and are busy as soon as it comes.
        self.waiters: list[Sleeper] = []
        self._driver = driver

    def is_caller(self) -> bool:
        """Whether the caller is that task."""
        return self.ident is not None and self.ident == self._driver.current_ident()

    def enter(self) -> None:
        """Record that the calling task is this one."""
        self.ident = self._driver.current_ident()

    def rouse(self) -> None:
        """Count as busy from now on."""
        self.due = None
        self.settled.clear()

    def __str__(self) -> str:
        return self.name


class WakingEvent:
    """An event of a driver that also calls something when it is set.

    :param event: the driver's.
    :param wake: called with this event when it has been set.
    """

    def __init__(self, event: Event, wake: "Callable[[WakingEvent], object]") -> None:
        self._event = event
        self._wake = wake
        self.is_set = event.is_set
        self.clear = event.clear
        self.wait = event.wait

    def set(self) -> None:
        """Raise the flag, and wake all that wait or pause."""
        self._event.set()
        self._wake(self)


def watch(
    task: Task, waiting_for: Callable[[Task], AbstractContextManager[None]]
) -> None:
    """Make each wait for a task happen in a context.

    :param waiting_for: returns the context, for the task.
    """
    kind = type(task)

    def wait(self: Task, timeout: float | None = None) -> Any:
        with waiting_for(self):
            return kind.wait(self, timeout)

    body = {"__slots__": (), "__module__": kind.__module__, "wait": wait}
    task.__class__ = type(kind.__name__, (kind,), body)
