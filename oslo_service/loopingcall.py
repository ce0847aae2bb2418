# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Calling a function again and again, and calling one until it succeeds."""

from oslo_service._common.public_names import set_modules
from oslo_service.backend.base import Task
from oslo_service.loops import schedules
from oslo_service.loops.looping_call import LoopingCallBase, LoopingCallDone, seconds
from oslo_service.loops.retries import RetryDecorator
from oslo_service.loops.schedules import LoopingCallTimeOut

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

set_modules(globals())


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
        length = seconds("interval", interval)
        return schedules.FixedInterval(length, owner=self, function=self.f)


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

        :param interval: see there, as for the next two.
        :param initial_delay: seconds before the first call.
        :param stop_on_exception: whether an exception ends the loop.
        :param timeout: seconds from now; a call that ends later, without
            having ended the loop, makes it raise :class:`LoopingCallTimeOut`.
            0 sets no limit.
        :returns: the task: its ``wait()`` is :meth:`wait`.
        :raises RuntimeError: it runs already.
        :raises TypeError: the function, or a number, is not one.
        :raises ValueError: a time is negative.
        """
        grid, timeout = self._grid(interval), seconds("timeout", timeout)
        return self._start(grid, initial_delay, stop_on_exception, timeout)


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
            periodic_interval_max = seconds(
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
            start=seconds("starting_interval", starting_interval),
            timeout=seconds("timeout", timeout),
            longest=seconds("max_interval", max_interval),
            jitter=seconds("jitter", jitter),
            shortest=seconds("min_interval", min_interval),
        )
        return self._start(schedule, initial_delay)
