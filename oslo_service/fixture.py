# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the tests of projects that use this library.

They are fixtures of the package ``fixtures``, for ``useFixture()``, and
context managers.
"""

import contextvars
import functools
import types
from collections.abc import Callable
from typing import Any, TypeVar
from unittest import mock

from oslo_service import backend, loopingcall, periodic_task
from oslo_service._common import clock, naming
from oslo_service._common.extras import need
from oslo_service.backend import _selection
from oslo_service.backend.base import Driver, Task
from oslo_service.loops.manual_clock import HandClock, Sleeper

need("fixtures", "test")
import fixtures  # noqa: E402

__all__ = ("BackendFixture", "ClockFixture", "SleepFixture")

T = TypeVar("T")
_Loop = loopingcall.LoopingCallBase
_Retry = loopingcall.RetryDecorator


class BackendFixture(fixtures.Fixture):
    """Selects a driver; afterwards all is selected that was before.

    A launcher, a loop or a group of the test should have ended by then.

    :param type_: what :func:`oslo_service.backend.init_backend` takes.
    :ivar driver: the driver.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    """

    driver: Driver

    def __init__(self, type_: backend.BackendType | str) -> None:
        super().__init__()
        self._type = type_

    def setUp(self) -> None:
        """Select the driver."""
        super().setUp()
        self.addCleanup(_selection.set_aside())
        try:
            backend.init_backend(self._type)
        except BaseException:
            self.cleanUp()
            raise
        self.driver = backend.get_backend()


class SleepFixture(fixtures.Fixture):
    """Looping calls and retries that do not pause.

    Where they would pause, other tasks have their turn, and they go on, as if
    the time had passed: for each of them it consists of its pauses.

    :ivar mock_wait: a :class:`~unittest.mock.MagicMock` that is called with
        the seconds of each pause. What it raises is raised in the task that
        would pause.
    """

    mock_wait: mock.MagicMock

    def _setUp(self) -> None:  # noqa: N802 - theirs
        self.mock_wait = mock.MagicMock(name="wait")
        sleep, began = _Loop._sleep, clock.now()
        # A loop has a context of its own.
        slept = contextvars.ContextVar("slept", default=0.0)

        def pretend(loop: _Loop, timeout: float) -> None:
            slept.set(slept.get() + timeout)
            self.mock_wait(round(timeout, 6))
            sleep(loop, 0)

        pretended = types.SimpleNamespace(now=lambda: began + slept.get())
        _put(self, _Loop, "_sleep", pretend)
        _put(self, loopingcall, "clock", pretended)


class ClockFixture(fixtures.Fixture):
    """A clock that is turned by hand, under looping calls and what is made of them.

    It is the time of the looping calls, timers and retries that begin while it
    is in place, and of periodic tasks. They pause until :meth:`advance` has
    turned it far enough. What time it is for everybody else, and how long they
    sleep, does not change.

    What has not ended when it is taken away pauses in real time from then on.

    :param patience: how many seconds of real time :meth:`advance` waits for
        the calls that are due at one moment, and a retry for somebody who
        turns the clock.
    """

    def __init__(self, patience: float = 10.0) -> None:
        super().__init__()
        self._patience = patience

    @property
    def elapsed(self) -> float:
        """The seconds by which the clock has been turned."""
        return self._clock.elapsed

    def advance(self, seconds: float) -> None:
        """Turn the clock, and return when everything due has been done.

        The calls are made in the order of their time, one after the other;
        those of the same time in the order in which their loops were started.
        What a call sees as the time is when it was due.

        The first call of a loop is made by its start, where it has no initial
        delay; this waits for it, too.

        :param seconds: by how much; 0 only waits for the calls in progress.
        :raises ValueError: it is negative.
        :raises RuntimeError: called from inside a looping call.
        :raises TimeoutError: a call has not come to an end in time; the
            message names its loop. One without a pause has none either.
        """
        self._clock.advance(seconds)

    def _setUp(self) -> None:  # noqa: N802 - theirs
        clock = self._clock = HandClock(self._patience)
        self.addCleanup(clock.close)
        _put(self, loopingcall, "clock", clock)
        _put(self, periodic_task, "now", clock.now)
        _put(self, _Loop, "_start", _starting(clock, _Loop._start))
        _put(self, _Loop, "_sleep", _sleeping(clock, _Loop._sleep))
        _put(self, _Loop, "stop", _stopping(clock, _Loop.stop))
        _put(self, _Retry, "_retry", _retrying(clock, _Retry._retry))
        _put(self, Task, "wait", _waiting(clock, Task.wait))


def _put(fixture: fixtures.Fixture, target: object, name: str, value: object) -> None:
    fixture.useFixture(fixtures.MockPatchObject(target, name, value))


# What stands in for methods while a clock is in place.


def _starting(clock: HandClock, start: Callable[..., Task]) -> Callable[..., Task]:
    def stand_in(loop: _Loop, *args: Any, **kwargs: Any) -> Task:
        if loop._running:
            return start(loop, *args, **kwargs)  # which refuses
        sleeper = Sleeper(loop._driver(), str(loop), loop._is_caller, loop)
        clock.join(sleeper)
        try:
            task = start(loop, *args, **kwargs)
        except BaseException:
            clock.leave(sleeper)
            raise
        task.link(functools.partial(_leave_last, clock, sleeper))
        return task

    return stand_in


def _leave_last(clock: HandClock, sleeper: Sleeper, task: Task) -> None:
    """Leave when the test's own linked functions have been called."""
    if task._links:
        task._links.append(functools.partial(_leave_last, clock, sleeper))
    else:
        clock.leave(sleeper)


def _sleeping(
    clock: HandClock, sleep: Callable[[_Loop, float], None]
) -> Callable[[_Loop, float], None]:
    def stand_in(loop: _Loop, timeout: float) -> None:
        sleeper = clock.here()
        if sleeper is not None and timeout > 0:
            stopped = loop._abort.is_set if loop._abort else lambda: False
            timeout = clock.pause(sleeper, timeout, stopped)
            if not timeout:
                return
        sleep(loop, timeout)

    return stand_in


def _stopping(
    clock: HandClock, stop: Callable[[_Loop], None]
) -> Callable[[_Loop], None]:
    def stand_in(loop: _Loop) -> None:
        stop(loop)
        clock.stop(loop)

    return stand_in


def _retrying(clock: HandClock, retry: Callable[..., T]) -> Callable[..., T]:
    def stand_in(decorator: _Retry, call: Callable[[], T], error: BaseException) -> T:
        if clock.here() is not None:
            return retry(decorator, call, error)
        driver = backend.driver_called(decorator._driver_name)
        ident = driver.current_ident()
        sleeper = Sleeper(
            driver,
            f"retry of {naming.describe(call)}",
            lambda: ident == driver.current_ident(),
        )
        clock.join(sleeper)
        try:
            return retry(decorator, call, error)
        finally:
            clock.leave(sleeper)

    return stand_in


def _waiting(clock: HandClock, wait: Callable[..., Any]) -> Callable[..., Any]:
    def stand_in(task: Task, timeout: float | None = None) -> Any:
        with clock.waiting_for(task):
            return wait(task, timeout)

    return stand_in
