# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The looping calls that run, as seen from outside.

They record nothing for this: all of it is read from their frames.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_service import loopingcall
from oslo_service._common.frames import Stack

__all__ = ("RunningLoop", "found_in", "of_task")

_LOOP = loopingcall.LoopingCallBase._loop.__code__
_PAUSE = "_sleep"


@dataclasses.dataclass(frozen=True)
class RunningLoop:
    """A looping call, as it is now.

    :ivar loop: the looping call itself.
    :ivar interval: its interval, in words.
    :ivar last_run: how many seconds ago its latest call ended; None: its first
        has not.
    :ivar pausing: whether it is between two calls.
    :ivar next_run: in how many seconds the next call is due; negative: how many
        seconds ago that was, also of the call in progress. None: it is not known, as
        with the first call.
    """

    loop: loopingcall.LoopingCallBase
    interval: str
    last_run: float | None
    pausing: bool
    next_run: float | None

    @property
    def late(self) -> float:
        """How many seconds ago the next call was due; 0: it is not late."""
        if not self.pausing or self.next_run is None:
            return 0.0
        return max(0.0, -self.next_run)

    def __str__(self) -> str:
        return f"{self.loop} {self.interval}; {self.status()}"

    def status(self) -> str:
        """Return what it is doing, and when it did that last, in words."""
        last = "not yet" if self.last_run is None else f"{self.last_run:.3f} s ago"
        if self.late:
            now = f"the next is {self.late:.3f} s late"
        elif self.pausing:
            now = "pauses"
            if self.next_run is not None:
                now = f"the next is due in {self.next_run:.3f} s"
        elif self.next_run is None:
            now = "the first is running"
        else:
            now = f"another is running, which was due {-self.next_run:.3f} s ago"
        return f"last run ended {last}, {now}"


def of_task(stack: Stack) -> RunningLoop | None:
    """Return the looping call that a task runs, by its stack; None: it runs none."""
    inner: str | None = None
    for frame in stack.frames:
        if frame.f_code is _LOOP:
            return _seen(frame.f_locals, pausing=inner == _PAUSE)
        inner = frame.f_code.co_name
    return None


def found_in(stacks: Mapping[int, Stack]) -> Iterator[RunningLoop]:
    """Return all looping calls that run, by the stacks of the tasks."""
    for stack in stacks.values():
        loop = of_task(stack)
        if loop is not None:
            yield loop


def _seen(variables: dict[str, Any], *, pausing: bool) -> RunningLoop:
    now = variables["self"]._clock.now()
    ended, pause = variables.get("ended"), variables.get("pause")
    return RunningLoop(
        loop=variables["self"],
        interval=str(variables["schedule"]),
        last_run=None if ended is None else now - ended,
        pausing=pausing,
        next_run=None if ended is None or pause is None else ended + pause - now,
    )
