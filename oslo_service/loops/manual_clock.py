# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A clock that is turned by hand, and those who pause by it.

Who turns it waits until everybody pauses, wakes the one whose time comes
first, waits again, and so on: one at a time, in the order of time.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator

from oslo_service._common import clock
from oslo_service.backend.base import Driver, Task
from oslo_service.loopingcall import LoopingCallBase

__all__ = ("HandClock", "Sleeper")

# The clock counts nanoseconds: times that are the same are so, whatever
# intervals they are the sums of.
_DIGITS = 9


class Sleeper:
    """A task that pauses by the clock; busy, as long as it does not.

    :param driver: the task's.
    :param name: for messages.
    :param is_caller: tells whether the caller is that task.
    :param loop: the looping call that it runs, if it does.
    """

    def __init__(
        self,
        driver: Driver,
        name: str,
        is_caller: Callable[[], bool],
        loop: LoopingCallBase | None = None,
    ) -> None:
        self.name = name
        self.is_caller = is_caller
        self.loop = loop
        self.due: float | None = None
        self.wake = driver.event()
        # Set while it is not busy.
        self.settled = driver.event()
        # Those who wait for its end, and are busy as soon as it comes.
        self.waiters: list[Sleeper] = []

    def runs_in(self, task: Task) -> bool:
        """Tell whether a task is the one that pauses."""
        return self.loop is not None and self.loop.done is task

    def rouse(self) -> None:
        """Count as busy from now on."""
        self.due = None
        self.settled.clear()

    def __str__(self) -> str:
        return self.name


class HandClock:
    """Monotonic time that goes on only when it is told to.

    :param patience: how many seconds of real time the calls of one moment may
        take.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._began = self._now = float(math.floor(clock.now()))
        self._sleepers: list[Sleeper] = []
        self._closed = False
        # Reentrant for the sake of signal handlers.
        self._lock = threading.RLock()

    def now(self) -> float:
        """Give the time in seconds."""
        return self._now

    @property
    def elapsed(self) -> float:
        """The seconds by which it has been turned."""
        return round(self._now - self._began, _DIGITS)

    def _after(self, seconds: float) -> float:
        return round(self._now + seconds, _DIGITS)

    def here(self) -> Sleeper | None:
        """Give the sleeper that is the calling task, if one is."""
        callers = (one for one in reversed(self._sleepers) if one.is_caller())
        return next(callers, None)

    # Turning

    def advance(self, seconds: float) -> None:
        """Turn the clock, and have everybody do what is due meanwhile.

        :param seconds: by how much. 0 waits until everybody pauses.
        :raises ValueError: it is negative.
        :raises RuntimeError: called by one who pauses by this clock.
        :raises TimeoutError: somebody did not come to the next pause in time.
        """
        if not seconds >= 0:
            raise ValueError(f"a clock goes forward: 0 or more, not {seconds!r}")
        caller = self.here()
        if caller is not None:
            raise RuntimeError(f"{caller} cannot turn the clock that it pauses by")
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
        """Give whose time comes first, and make it now."""
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

    # Pausing

    def join(self, sleeper: Sleeper) -> None:
        """Have somebody pause by this clock, who is busy so far."""
        with self._lock:
            self._sleepers.append(sleeper)

    def leave(self, sleeper: Sleeper) -> None:
        """Wait for somebody no longer."""
        with self._lock:
            for waiter in sleeper.waiters:
                waiter.rouse()
            self._sleepers.remove(sleeper)
        sleeper.settled.set()

    def pause(
        self, sleeper: Sleeper, seconds: float, stopped: Callable[[], bool]
    ) -> float:
        """Block the calling task until the clock has been turned so far.

        :returns: the seconds that were left when the clock was put away.
        :raises TimeoutError: it is no looping call that pauses, and nobody
            turns the clock: likely the one who would is the caller.
        """
        with self._lock:
            if stopped():
                return 0.0
            if self._closed:
                return seconds
            due = sleeper.due = self._after(seconds)
            sleeper.wake.clear()
            sleeper.settled.set()
        if not sleeper.wake.wait(None if sleeper.loop else self._patience):
            raise TimeoutError(
                f"{sleeper} pauses for {seconds:g} s, and in {self._patience:g} s of"
                " real time nobody has turned the clock. Is it called by who would?"
            )
        return max(0.0, due - self._now) if self._closed else 0.0

    def stop(self, loop: LoopingCallBase) -> None:
        """Wake a looping call that has been stopped."""
        with self._lock:
            paused = [
                one
                for one in self._sleepers
                if one.loop is loop and one.due is not None
            ]
            for one in paused:
                one.rouse()
        for one in paused:
            one.wake.set()

    @contextlib.contextmanager
    def waiting_for(self, task: Task) -> Iterator[None]:
        """Do not count the calling task as busy while it waits for another."""
        caller = self.here()
        others: list[Sleeper] = []
        if caller is not None:
            with self._lock:
                others = [one for one in self._sleepers if one.runs_in(task)]
                for one in others:
                    one.waiters.append(caller)
                    caller.settled.set()
        try:
            yield
        finally:
            if caller is not None and others:
                with self._lock:
                    caller.rouse()
                    for one in others:
                        one.waiters.remove(caller)

    def close(self) -> None:
        """Let everybody go on in real time."""
        with self._lock:
            self._closed = True
            sleepers = list(self._sleepers)
        for one in sleepers:
            one.wake.set()
