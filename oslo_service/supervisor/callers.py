# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who gives an order: whether that task may wait until it is carried out."""

import sys
from collections.abc import Iterator
from types import FrameType

from oslo_service import backend
from oslo_service.backend.base import Task
from oslo_service.supervisor import signals
from oslo_service.supervisor.turn import Turn

__all__ = ("calling_tasks", "in_added_handler", "may_wait", "running_tasks")

# As inspect, which takes long to import, has it: a function has *args.
_CO_VARARGS = 4


def may_wait(turn: Turn) -> bool:
    """Whether the calling task may wait for what others do.

    Not who has the turn, nor any task of this library, nor a signal handler: what
    it would wait for might wait for it.
    """
    return not (turn.held_here or calling_tasks() or _in_handler())


def running_tasks() -> list[Task]:
    """Return the tasks of this library that have begun and not ended."""
    return [task for driver in backend.in_use() for task in list(driver.running)]


def calling_tasks() -> list[Task]:
    """Return the task of this library that calls, and those whose calls it makes."""
    return [
        task
        for driver in backend.in_use()
        for task in list(driver.running)
        if task.ident == driver.current_ident()
    ]


def _in_handler() -> bool:
    """Whether this is called by a signal handler, whoever has installed that."""
    return in_added_handler() or any(map(_was_handed_interrupted, _callers()))


def in_added_handler() -> bool:
    """Whether a signal handler that was added to :class:`.Signals` is calling."""
    return any(map(signals.calls_added_handler, _callers()))


def _callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _was_handed_interrupted(frame: FrameType) -> bool:
    """Whether an argument is the frame that is interrupted, as handlers have it.

    Which are installed does not tell: some restore the default first of all.
    """
    code, interrupted = frame.f_code, frame.f_back
    if interrupted is None:
        return False
    rest = bool(code.co_flags & _CO_VARARGS)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + rest]
    values = frame.f_locals
    for value in map(values.get, names):
        found = value if type(value) is tuple else (value,)
        if any(one is interrupted for one in found):
            return True
    return False
