# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Threads and timers that belong together, and stop together."""

import contextlib
import functools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from oslo_service import backend, loopingcall
from oslo_service._common import naming
from oslo_service._common.deprecation import warn_once
from oslo_service.backend.base import Driver, InlineTask
from oslo_service.groups import membership
from oslo_service.groups.membership import Thread
from oslo_service.loops.stopping import stop_requested

__all__ = ("Thread", "ThreadGroup", "stop_requested")

LOG = logging.getLogger(__name__)

# How long stop() watches whether what it stopped does end, in seconds, before
# it names what lingers.
_LINGER = 0.1
# The size of a group where nobody states it, and what it used to be on native
# threads, where add_thread() did not wait but raise.
_SIZE_UNSTATED, _MOST_UNSTATED = 10, 1000
_SIZE = "it is called thread_pool_size"


class ThreadGroup:
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
        self._state = membership.Members(self.thread_pool_size)

    def _driver(self) -> Driver:
        return backend.driver_called(self._driver_name)

    @property
    def _members(self) -> membership.Members:
        if self._state.pid != os.getpid():
            self._state = membership.Members(self.thread_pool_size)
        return self._state

    @property
    def max_threads(self) -> int:
        """How many threads a subclass that starts them itself may have; deprecated.

        ``thread_pool_size`` where that was stated, else 1000, as it used to be on
        native threads: there is no waiting for a place in such a subclass.
        """
        warn_once("ThreadGroup.max_threads", _SIZE)
        return self._max_threads

    @property
    def threads(self) -> list[Thread]:
        """The threads that have not ended.

        A subclass may append a :class:`threading.Thread` that it has started
        itself. The group waits for it; it cannot stop it.
        """
        self._members.foreign()
        return self._members.threads

    @property
    def _lock(self) -> threading.Lock:
        # For subclasses, to guard the list of threads: heat's does.
        return self._members.lock

    @property
    def timers(self) -> list[loopingcall.LoopingCallBase]:
        """The timers that have not ended."""
        return self._members.timers

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
        :param initial_delay: seconds before the first call.
        :returns: the looping call, started.
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
        :param initial_delay: seconds before the first call.
        :param stop_on_exception: whether an exception ends the timer.
        :returns: the looping call, started.
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
        """Call ``callback(*args, **kwargs)``, which says when to call it again.

        :param initial_delay: seconds before the first call.
        :param periodic_interval_max: the longest pause in seconds.
        :returns: the looping call, started.
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
        """Call ``callback(*args, **kwargs)``, which says when to call it again.

        :param initial_delay: seconds before the first call.
        :param periodic_interval_max: the longest pause in seconds.
        :param stop_on_exception: whether an exception ends the timer.
        :returns: the looping call, started.
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
        # Before it starts: it may end, and leave, before start() returns.
        self.timers.append(timer)
        if not callable(timer.f):
            # Not refused: projects' tests add such timers, and count them.
            message = "A timer that never ticks was added: %r cannot be called"
            LOG.error(message, timer.f, stack_info=True)
            return
        try:
            start()
        except BaseException:
            self.timer_done(timer)
            raise

    def timer_done(self, timer: loopingcall.LoopingCallBase) -> None:
        """Take a timer out of the group; it is not stopped."""
        membership.discard(self._members.timers, timer)

    def stop_timers(self, wait: bool = False) -> None:
        """Stop all timers.

        :param wait: whether to wait until their calls in progress have ended.
        """
        timers = list(self.timers)
        for timer in timers:
            timer.stop()
            if timer.done is None:  # it never began
                self.timer_done(timer)
        if wait:
            self._wait_for(timers)

    # Threads

    def add_thread(
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Thread:
        """Call ``callback(*args, **kwargs)`` in a thread of the group.

        In a full group it waits for a place, unless the caller is itself one
        of the group's threads or timers: then the function runs in the caller.

        :returns: the thread; one that is cancelled, where the group was
            stopped, or cancelled, while this waited for a place.
        """
        driver, members = self._driver(), self._members
        name = f"thread {naming.describe(callback)}"
        thread = Thread(None, self, stopping=driver.event())
        body = functools.partial(
            membership.run, thread, functools.partial(callback, *args, **kwargs), name
        )
        if members.places.enter():
            self._spawn(driver, members, thread, body, name)
        elif self._is_member(driver, members):
            thread._stopping = stop_requested()
            task = InlineTask(driver, body, name)
            thread.thread = task
            task.main()
        elif members.places.wait(driver):
            self._spawn(driver, members, thread, body, name)
        else:
            thread.thread = InlineTask(driver, body, name)
            thread.thread.cancel()
        return thread

    def _spawn(
        self,
        driver: Driver,
        members: membership.Members,
        thread: Thread,
        body: Callable[[], Any],
        name: str,
    ) -> None:
        thread._place.append(members)
        try:
            thread.thread = driver.spawn(body, name=name)
        except BaseException:
            self.thread_done(thread)
            raise
        members.threads.append(thread)
        if not thread._place:  # it has ended already, and found no entry
            membership.discard(members.threads, thread)

    def thread_done(self, thread: Thread) -> None:
        """Take a thread out of the group; it is not stopped."""
        members = thread._take_place()
        if members is not None:
            membership.discard(members.threads, thread)
            members.places.leave()

    # Ending

    def stop(self, graceful: bool = False) -> None:
        """Stop timers and threads. The group can be used again afterwards.

        :param graceful: whether to wait for the calls in progress. If not,
            the threads are killed where the driver can, else asked to end
            through :func:`stop_requested`; those that linger are named in the
            log, stay in :attr:`threads` until they end, and never hold up the
            end of the process. Who waits in :meth:`add_thread` gets a
            cancelled thread. Threads that a subclass has started itself are
            let go, and named in the log.
        """
        self.stop_timers(wait=graceful)
        if graceful:
            self._wait_for(list(self.threads))
            return
        self._members.places.cancel_waiting()
        self._let_go()
        threads = self._members.own()
        others = self._others(threads)
        for thread in threads:
            if thread in others:
                thread.stop()
            else:  # the caller: asked, and never killed by itself
                thread._stopping.set()
        self._report_lingering(others)
        self._members.waits.notify()

    def cancel(self, *throw_args: object, **kwargs: Any) -> None:
        """Prevent what has not begun from beginning.

        Deprecated: :meth:`stop` does this too, and ends what has begun.

        :param throw_args: not used.
        :param kwargs: ``timeout``: seconds to wait for the threads that have
            begun; those that still run then are stopped. None leaves them
            alone. ``wait_time``: not used.
        """
        warn_once("ThreadGroup.cancel()", "use stop(), with graceful=True to wait")
        self._members.places.cancel_waiting()
        for thread in self._members.own():
            thread.cancel(*throw_args)
        timeout = kwargs.get("timeout")
        if timeout is not None:
            remaining = self._others(self._members.own())
            for thread in membership.still_running(remaining, timeout):
                thread.stop()

    def wait(self) -> None:
        """Block until every timer and thread that there is now has ended.

        What their functions raise goes to the log and to those who wait for
        the single thread or timer. A timer ends when it is stopped. Threads
        that :meth:`stop` has ended or told to end do not count any more, even
        where they linger.
        """
        self._wait_for(self._all())

    def waitall(self) -> None:
        """Do as :meth:`wait`, until nothing is left that was added meanwhile."""
        with self._waiting():
            while any(map(self._counts, self._others(everybody := self._all()))):
                self._wait_for(everybody)

    def _all(self) -> list[Any]:
        return [*self.timers, *self.threads]

    def _wait_for(self, wanted: list[Any]) -> None:
        driver, waits = self._driver(), self._members.waits
        with self._waiting():
            for one in self._others(wanted):
                task = membership.task_of(one)
                if task is not None:
                    counts = functools.partial(self._counts, one)
                    waits.wait_while(driver, task, counts)

    def _counts(self, member: Any) -> bool:
        """Tell whether a member is one to wait for."""
        task = membership.task_of(member)
        if task is None or task.done or self._members.waits.holds(task):
            return False
        return not (isinstance(member, Thread) and member.stop_ordered)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Let other members know where the caller is one that waits."""
        driver, members = self._driver(), self._members
        if self._is_member(driver, members):
            with members.waits.by(driver.current_ident()):
                yield
        else:
            yield

    def _others(self, members: list[Any]) -> list[Any]:
        """Leave out the calling thread: it never waits for itself."""
        caller = self._driver().current_ident()
        return [one for one in members if not membership.is_caller(one, caller)]

    def _is_member(self, driver: Driver, members: membership.Members) -> bool:
        caller = driver.current_ident()
        return caller in members.callers or any(
            membership.is_caller(one, caller)
            for one in [*members.timers, *members.foreign()]
        )

    def _let_go(self) -> None:
        """Forget the threads that the group has not started: it cannot end them."""
        foreign = self._members.foreign()
        for thread in foreign:
            membership.discard(self._members.threads, thread)
        if foreign:
            names = ", ".join(thread.name for thread in foreign)
            LOG.warning("Threads that the group cannot stop run on: %s", names)

    @staticmethod
    def _report_lingering(threads: list[Thread]) -> None:
        lingering = membership.still_running(threads, _LINGER)
        if lingering:
            LOG.warning(
                "%d threads were stopped and still run: %s",
                len(lingering),
                ", ".join(repr(thread) for thread in lingering),
            )

    def __getstate__(self) -> dict[str, Any]:
        # What runs in it does not go to another process.
        return {"thread_pool_size": self.thread_pool_size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]
