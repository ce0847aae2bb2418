# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The base of all looping calls: a function that is called again and again."""

import contextvars
import functools
import logging
import os
from collections.abc import Callable
from typing import Any

from oslo_service import backend
from oslo_service._common import coroutines, naming, times
from oslo_service._common.fork_safety import this_process
from oslo_service.backend.base import Driver, Event, Task
from oslo_service.backend.exceptions import OsloServiceError
from oslo_service.compat.attributes import HasOldAttributes
from oslo_service.loops import clock, schedules
from oslo_service.loops.stopping import set_stop_event

__all__ = ("LoopingCallBase", "LoopingCallDone", "seconds")

# The name of the module that users import: they configure its log.
LOG = logging.getLogger("oslo_service.loopingcall")

# A tuple, as `int | float` would be made anew each time.
_NUMBERS = (int, float)


class LoopingCallDone(OsloServiceError):
    """Raised by the function of a looping call to end the loop.

    :param retvalue: what :meth:`LoopingCallBase.wait` is to return.
    """

    __module__ = "oslo_service.loopingcall"

    def __init__(self, retvalue: Any = True) -> None:
        super().__init__(retvalue)
        self.retvalue = retvalue


class LoopingCallBase(HasOldAttributes):
    """A function that is called again and again, in a task of its own.

    All calls are made in one task, which sees a copy of the context variables
    of the caller of ``start()``. Constructing one selects no driver.

    :param f: the function.
    :param args: its positional arguments.
    :param kwargs: its keyword arguments.
    :raises TypeError: the function is asynchronous.
    :ivar done: the task of the latest run, None before the first; what
        ``start()`` returns.
    """

    __module__ = "oslo_service.loopingcall"

    _KIND = "Looping call"
    # The name of the driver that runs it; None: the process's.
    _driver_name: str | None = None
    # The clock by which it pauses: the current one at its start.
    _clock = clock.current

    def __init__(
        self, f: Callable[..., Any] | None = None, *args: Any, **kwargs: Any
    ) -> None:
        coroutines.refuse(f, "what a looping call calls")
        self.f = f
        self.args = args
        self.kw = kwargs
        self.done: Task | None = None
        self._abort: Event | None = None
        # The identity of the task that makes the calls, while it does. Not taken from
        # `done`, which start() may not have set yet when the first call is made.
        self._ident: int | None = None
        self._on_end: Callable[[LoopingCallBase], object] | None = None
        # The schedule by which it is being started, by pid: a forked process does not.
        self._starting: dict[int, schedules.Schedule] = {}

    @property
    def _running(self) -> bool:
        return self.done is not None and not self.done.done

    def stop(self) -> None:
        """End the loop after the call in progress. Non-blocking, idempotent.

        Legal at any time, from anywhere. A loop that pauses ends at once.
        """
        if self._abort is not None:
            self._abort.set()

    def wait(self) -> Any:
        """Block until the loop has ended. Any number of tasks may wait.

        :returns: the value given to :class:`LoopingCallDone`, or True after
            :meth:`stop`.
        :raises Exception: what the function raised, or
            :class:`LoopingCallTimeOut`.
        :raises RuntimeError: the loop was never started, or waits for itself.
        """
        if self._is_caller():
            raise RuntimeError(f"{self} cannot wait for itself")
        if self.done is None:
            raise RuntimeError(f"{self} cannot be waited for: it was never started")
        return self.done.wait()

    def _is_caller(self) -> bool:
        """Whether this is called from inside the loop's own task."""
        return self._ident is not None and self._ident == self._driver().current_ident()

    def _driver(self) -> Driver:
        return backend.driver_called(self._driver_name)

    def _sleep(self, timeout: float) -> None:
        """Pause between two calls; :meth:`stop` cuts it short."""
        if self._abort is None:  # a retry's, which is never started
            self._take_clock(self._driver())
        self._pause(timeout)

    def _take_clock(self, driver: Driver) -> Event:
        """Be paced by the current clock; return the event that ends a pause."""
        self._clock = clock.current
        abort, self._now, self._pause = self._clock.pacing(driver)
        self._abort = abort
        return abort

    def _start(
        self,
        schedule: schedules.Schedule,
        initial_delay: float | None,
        stop_on_exception: bool = True,
        timeout: float = 0,
    ) -> Task:
        pid = os.getpid()
        # Or two could find that it does not run.
        if self._starting.setdefault(pid, schedule) is not schedule:
            raise RuntimeError(f"{self} is being started already")
        try:
            return self._begin(schedule, initial_delay, stop_on_exception, timeout)
        finally:
            del self._starting[pid]

    def _begin(
        self,
        schedule: schedules.Schedule,
        initial_delay: float | None,
        stop_on_exception: bool,
        timeout: float,
    ) -> Task:
        if self._running:
            raise RuntimeError(f"{self} runs already; stop it and wait for it first")
        if not callable(self.f):
            raise TypeError(f"{self._KIND}: {self.f!r} cannot be called")
        driver = self._driver()
        abort = self._take_clock(driver)
        if timeout:
            now = self._now()
            schedule = schedules.Limited(schedule, since=now, until=now + timeout)
        run = functools.partial(
            contextvars.copy_context().run,
            self._run,
            driver,
            abort,
            schedule,
            seconds("initial_delay", initial_delay) if initial_delay else 0.0,
            stop_on_exception,
        )
        name = f"loop {naming.describe(self.f)}"
        self.done = self._clock.spawn(driver, run, name, abort)
        return self.done

    def _run(
        self,
        driver: Driver,
        abort: Event,
        schedule: schedules.Schedule,
        initial_delay: float,
        stop_on_exception: bool,
    ) -> Any:
        self._ident = driver.current_ident()
        set_stop_event(abort)  # in the loop's own context, which ends with it
        try:
            return self._loop(abort, schedule, initial_delay, stop_on_exception)
        except LoopingCallDone as done:
            return done.retvalue
        except BaseException as exc:
            if driver.is_failure(exc):
                LOG.exception("%s failed", self)
            raise
        finally:
            self._ident = None
            if self._on_end is not None:
                self._on_end(self)

    def _loop(
        self,
        abort: Event,
        schedule: schedules.Schedule,
        initial_delay: float,
        stop_on_exception: bool,
    ) -> bool:
        stopped, now, process = abort.is_set, self._now, this_process()
        if initial_delay:
            self._sleep(initial_delay)
        first = now()
        schedule.begin(first)
        while not stopped():
            try:
                if self.kw:  # unpacking an empty dict costs
                    result = self.f(*self.args, **self.kw)  # type: ignore[misc]
                else:
                    result = self.f(*self.args)  # type: ignore[misc]
            except LoopingCallDone:
                raise
            except BaseException as exc:
                ends = stop_on_exception or process.left
                if ends or not self._driver().is_failure(exc):
                    raise
                LOG.exception("%s failed; it goes on", self)
                result = schedules.FAILED
            if stopped() or process.left:  # it may have forked, and goes on there
                break
            # In variables, as backdoor.running_loops reads this frame.
            ended = now()
            pause = schedule.delay(result, ended)
            self._sleep(pause)
        return True

    def __str__(self) -> str:
        return f"{self._KIND} {naming.describe(self.f)}"


def seconds(name: str, value: float) -> float:
    """Return a number of seconds, or refuse it.

    :param name: that of the parameter, for the message.
    :param value: the number; a very great one, also infinity, stands for never.
    :raises TypeError: it is no number.
    :raises ValueError: it is negative, or none (``nan``).
    """
    if not isinstance(value, _NUMBERS):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{name} must be 0 or more, not {value!r}")
    return times.bounded(value)
