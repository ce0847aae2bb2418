# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Calling a function again and again, and calling one until it succeeds."""

import contextvars
import functools
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from oslo_service import backend
from oslo_service._common import clock, naming
from oslo_service.backend.base import Driver, Event, Task
from oslo_service.backend.exceptions import OsloServiceError
from oslo_service.loops import schedules
from oslo_service.loops.schedules import LoopingCallTimeOut
from oslo_service.loops.stopping import forget, listen

__all__ = (
    "BackOffLoopingCall",
    "DynamicLoopingCall",
    "FixedIntervalLoopingCall",
    "FixedIntervalWithTimeoutLoopingCall",
    "LoopingCallBase",
    "LoopingCallDone",
    "LoopingCallTimeOut",
    "RetryDecorator",
)

LOG = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class LoopingCallDone(OsloServiceError):
    """Raised by the function of a looping call to end the loop.

    :param retvalue: what :meth:`LoopingCallBase.wait` shall return.
    """

    def __init__(self, retvalue: Any = True) -> None:
        super().__init__(retvalue)
        self.retvalue = retvalue


class LoopingCallBase:
    """A function that is called again and again, in a task of its own.

    All calls are made in one task, which sees a copy of the context variables
    of the caller of ``start()``. Constructing one selects no driver.

    :param f: the function.
    :param args: its positional arguments.
    :param kwargs: its keyword arguments.
    :ivar done: the task of the latest run, None before the first; what
        ``start()`` returns.
    """

    _KIND = "Looping call"
    # The name of the driver that runs it; None: the process's.
    _driver_name: str | None = None

    def __init__(
        self, f: Callable[..., Any] | None = None, *args: Any, **kwargs: Any
    ) -> None:
        self.f = f
        self.args = args
        self.kw = kwargs
        self.done: Task | None = None
        self._abort: Event | None = None
        # Whose task makes the calls, while one does. Not looked up in `done`,
        # which start() may not have set yet when the first call is made.
        self._ident: int | None = None
        self._on_end: Callable[[LoopingCallBase], object] | None = None

    @property
    def _running(self) -> bool:
        return self.done is not None and not self.done.done

    def stop(self) -> None:
        """End the loop after the call in progress; does not wait.

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
        """Tell whether this is called from inside the loop's own task."""
        return self._ident is not None and self._ident == self._driver().current_ident()

    def _driver(self) -> Driver:
        return backend.driver_called(self._driver_name)

    def _sleep(self, timeout: float) -> None:
        """Pause between two calls; :meth:`stop` cuts it short."""
        if self._abort is None:
            self._driver().sleep(timeout)
        else:
            self._abort.wait(timeout)

    def _start(
        self,
        schedule: schedules.Schedule,
        initial_delay: float | None,
        stop_on_exception: bool = True,
    ) -> Task:
        if self._running:
            raise RuntimeError(f"{self} runs already; stop it and wait for it first")
        if not callable(self.f):
            raise TypeError(f"{self._KIND}: {self.f!r} cannot be called")
        driver = self._driver()
        self._abort = driver.event()
        run = functools.partial(
            contextvars.copy_context().run,
            self._run,
            self._abort,
            schedule,
            _seconds("initial_delay", initial_delay or 0),
            stop_on_exception,
        )
        self.done = driver.spawn(run, name=f"loop {naming.describe(self.f)}")
        return self.done

    def _run(
        self,
        abort: Event,
        schedule: schedules.Schedule,
        initial_delay: float,
        stop_on_exception: bool,
    ) -> Any:
        self._ident = self._driver().current_ident()
        outer = listen(abort)
        try:
            return self._loop(abort, schedule, initial_delay, stop_on_exception)
        except LoopingCallDone as done:
            return done.retvalue
        except BaseException as exc:
            if self._driver().is_failure(exc):
                LOG.exception("%s failed", self)
            raise
        finally:
            forget(outer)
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
        call = self._call if stop_on_exception else self._call_safely
        stopped = abort.is_set
        if initial_delay:
            self._sleep(initial_delay)
        schedule.begin(clock.now())
        while not stopped():
            result = call()
            if stopped():
                break
            # Two variables, for a debugger: see backdoor.loops.
            ended = clock.now()
            pause = schedule.delay(result, ended)
            self._sleep(pause)
        return True

    def _call(self) -> Any:
        return self.f(*self.args, **self.kw)  # type: ignore[misc]

    def _call_safely(self) -> Any:
        try:
            return self._call()
        except LoopingCallDone:
            raise
        except BaseException as exc:
            if not self._driver().is_failure(exc):
                raise
            LOG.exception("%s failed; it goes on", self)
            return schedules.FAILED

    def __str__(self) -> str:
        return f"{self._KIND} {naming.describe(self.f)}"


