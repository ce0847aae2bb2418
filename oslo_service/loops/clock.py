# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The clock of looping calls, retries and periodic tasks, which tests can replace.

For all other purposes there is :mod:`oslo_service._common.clock`.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.backend.base import Driver, Event, Task

__all__ = ("Clock", "current", "now")

_NOTHING = contextlib.nullcontext()


class Clock:
    """Monotonic time, and pauses by it: those of the real world.

    A task that is going to pause announces that, by :meth:`spawn` or :meth:`attend`:
    a manual clock waits until all such tasks pause.
    """

    __slots__ = ()

    def now(self) -> float:
        """Return the time in seconds."""
        return clock.now()

    def pause(self, event: Event, seconds: float) -> None:
        """Block the calling task until so many seconds have passed.

        :param event: ends the pause when it is set; made by :meth:`event`.
        :param seconds: how long.
        """
        event.wait(seconds)

    def event(self, driver: Driver) -> Event:
        """Return a fresh event that can end a pause."""
        return driver.event()

    def pacing(
        self, driver: Driver
    ) -> tuple[Event, Callable[[], float], Callable[[float], object]]:
        """Return what one task is paced by: the quickest that there is.

        :returns: an event that ends its pauses; what returns the time in seconds; what
            pauses for so many seconds.
        """
        if type(self) is Clock:
            event = driver.event()
            return event, clock.now, event.wait
        event = self.event(driver)
        return event, self.now, functools.partial(self.pause, event)

    def spawn(
        self, driver: Driver, call: Callable[[], Any], name: str, event: Event
    ) -> Task:
        """Make a call that pauses by this clock, in a task of its own.

        :param driver: whose task it is.
        :param call: what to call.
        :param name: that of the task.
        :param event: is set when the call is to end.
        """
        del event
        return driver.spawn(call, name=name)

    def attend(
        self, driver: Callable[[], Driver], name: str
    ) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the calling task pauses by this clock.

        :param driver: returns the driver of the task.
        :param name: what the task does, for messages.
        """
        del driver, name
        return _NOTHING


#: The clock of all that begins now.
current = Clock()


def now() -> float:
    """Return the time in seconds by the current clock."""
    return current.now()
