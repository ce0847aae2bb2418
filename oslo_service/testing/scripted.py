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
    Killed,
    ScriptedEvent,
    ScriptedTask,
    Wait,
)

__all__ = (
    "Deadlock",
    "Killed",
    "ScriptedDriver",
    "ScriptedEvent",
    "ScriptedTask",
    "Wait",
    "selected",
)

# Nanoseconds: times that are the same are so, whatever they are the sums of.
_DIGITS = 9
# How often tasks may go on without any of them waiting for something to happen.
_MOST_TURNS = 10_000


class ScriptedDriver(base.Driver):
    """Tasks that are told to begin, and to go on.

    As a context manager, it is the clock of the library meanwhile, and ends what has
    not ended (:meth:`close`).

    :param patience: how many seconds of real time a task may take for one step.
    """

    name: ClassVar[str] = "scripted"
    capabilities: ClassVar[base.Capabilities] = base.Capabilities(
        kill_tasks=True, parallel=False, spawn_workers=False
    )
    killed_by: ClassVar[tuple[type[BaseException], ...]] = (Killed,)

    def __init__(self, patience: float = 60.0) -> None:
        super().__init__()
        self._patience = patience
        self._now = 0.0
        self._tasks: list[ScriptedTask] = []
        self._clock = mock.patch.object(clock, "now", self.now)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._clock.stop()
        self.close()

    # The script

    @property
    def tasks(self) -> list[ScriptedTask]:
        """Those that have not ended, in the order in which they were spawned."""
        self._tasks = [one for one in self._tasks if not one.done]
        return list(self._tasks)

    @property
    def ready(self) -> list[ScriptedTask]:
        """Those that can begin, and those whose wait is over."""
        return [one for one in self.tasks if one.is_ready(self._now)]

    @property
    def waiting(self) -> list[ScriptedTask]:
        """Those whose wait is not over."""
        waiting = [one for one in self.tasks if one.waits_for is not None]
        return [one for one in waiting if not one.is_ready(self._now)]

    def step(self, task: ScriptedTask | None = None) -> ScriptedTask:
        """Have a task go on until it waits, or has ended.

        :param task: None: the first that is ready.
        :returns: the task.
        :raises ValueError: it is not ready, or nobody is.
        :raises TimeoutError: it does something that blocks outside of the driver.
        """
        ready = self.ready
        if not ready or task not in (None, *ready):
            who = "no task is ready" if task is None else f"not ready: {task}"
            raise ValueError(f"{who}; there are: {self._describe()}")
        chosen = ready[0] if task is None else task
        chosen.go_on(self._patience)
        return chosen

    def run(self) -> None:
        """Have everybody go on, one after the other, until all wait or have ended.

        Those begin, too, that are spawned meanwhile.

        :raises RuntimeError: they go on without end.
        """
        self._go_on(begin=True)

    def advance(self, seconds: float) -> None:
        """Turn the clock, and :meth:`run` whenever a wait is over.

        :param seconds: by how much; 0 or more.
        :raises ValueError: it is less.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock goes forward: 0 or more, not {seconds!r}")
        self._pass_time(self._wait_until("the clock", seconds), begin=True)

    def now(self) -> float:
        """Return the time, in seconds since the driver was made."""
        return self._now

    def close(self) -> None:
        """Cancel what has not begun, and kill what has.

        :raises RuntimeError: something begins to wait anew whenever it is killed.
        """
        for _ in range(_MOST_TURNS):
            if not self.tasks:
                return
            for one in self.tasks:
                one.kill()
            self._go_on(begin=False)
        raise RuntimeError(f"nothing ends these tasks: {self._describe()}")

    def _go_on(self, *, begin: bool) -> None:
        for _ in range(_MOST_TURNS):
            if not self._turn(begin=begin):
                return
        raise RuntimeError(
            f"after {_MOST_TURNS} turns there are tasks that do not wait:"
            f" {self._describe()}"
        )

    def _turn(self, *, begin: bool) -> bool:
        """Have everybody go on once; whether there was anybody."""
        ready = [one for one in self.ready if begin or one.begun]
        for one in ready:
            if one.is_ready(self._now):  # nobody before it has ended it
                one.go_on(self._patience)
        return bool(ready)

    def _describe(self) -> str:
        return "; ".join(map(str, self.tasks)) or "no tasks"

    # Waiting

    def _wait_until(
        self,
        what: object,
        timeout: float | None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Wait:
        due = None if timeout is None else round(self._now + max(0.0, timeout), _DIGITS)
        return Wait(what, due, is_over)

    def wait(
        self, what: object, is_over: Callable[[], bool], timeout: float | None
    ) -> None:
        """Block the calling task; in the script, have the others go on.

        :param what: what it waits for, for messages.
        """
        wait = self._wait_until(what, timeout, is_over)
        task = ScriptedTask.current()
        if task is not None:
            task.pause(wait)
        elif timeout is not None and timeout <= 0:
            self._turn(begin=False)
        else:
            self._pass_time(wait, begin=False)

    def _pass_time(self, wait: Wait, *, begin: bool) -> None:
        self._go_on(begin=begin)
        while not wait.is_over(self._now):
            dues = [one.waits_for.due for one in self.tasks if one.waits_for]
            due = min((one for one in (*dues, wait.due) if one is not None), default=0)
            if due <= self._now:
                raise Deadlock(
                    f"the script waits for {wait}, and nobody can go on; there are:"
                    f" {self._describe()}"
                )
            self._now = due
            self._go_on(begin=begin)

    # The primitives

    def spawn(self, call: Callable[[], Any], *, name: str) -> ScriptedTask:
        """Keep a call for when it is told to begin."""
        task = ScriptedTask(self, call, name)
        self._tasks.append(task)
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

        what = f"descriptors to read {list(read)}, to write {list(write)}"
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
        self._tasks = []


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