class FixedIntervalLoopingCall(LoopingCallBase):
    """A function that is called at a fixed interval."""

    _KIND = "Fixed interval looping call"

    def start(
        self,
        interval: float,
        initial_delay: float | None = None,
        stop_on_exception: bool = True,
    ) -> Task:
        """Start the loop.

        The ticks aim at start + k * interval, however long the calls take. A
        call that takes longer than the interval is followed by the next at
        once, and what was missed is skipped.

        :param interval: seconds from the start of a call to that of the next.
        :param initial_delay: seconds before the first call.
        :param stop_on_exception: whether an exception ends the loop; else it
            is logged and the loop goes on.
        :returns: the task: its ``wait()`` is :meth:`wait`.
        :raises RuntimeError: it runs already.
        :raises TypeError: the function, or a number, is not one.
        :raises ValueError: a time is negative.
        """
        return self._start(self._grid(interval), initial_delay, stop_on_exception)

    def _grid(self, interval: float) -> schedules.FixedInterval:
        return schedules.FixedInterval(_seconds("interval", interval), owner=self)


class FixedIntervalWithTimeoutLoopingCall(FixedIntervalLoopingCall):
    """A function that is called at a fixed interval, for a limited time."""

    _KIND = "Fixed interval looping call with a time limit"

    def start(
        self,
        interval: float,
        initial_delay: float | None = None,
        stop_on_exception: bool = True,
        timeout: float = 0,
    ) -> Task:
        """Start the loop; see :meth:`FixedIntervalLoopingCall.start`.

        :param timeout: seconds from now; a call that ends later, without
            having ended the loop, makes it raise :class:`LoopingCallTimeOut`.
            0 sets no limit.
        """
        schedule: schedules.Schedule = self._grid(interval)
        timeout = _seconds("timeout", timeout)
        if timeout:
            now = clock.now()
            schedule = schedules.Limited(schedule, since=now, until=now + timeout)
        return self._start(schedule, initial_delay, stop_on_exception)


class DynamicLoopingCall(LoopingCallBase):
    """A function that returns the seconds until it wants to be called again."""

    _KIND = "Dynamic interval looping call"

    def start(
        self,
        initial_delay: float | None = None,
        periodic_interval_max: float | None = None,
        stop_on_exception: bool = True,
    ) -> Task:
        """Start the loop.

        After a call that raised, where that does not end the loop, the pause
        is the one before it (or ``periodic_interval_max``, or 1 s).

        :param initial_delay: seconds before the first call.
        :param periodic_interval_max: the longest pause in seconds, also after
            a call that returned None. Without it, None ends the loop with a
            RuntimeError.
        :param stop_on_exception: whether an exception ends the loop; else it
            is logged and the loop goes on.
        :returns: the task: its ``wait()`` is :meth:`wait`.
        :raises RuntimeError: it runs already.
        :raises TypeError: the function, or a number, is not one.
        :raises ValueError: a time is negative.
        """
        if periodic_interval_max is not None:
            periodic_interval_max = _seconds(
                "periodic_interval_max", periodic_interval_max
            )
        schedule = schedules.Dynamic(periodic_interval_max)
        return self._start(schedule, initial_delay, stop_on_exception)


