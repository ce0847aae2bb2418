# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Threads and timers that belong together, and stop together."""

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

from oslo_service import backend, loopingcall
from oslo_service._common import coroutines, naming
from oslo_service._common.deprecation import warn_once
from oslo_service._common.public_names import set_modules
from oslo_service.backend.base import Driver, InlineTask
from oslo_service.compat.attributes import HasOldAttributes
from oslo_service.groups import ending, joining
from oslo_service.groups.members import MembersByProcess, Spawn
from oslo_service.groups.thread import Thread
from oslo_service.loops.stopping import stop_requested

__all__ = ("Thread", "ThreadGroup", "stop_requested")

set_modules(globals())

LOG = logging.getLogger(__name__)

# The default size of a group; and what it used to be on native threads, where
# add_thread() did not wait for a slot but raised.
_SIZE_UNSTATED, _MOST_UNSTATED = 10, 1000
_SIZE = "it is called thread_pool_size"


class ThreadGroup(HasOldAttributes):
    """Threads and timers that are waited for, and stopped, together.

    Every method may be called from inside the group's own threads and timers;
    one that waits does not wait for its caller, nor for others that wait for
    the group themselves. Constructing a group selects no driver.

    :param thread_pool_size: how many threads run at a time; timers do not
        count.
    :param max_threads: the deprecated name of ``thread_pool_size``.
    :raises TypeError: the size is not an integer.
    :raises ValueError: the size is less than 1.
    """

    # The name of the driver that runs it; None: the process's.
    _driver_name: str | None = None

    def __init__(
        self, thread_pool_size: int = _SIZE_UNSTATED, max_threads: int | None = None
    ) -> None:
        if max_threads is not None:
            warn_once("ThreadGroup(max_threads=...)", _SIZE)
            thread_pool_size = max_threads
        if not isinstance(thread_pool_size, int):
            raise TypeError(f"thread_pool_size is an integer, not {thread_pool_size!r}")
        if thread_pool_size < 1:
            raise ValueError(f"thread_pool_size is 1 or more, not {thread_pool_size}")
        self.thread_pool_size = thread_pool_size
        unstated = max_threads is None and thread_pool_size == _SIZE_UNSTATED
        self._max_threads = _MOST_UNSTATED if unstated else thread_pool_size
        self._members = MembersByProcess(self.thread_pool_size)

    def _driver(self) -> Driver:
        return backend.driver_called(self._driver_name)

    @property
    def max_threads(self) -> int:
        """How many threads a subclass that starts them itself may have; deprecated.

        ``thread_pool_size`` where that was stated, else 1000, as it used to be on
        native threads: there is no waiting for a slot in such a subclass.
        """
        warn_once("ThreadGroup.max_threads", _SIZE)
        return self._max_threads

    @property
    def threads(self) -> list[Thread]:
        """The threads that have not ended.

        A subclass may append a :class:`threading.Thread` that it has started
        itself. The group waits for it; it cannot stop it.
        """
        self._members.here().foreign()
        return self._members.here().threads

    @property
    def _lock(self) -> threading.Lock:
        # For subclasses, to guard the list of threads: heat's does.
        return self._members.here().lock

    @property
    def timers(self) -> list[loopingcall.LoopingCallBase]:
        """The timers that have not been stopped, and have not ended."""
        return self._members.here().timers

    # Timers

    def add_timer(
        self,
        interval: float,
        callback: Callable[..., Any],
        initial_delay: float | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> loopingcall.FixedIntervalLoopingCall:
        """Call ``callback(*args, **kwargs)`` at a fixed interval.

        :meth:`add_timer_args` keeps the arguments of the callback apart from
        those of the timer.

        :param interval: seconds from the start of a call to that of the next.
        :param callback: the function.
        :param initial_delay: seconds before the first call.
        :returns: the looping call, started.
        :raises TypeError: a time is no number, or the function is asynchronous.
        :raises ValueError: a time is negative.
        """
        return self.add_timer_args(interval, callback, args, kwargs, initial_delay)

    def add_timer_args(
        self,
        interval: float,
        callback: Callable[..., Any],
        args: tuple[Any, ...] | list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        initial_delay: float | None = None,
        stop_on_exception: bool = True,
    ) -> loopingcall.FixedIntervalLoopingCall:
        """Call ``callback(*args, **kwargs)`` at a fixed interval.

        :param interval: seconds from the start of a call to that of the next.
        :param callback: the function.
        :param args: its positional arguments.
        :param kwargs: its keyword arguments.
        :param initial_delay: seconds before the first call.
        :param stop_on_exception: whether an exception ends the timer.
        :returns: the looping call, started.
        :raises TypeError: a time is no number, or the function is asynchronous.
        :raises ValueError: a time is negative.
        """
        timer = loopingcall.FixedIntervalLoopingCall(
            callback, *(args or ()), **(kwargs or {})
        )
        self._add(
            timer, lambda: timer.start(interval, initial_delay, stop_on_exception)
        )
        return timer

    def add_dynamic_timer(
        self,
        callback: Callable[..., Any],
        initial_delay: float | None = None,
        periodic_interval_max: float | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> loopingcall.DynamicLoopingCall:
        """Call ``callback(*args, **kwargs)`` at the intervals that it returns.

        :param callback: the function; it returns the seconds until its next call.
        :param initial_delay: seconds before the first call.
        :param periodic_interval_max: the longest pause in seconds.
        :returns: the looping call, started.
        :raises TypeError: a time is no number, or the function is asynchronous.
        :raises ValueError: a time is negative.
        """
        return self.add_dynamic_timer_args(
            callback, args, kwargs, initial_delay, periodic_interval_max
        )

    def add_dynamic_timer_args(
        self,
        callback: Callable[..., Any],
        args: tuple[Any, ...] | list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        initial_delay: float | None = None,
        periodic_interval_max: float | None = None,
        stop_on_exception: bool = True,
    ) -> loopingcall.DynamicLoopingCall:
        """Call ``callback(*args, **kwargs)`` at the intervals that it returns.

        :param callback: the function; it returns the seconds until its next call.
        :param args: its positional arguments.
        :param kwargs: its keyword arguments.
        :param initial_delay: seconds before the first call.
        :param periodic_interval_max: the longest pause in seconds.
        :param stop_on_exception: whether an exception ends the timer.
        :returns: the looping call, started.
        :raises TypeError: a time is no number, or the function is asynchronous.
        :raises ValueError: a time is negative.
        """
        timer = loopingcall.DynamicLoopingCall(
            callback, *(args or ()), **(kwargs or {})
        )
        self._add(
            timer,
            lambda: timer.start(
                initial_delay, periodic_interval_max, stop_on_exception
            ),
        )
        return timer

    def _add(
        self, timer: loopingcall.LoopingCallBase, start: Callable[[], object]
    ) -> None:
        timer._driver_name = self._driver_name
        timer._on_end = self.timer_done
        if not callable(timer.f):
            # Not refused: projects' tests add such timers, and count them.
            self.timers.append(timer)
            message = "A timer that never ticks was added: %r cannot be called"
            LOG.error(message, timer.f, stack_info=True)
            return
        try:
            self._members.here().start_timer(timer, start)
        except BaseException:
            self.timer_done(timer)
            raise

    def timer_done(self, timer: loopingcall.LoopingCallBase) -> None:
        """Remove a timer from the group; it is not stopped.

        :param timer: the timer; one that is not there is passed over.
        """
        self._members.here().timer_done(timer)

    def stop_timers(self, wait: bool = False) -> None:
        """Stop all timers; :attr:`timers` is empty when this returns.

        :param wait: whether to wait until their calls in progress have ended.
        """
        timers = list(self.timers)
        for timer in timers:
            self._members.here().stop_timer(timer)
        if wait:
            self._wait_for(timers)

    # Threads

    def add_thread(
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Thread:
        """Call ``callback(*args, **kwargs)`` in a thread of the group.

        In a full group it waits for a slot, unless the caller is itself one
        of the group's threads or timers: then the function runs in the caller.

        :param callback: the function.
        :returns: the thread; one that is cancelled, where the group was
            stopped, or cancelled, while this waited for a slot.
        :raises TypeError: ``callback`` cannot be called, or is asynchronous.
        :raises RuntimeError: the system has no room for another thread.
        """
        if not callable(callback):
            raise TypeError(
                f"add_thread() takes a function and its arguments, not {callback!r}:"
                " was the function called, in place of being handed over?"
            )
        coroutines.refuse(callback, "what add_thread() calls")
        call = functools.partial(callback, *args, **kwargs)
        name = f"thread {naming.describe(callback)}"
        driver = self._driver()
        return self._run_thread(driver, driver.spawn, call, name)

    def _run_thread(
        self, driver: Driver, spawn: Spawn, call: Callable[[], Any], name: str
    ) -> Thread:
        members = self._members.here()
        thread = Thread(None, self, driver=driver)
        if members.slots.take():
            members.start(spawn, thread, call, name)
        elif members.include(driver.current_ident()):
            thread = Thread(None, self, driver=driver, stopping=stop_requested())
            members.run_here(driver, thread, call, name)
        elif members.slots.wait(driver):
            members.start(spawn, thread, call, name)
        else:
            thread.thread = InlineTask(driver, call, name)
            thread.thread.cancel()
        return thread

    def thread_done(self, thread: Thread) -> None:
        """Remove a thread from the group; it is not stopped.

        :param thread: the thread; one that is not there is passed over.
        """
        self._members.here().leave(thread)

    # Ending

    def stop(self, graceful: bool = False) -> None:
        """Stop timers and threads. The group can be used again afterwards.

        :param graceful: whether to wait for the calls in progress. If not,
            the threads are killed where the driver can, else asked to end
            through :func:`stop_requested`; those that linger are named in the
            log, stay in :attr:`threads` until they end, and never hold up the
            end of the process. A task that waits in :meth:`add_thread` gets a
            cancelled thread. Threads that a subclass has started itself are
            forgotten, and named in the log.
        """
        self.stop_timers(wait=graceful)
        if graceful:
            self._wait_for(list(self.threads))
        else:
            ending.stop_threads(self._driver(), self._members.here())

    def cancel(self, *throw_args: object, **kwargs: Any) -> None:
        """Prevent what has not begun from beginning.

        Deprecated: :meth:`stop` does this too, and ends what has begun.

        :param throw_args: not used.
        :param kwargs: ``timeout``: seconds to wait for the threads that have
            begun; those that still run then are stopped. None leaves them
            alone. ``wait_time``: not used.
        """
        warn_once("ThreadGroup.cancel()", "use stop(), with graceful=True to wait")
        timeout = kwargs.get("timeout")
        ending.cancel_threads(
            self._driver(), self._members.here(), timeout, *throw_args
        )

    def wait(self) -> None:
        """Block until every timer and thread that there is now has ended.

        What their functions raise goes to the log and to those who wait for
        the single thread or timer. A timer ends when it is stopped. Threads
        that :meth:`stop` has ended or told to end do not count any more, even
        where they linger.
        """
        if self._members.have_been:  # a worker has none, and need not make any
            self._wait_for(self._members.here().all())

    def waitall(self) -> None:
        """Block as :meth:`wait`, also for what is added meanwhile."""
        members = self._members.here()
        joining.wait_until_empty(self._driver(), members, members.all)

    def _wait_for(self, wanted: list[Any]) -> None:
        joining.wait_for(self._driver(), self._members.here(), wanted)

    def __getstate__(self) -> dict[str, Any]:
        # What runs in it does not go to another process.
        return {"thread_pool_size": self.thread_pool_size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]
