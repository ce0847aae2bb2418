# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A driver whose tasks do what a script says, and nothing by themselves.

For tests of what runs on a driver. A task begins when it is told to, and goes on until
it waits; one runs at a time; what each waits for is in the open; time is turned by
hand. So a test can go through every order of events, and needs no time for it::

    with scripted.ScriptedDriver() as driver:
        event = driver.event()
        task = driver.spawn(lambda: event.wait(60), name="patient")
        assert driver.ready == [task]
        driver.run()
        assert event.waiters == [task]
        driver.advance(60)
        assert task.wait() is False

The *script* is whoever is no task of the driver: the test, as a rule. Where it waits
itself, those that have begun go on, and the time with them; where that is of no avail,
it gets a :exc:`Deadlock`, which says who waits for what.
"""

import contextlib
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, ClassVar, Self
from unittest import mock

from oslo_service._common import clock
from oslo_service.backend import base
from oslo_service.testing._scripted import (
    Deadlock,
    Descriptors,
    Killed,
    ScriptedEvent,
    ScriptedTask,
    Wait,
)
from oslo_service.testing._turns import Turns

__all__ = (
    "Deadlock",
    "Descriptors",
    "Killed",
    "ScriptedDriver",
    "ScriptedEvent",
    "ScriptedTask",
    "Wait",
    "selected",
)


class ScriptedDriver(Turns, base.Driver):
    """Tasks that are told to begin, and to go on.

    As a context manager, it is the clock of the library meanwhile, and ends what has
    not ended (:meth:`close`).

    :param patience: how many seconds of real time a task may take for one step.
    :ivar room: how many more tasks can be spawned; None: any number.
    """

    room: int | None = None

    name: ClassVar[str] = "scripted"
    capabilities: ClassVar[base.Capabilities] = base.Capabilities(
        kill_tasks=True, parallel=False, spawn_workers=False
    )
    killed_by: ClassVar[tuple[type[BaseException], ...]] = (Killed,)

    def __init__(self, patience: float = 60.0) -> None:
        Turns.__init__(self, patience)
        base.Driver.__init__(self)
        self._clock = mock.patch.object(clock, "now", self.now)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._clock.stop()
        self.close()

    def spawn(self, call: Callable[[], Any], *, name: str) -> ScriptedTask:
        """Keep a call for when it is told to begin."""
        if self.room is not None:
            if self.room < 1:
                raise RuntimeError(f"there is no room for another task ({name})")
            self.room -= 1
        task = ScriptedTask(self, call, name)
        self.add(task)
        return task

    def current_ident(self) -> int:
        """Return the identifier of the thread that the task is, inside."""
        return threading.get_ident()

    def sleep(self, seconds: float) -> None:
        """Block this task until the clock has been turned so far."""
        self.wait("the time", lambda: False, seconds)

    def event(self) -> ScriptedEvent:
        """Return a fresh event, not set."""
        return ScriptedEvent(self)

    def wait_ready(
        self,
        read: Sequence[int],
        write: Sequence[int] = (),
        timeout: float | None = None,
    ) -> tuple[list[int], list[int]]:
        """Block this task until real descriptors are ready."""

        def look() -> tuple[list[int], list[int]]:
            return base.poll_ready(select, read, write, 0)

        what = Descriptors(tuple(read), tuple(write))
        self.wait(what, lambda: any(look()), timeout)
        return look()

    def original(self, module: str) -> ModuleType:
        """Return a module; of ``time``, what is monotonic is turned by hand."""
        if module != "time":
            return super().original(module)
        copy = ModuleType("time")
        vars(copy).update(vars(time), monotonic=self.now, sleep=self.sleep)
        return copy

    def after_fork(self) -> None:
        """Forget the parent's tasks."""
        super().after_fork()
        self.forget_all()


@contextlib.contextmanager
def selected() -> Iterator[ScriptedDriver]:
    """Have this process run on a scripted driver; afterwards, on what it did before."""
    from oslo_service import backend
    from oslo_service.testing import _drivers

    with (
        backend.register_driver(ScriptedDriver),
        _drivers.on_driver(ScriptedDriver.name) as driver,
    ):
        assert isinstance(driver, ScriptedDriver)
        with driver:
            yield driver
