# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding calls of the application that take long, while they run."""

import dataclasses
from collections.abc import Callable
from types import FrameType
from typing import Any

from oslo_service._common import clock
from oslo_service._common.frames import Stack, stacks_of
from oslo_service._common.times import earliest
from oslo_service.serving.served import Served

__all__ = ("CallWatch",)


@dataclasses.dataclass(frozen=True, slots=True)
class _LongCall:
    """A call of the application that has been running for long.

    :ivar session: its session.
    :ivar what: the request.
    :ivar ident: the identity of the task that runs it.
    :ivar seconds: for how long it has been running.
    :ivar too_long: whether it is past the time-out of requests; else it is slow.
    """

    session: Served
    what: Any
    ident: int
    seconds: float
    too_long: bool


class _Limit:
    """The calls that have not reached one limit, in the order in which they began."""

    def __init__(self, seconds: float, *, too_long: bool) -> None:
        self.seconds = seconds
        self.too_long = too_long
        self.running: dict[Served, tuple[float, int, Any]] = {}

    def next(self) -> float | None:
        """When the first of them reaches it."""
        for began, _, _ in self.running.values():
            return began + self.seconds
        return None

    def pop_reached(self, now: float) -> list[_LongCall]:
        """Return those that have reached it, once."""
        found = []
        for session, (began, ident, what) in self.running.items():
            seconds = now - began
            if began + self.seconds > now:
                break
            found.append(_LongCall(session, what, ident, seconds, self.too_long))
        for call in found:
            del self.running[call.session]
        return found


class CallWatch:
    """Knows which calls run, and which of them have reached a limit.

    Every method is non-blocking, and thread-safe.

    :param slow: after how many seconds a call is slow; 0: never.
    :param timeout: after how many seconds it has taken too long; 0: never.
    :param lock: of native threads.
    """

    def __init__(self, slow: float, timeout: float, lock: Any) -> None:
        limits = (_Limit(slow, too_long=False), _Limit(timeout, too_long=True))
        self._limits = [one for one in limits if one.seconds]
        self._lock = lock

    def begin(self, session: Served, ident: int) -> bool:
        """Record that a call begins; return whether it is the first due by a limit."""
        now = clock.now()
        with self._lock:
            first = not all(limit.running for limit in self._limits)
            for limit in self._limits:
                limit.running[session] = (now, ident, session.current)
        return first

    def end(self, session: Served) -> None:
        """Record that it has ended."""
        with self._lock:
            for limit in self._limits:
                limit.running.pop(session, None)

    def next(self) -> float | None:
        """When to call :meth:`report`; None: nothing runs that could be long."""
        with self._lock:
            found = [limit.next() for limit in self._limits]
        return earliest(found)

    def report(self, frames: Callable[[], dict[int, FrameType]]) -> None:
        """Tell sessions of calls that have reached a limit since the last time.

        :param frames: returns the innermost frame of each task.
        """
        now = clock.now()
        with self._lock:
            calls = [one for limit in self._limits for one in limit.pop_reached(now)]
        stacks = stacks_of(frames) if calls else {}
        for call in calls:
            stack = stacks.get(call.ident, Stack())
            call.session.report_long_call(
                call.what, call.seconds, stack, too_long=call.too_long
            )