class BackOffLoopingCall(LoopingCallBase):
    """A function that is called at growing intervals while it fails.

    It fails by returning something false. Returning something true starts the
    intervals over; raising :class:`LoopingCallDone` ends the loop.
    """

    _KIND = "Back-off looping call"

    def start(
        self,
        initial_delay: float | None = None,
        starting_interval: float = 1,
        timeout: float = 300,
        max_interval: float = 300,
        jitter: float = 0.75,
        min_interval: float = 0.001,
    ) -> Task:
        """Start the loop.

        Each pause is the one before times two times a random factor around
        ``jitter``.

        :param initial_delay: seconds before the first call.
        :param starting_interval: the pause in seconds after a success.
        :param timeout: the most seconds of pauses in a run of failures, then
            :class:`LoopingCallTimeOut` is raised; 0: no limit.
        :param max_interval: the longest pause in seconds.
        :param jitter: the mean of the random factor; above 0.5 the pauses
            grow.
        :param min_interval: the shortest pause in seconds.
        :returns: the task: its ``wait()`` is :meth:`wait`.
        :raises RuntimeError: it runs already.
        :raises TypeError: the function, or a number, is not one.
        :raises ValueError: a number is negative.
        """
        schedule = schedules.BackOff(
            start=_seconds("starting_interval", starting_interval),
            timeout=_seconds("timeout", timeout),
            longest=_seconds("max_interval", max_interval),
            jitter=_seconds("jitter", jitter),
            shortest=_seconds("min_interval", min_interval),
        )
        return self._start(schedule, initial_delay)


class RetryDecorator:
    """Call the decorated function again while it raises certain exceptions.

    The function runs in the caller's own task. Counts and pauses belong to
    each call, so that concurrent callers may share one decorator.

    :param max_retry_count: how often to try again; -1: without end.
    :param inc_sleep_time: seconds by which each pause is longer than the one
        before; the first is that long.
    :param max_sleep_time: the longest pause in seconds.
    :param exceptions: the exception classes to try again after; others pass.
    """

    _driver_name: str | None = None

    def __init__(
        self,
        max_retry_count: int = -1,
        inc_sleep_time: float = 10,
        max_sleep_time: float = 60,
        exceptions: type[BaseException] | Iterable[type[BaseException]] = (),
    ) -> None:
        self._max_retry_count = max_retry_count
        self._inc_sleep_time = inc_sleep_time
        self._max_sleep_time = max_sleep_time
        self._exceptions = (
            (exceptions,) if isinstance(exceptions, type) else tuple(exceptions)
        )

    def __call__(self, f: Callable[P, T]) -> Callable[P, T]:
        """Decorate ``f``."""
        exceptions = self._exceptions

        @functools.wraps(f)
        def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return f(*args, **kwargs)
            except LoopingCallDone as done:
                return done.retvalue  # type: ignore[no-any-return]
            except exceptions as exc:
                error = exc
            return self._retry(functools.partial(f, *args, **kwargs), error)

        return retrying

    def _retry(self, call: Callable[[], T], error: BaseException) -> T:
        pause, count = 0.0, 0
        loop = LoopingCallBase()
        loop._driver_name = self._driver_name
        while self._max_retry_count < 0 or count < self._max_retry_count:
            count += 1
            pause = min(pause + self._inc_sleep_time, self._max_sleep_time)
            LOG.debug(
                "%s raised %r; try %d follows in %g s",
                *(naming.describe(call), error, count + 1, pause),
            )
            loop._sleep(pause)
            try:
                return call()
            except LoopingCallDone as done:
                return done.retvalue  # type: ignore[no-any-return]
            except self._exceptions as exc:
                error = exc
        raise error


def _seconds(name: str, value: float) -> float:
    """Check a number that must not be negative."""
    if not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if value < 0 or math.isnan(value):
        raise ValueError(f"{name} must be 0 or more, not {value!r}")
    return value
