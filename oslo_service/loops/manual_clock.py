# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A manual clock: its time goes on only when it is advanced.

Advancing it waits until all tasks pause, wakes the one that is due first, waits again,
and so on: one at a time, in the order in which they are due.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

from oslo_service._common import clock
from oslo_service._common.fork_safety import OwnLock
from oslo_service.backend.base import Driver, Event, Task
from oslo_service.loops.clock import Clock
from oslo_service.loops.sleepers import Sleeper, WakingEvent, watch

__all__ = ("ManualClock",)

# The clock counts microseconds: equal times compare as equal, whatever intervals they
# are the sums of, and however long the machine has been up.
_DIGITS = 6


class ManualClock(Clock):
    """Monotonic time that goes on only when it is advanced.

    :param patience: how many seconds of real time a task may take until it pauses
        again.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._began = self._now = float(math.floor(clock.now()))
        self._sleepers: list[Sleeper] = []
        self._closed = False
        # Reentrant for the sake of signal handlers.
        self._lock = OwnLock()

    @property
    def elapsed(self) -> float:
        """The seconds by which it has been advanced."""
        return round(self._now - self._began, _DIGITS)

    def _after(self, seconds: float) -> float:
        return round(self._now + seconds, _DIGITS)

    def _caller(self) -> Sleeper | None:
        """Return the sleeper that is the calling task, if one is."""
        callers = (one for one in reversed(self._sleepers) if one.is_caller())
        return next(callers, None)

    # Advancing

    def advance(self, seconds: float) -> None:
        """Advance the clock, and have all tasks do what is due meanwhile.

        :param seconds: by how much; 0 only waits until all tasks pause.
        :raises ValueError: it is negative.
        :raises RuntimeError: called by a task that pauses by this clock.
        :raises TimeoutError: a task did not come to its next pause in time.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock goes forward: 0 or more, not {seconds!r}")
        caller = self._caller()
        if caller is not None:
            raise RuntimeError(f"{caller} cannot advance the clock that it pauses by")
        target = self._after(seconds)
        self._settle()
        while (sleeper := self._next(target)) is not None:
            sleeper.wake.set()
            self._settle()

    def _settle(self) -> None:
        until = clock.now() + self._patience
        while busy := [one for one in self._sleepers if not one.settled.is_set()]:
            if not busy[0].settled.wait(max(0.0, until - clock.now())):
                raise TimeoutError(
                    f"after {self._patience:g} s of real time there is no pause in:"
                    f" {', '.join(map(str, busy))}"
                )

    def _next(self, target: float) -> Sleeper | None:
        """Return the sleeper that is due first, and make it the time; None: none is."""
        with self._lock:
            times = [
                (one.due, number)
                for number, one in enumerate(self._sleepers)
                if one.due is not None and one.due <= target
            ]
            if not times:
                self._now = target
                return None
            self._now, number = min(times)
            self._sleepers[number].rouse()
            return self._sleepers[number]

    def close(self) -> None:
        """Let all tasks go on in real time."""
        with self._lock:
            self._closed = True
            sleepers = list(self._sleepers)
        for one in sleepers:
            one.wake.set()

    # As every clock

    def now(self) -> float:
        """Return the time in seconds."""
        return clock.now() if self._closed else self._now

    def event(self, driver: Driver) -> Event:
        """Return an event that also ends pauses by this clock."""
        return WakingEvent(driver.event(), self._wake)

    def spawn(
        self, driver: Driver, call: Callable[[], Any], name: str, event: Event
    ) -> Task:
        """Make a call in a task that counts as busy until it pauses."""
        sleeper = Sleeper(driver, name, event)

        def body() -> Any:
            sleeper.enter()
            try:
                return call()
            finally:
                sleeper.ident = None

        self._join(sleeper)
        try:
            task = driver.spawn(body, name=name)
        except BaseException:
            self._leave(sleeper)
            raise
        sleeper.task = task
        watch(task, self._waiting_for)
        task.link(functools.partial(self._leave_last, sleeper))
        return task

    @contextlib.contextmanager
    def attend(self, driver: Callable[[], Driver], name: str) -> Iterator[None]:
        """Have the calling task pause by this clock, for the time of a context."""
        if self._caller() is not None:
            yield
            return
        sleeper = Sleeper(driver(), name)
        sleeper.enter()
        self._join(sleeper)
        try:
            yield
        finally:
            self._leave(sleeper)

    def pause(self, event: Event, seconds: float) -> None:
        """Block the calling task until the clock has been advanced so far.

        A task that has not announced that pauses in real time.

        :raises TimeoutError: the task is not one of :meth:`spawn`, and nobody has
            advanced the clock: most likely, the caller is to do that.
        """
        sleeper = self._caller()
        if sleeper is not None and seconds > 0:
            seconds = self._pause(sleeper, event, seconds)
            if not seconds:
                return
        event.wait(seconds)

    # Pausing

    def _pause(self, sleeper: Sleeper, event: Event, seconds: float) -> float:
        """Pause; return the seconds that were left when the clock was closed."""
        with self._lock:
            if event.is_set():
                return 0.0
            if self._closed:
                return seconds
            due = sleeper.due = self._after(seconds)
            sleeper.pausing = event
            sleeper.wake.clear()
            sleeper.settled.set()
        if not sleeper.wake.wait(None if sleeper.stopping else self._patience):
            raise TimeoutError(
                f"{sleeper} pauses for {seconds:g} s, and in {self._patience:g} s of"
                " real time nobody has advanced the clock. Is that up to its caller?"
            )
        return max(0.0, due - self._now) if self._closed else 0.0

    def _wake(self, event: Event) -> None:
        """Wake the sleepers whose pause, or whose task, an event ends."""
        with self._lock:
            paused = [
                one
                for one in self._sleepers
                if event in (one.stopping, one.pausing) and one.due is not None
            ]
            for one in paused:
                one.rouse()
        for one in paused:
            one.wake.set()

    def _join(self, sleeper: Sleeper) -> None:
        with self._lock:
            self._sleepers.append(sleeper)

    def _leave(self, sleeper: Sleeper) -> None:
        with self._lock:
            for waiter in sleeper.waiters:
                waiter.rouse()
            self._sleepers.remove(sleeper)
        sleeper.settled.set()

    def _leave_last(self, sleeper: Sleeper, task: Task) -> None:
        """Leave when all functions linked to the task have been called."""
        if task._links:
            task._links.append(functools.partial(self._leave_last, sleeper))
        else:
            self._leave(sleeper)

    # Waiting for a task that pauses

    @contextlib.contextmanager
    def _waiting_for(self, task: Task) -> Iterator[None]:
        """Do not count the calling task as busy while it waits for another."""
        caller = self._caller()
        awaited: list[Sleeper] = []
        if caller is not None:
            with self._lock:
                awaited = [one for one in self._sleepers if one.task is task]
                for one in awaited:
                    one.waiters.append(caller)
                    caller.settled.set()
        try:
            yield
        finally:
            if caller is not None and awaited:
                with self._lock:
                    caller.rouse()
                    for one in awaited:
                        one.waiters.remove(caller)
