# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The alarm of a process: setitimer(2), borrowed, and given back as it was found."""

import signal
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock, times
from oslo_service._common.fork_safety import Inherited
from oslo_service.supervisor import signals

__all__ = ("Alarm",)

# What the system takes for no time at all; nothing would disarm a timer.
_SOONEST = 1e-6

# How much earlier than it is due the system may tell, in seconds.
_EARLY = 1e-3


class Alarm:
    """Calls a function in the main thread when its time has come.

    It needs no thread, no descriptor and no lock, and it rings although the main
    thread is inside a write or a lock that blocks: Python runs a signal's handler
    there, and goes on with the waiting (PEP 475).

    :param ring: called then, as a signal handler is.
    """

    def __init__(self, ring: Callable[[], object]) -> None:
        self.ring = ring

    def set(self, seconds: float) -> bool:
        """Have it ring in so many seconds, instead of when it was to ring.

        :returns: whether that is possible here: a handler can be installed in the
            main thread only.
        """
        return _timer.get().set(self, clock.now() + seconds)

    def give_back(self) -> None:
        """Give the alarm back to its owner from before :meth:`set`. Idempotent."""
        _timer.get().give_back(self)

    def leave(self) -> None:
        """Forget it, in a forked process: timers are not inherited."""
        _timer.get().leave(self)


class _Timer:
    """The one timer that a process has, shared by its alarms."""

    def __init__(self) -> None:
        # When each is to ring; None: it has, and has not been given back.
        self._times: dict[Alarm, float | None] = {}
        self._previous: Any = None
        self._borrowed_at: float | None = None
        self._remaining = self._interval = 0.0

    def set(self, alarm: Alarm, at: float) -> bool:
        """Have an alarm ring at a time; return whether that is possible."""
        if self._borrowed_at is None:
            if not signals.in_main_thread():
                return False
            self._borrowed_at = clock.now()
            self._previous = signal.signal(signal.SIGALRM, self._on_sigalrm)
            self._remaining, self._interval = signal.getitimer(signal.ITIMER_REAL)
        self._times[alarm] = at
        self._start()
        return True

    def _start(self) -> None:
        """Have the system tell when the first is due."""
        next_time = times.earliest(list(self._times.values()))
        left = 0 if next_time is None else max(next_time - clock.now(), _SOONEST)
        signal.setitimer(signal.ITIMER_REAL, times.bounded(left))

    def _on_sigalrm(self, _signum: int, _frame: object) -> None:
        now = clock.now() + _EARLY
        due = [
            one for one, at in list(self._times.items()) if at is not None and at <= now
        ]
        for alarm in due:
            self._times[alarm] = None
        self._start()
        for alarm in due:
            alarm.ring()

    def give_back(self, alarm: Alarm) -> None:
        """Have an alarm not ring; with the last, the timer is the program's again."""
        if self._times.pop(alarm, self) is self or self._borrowed_at is None:
            return
        if self._times:
            self._start()
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not signals.in_main_thread():
            # Only that thread can put another handler in the place of ours.
            self._times[alarm] = None
            return
        elapsed, self._borrowed_at = clock.now() - self._borrowed_at, None
        signals.restore(signal.SIGALRM, self._previous)
        if self._remaining:
            left = max(self._remaining - elapsed, _SOONEST)
            signal.setitimer(signal.ITIMER_REAL, left, self._interval)

    def leave(self, alarm: Alarm) -> None:
        """Forget an alarm, in a forked process."""
        self._times.pop(alarm, None)
        if self._borrowed_at is not None and not self._times:
            self._borrowed_at = None
            signals.restore(signal.SIGALRM, self._previous)


_timer = Inherited(_Timer)
