# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The clock by which looping calls and retries pause, and periodic tasks are due.

A test puts another in its place. What time it is for everybody else is not asked
here.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.backend.base import Driver, Event, Task

__all__ = ("Clock", "current", "now")

_NOTHING = contextlib.nullcontext()


class Clock:
    """Monotonic time, and pauses by it: those of the real world.

    Who pauses says so before, by :meth:`spawn` or :meth:`attend`, for the sake of
    clocks that wait until everybody does.
    """

    __slots__ = ()

    def now(self) -> float:
        """Return the time in seconds."""
        return clock.now()

    def timer(self) -> Callable[[], float]:
        """Return what returns the time: for who asks at every tick."""
        return clock.now if type(self) is Clock else self.now

    def pause(self, event: Event, seconds: float) -> None:
        """Block the calling task until so many seconds have passed.

        :param event: what ends the pause at once; :meth:`event` has made it.
        """
        event.wait(seconds)

    def event(self, driver: Driver) -> Event:
        """Return a fresh event that can end a pause."""
        return driver.event()

    def spawn(
        self, driver: Driver, call: Callable[[], Any], name: str, event: Event
    ) -> Task:
        """Make a call that pauses by this clock, in a task of its own.

        :param event: what is set when the call is to end.
        """
        del event
        return driver.spawn(call, name=name)

    def attend(
        self, driver: Callable[[], Driver], name: str
    ) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the calling task pauses by this clock.

        :param driver: returns the task's.
        :param name: what it does, for messages.
        """
        del driver, name
        return _NOTHING


#: The clock of what begins now.
current = Clock()


def now() -> float:
    """Return the time in seconds by the current clock."""
    return current.now()
