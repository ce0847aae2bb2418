# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The alarm of a process: setitimer(2), borrowed, and given back as it was found."""

import signal
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.supervisor import signals

__all__ = ("Alarm",)

# What the system takes for no time at all; nothing would disarm a timer.
_SOONEST = 1e-6


class Alarm:
    """Calls a function in the main thread when its time has come.

    It needs no thread, no descriptor and no lock, and it rings although the main
    thread is inside a write or a lock that blocks: Python runs a signal's handler
    there, and goes on with the waiting (PEP 475).

    :param ring: called then, as a signal handler is.
    """

    def __init__(self, ring: Callable[[], object]) -> None:
        self._ring = ring
        self._previous: Any = None
        self._borrowed_at: float | None = None
        self._remaining = self._interval = 0.0

    def set(self, seconds: float) -> bool:
        """Have it ring in so many seconds, instead of when it was to ring.

        :returns: whether that is possible here: a handler can be installed in the
            main thread only.
        """
        if self._borrowed_at is None:
            if not signals.in_main_thread():
                return False
            self._borrowed_at = clock.now()
            self._previous = signal.signal(signal.SIGALRM, self._on_sigalrm)
            self._remaining, self._interval = signal.getitimer(signal.ITIMER_REAL)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _SOONEST))
        return True

    def give_back(self) -> None:
        """Leave the alarm to whom it belonged before :meth:`set`; idempotent."""
        if self._borrowed_at is None:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not signals.in_main_thread():
            return  # only that thread can put another handler in the place of ours
        elapsed, self._borrowed_at = clock.now() - self._borrowed_at, None
        signals.restore(signal.SIGALRM, self._previous)
        if self._remaining:
            left = max(self._remaining - elapsed, _SOONEST)
            signal.setitimer(signal.ITIMER_REAL, left, self._interval)

    def leave(self) -> None:
        """Forget it, in a forked process: timers are not inherited."""
        if self._borrowed_at is not None:
            self._borrowed_at = None
            signals.restore(signal.SIGALRM, self._previous)

    def _on_sigalrm(self, _signum: int, _frame: object) -> None:
        self._ring()
