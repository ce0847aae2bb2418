# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who pauses by a manual clock, and the event that ends a pause."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from oslo_service.backend.base import Driver, Event, Task

__all__ = ("Sleeper", "WakingEvent", "watch")


class Sleeper:
    """A task that pauses by the clock; busy, as long as it does not.

    :param driver: the task's.
    :param name: for messages.
    :param stopping: what is set when it is to end; None: it only ends by itself.
    """

    def __init__(
        self, driver: Driver, name: str, stopping: Event | None = None
    ) -> None:
        self.name = name
        self.stopping = stopping
        # What ends its pause, besides.
        self.pausing: Event | None = None
        # Whose task it is: known to itself first, and then to who has spawned it.
        self.ident: int | None = None
        self.task: Task | None = None
        self.due: float | None = None
        self.wake = driver.event()
        # Set while it is not busy.
        self.settled = driver.event()
        # Those who wait for its end, and are busy as soon as it comes.
        self.waiters: list[Sleeper] = []
        self._driver = driver

    def is_caller(self) -> bool:
        """Whether the caller is that task."""
        return self.ident is not None and self.ident == self._driver.current_ident()

    def enter(self) -> None:
        """Record that the calling task is the one."""
        self.ident = self._driver.current_ident()

    def rouse(self) -> None:
        """Count as busy from now on."""
        self.due = None
        self.settled.clear()

    def __str__(self) -> str:
        return self.name


class WakingEvent:
    """An event of a driver that wakes those who pause until it is set.

    :param event: the driver's.
    :param wake: is called with this event when it has been set.
    """

    def __init__(self, event: Event, wake: "Callable[[WakingEvent], object]") -> None:
        self._event = event
        self._wake = wake
        self.is_set = event.is_set
        self.clear = event.clear
        self.wait = event.wait

    def set(self) -> None:
        """Raise the flag and wake everybody who waits, or pauses."""
        self._event.set()
        self._wake(self)


def watch(
    task: Task, waiting_for: Callable[[Task], AbstractContextManager[None]]
) -> None:
    """Have whoever waits for a task do it in a context.

    :param waiting_for: returns the context.
    """
    kind = type(task)

    def wait(self: Task, timeout: float | None = None) -> Any:
        with waiting_for(self):
            return kind.wait(self, timeout)

    body = {"__slots__": (), "__module__": kind.__module__, "wait": wait}
    task.__class__ = type(kind.__name__, (kind,), body)
