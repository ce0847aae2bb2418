# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Stacks of tasks that go on while they are looked at.

So each is taken as a whole, and looked at afterwards: a frame, once the call has
returned, may be anything's.
"""

import contextlib
import gc
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import NamedTuple

from oslo_service._common.fork_safety import PerProcess

__all__ = ("Stack", "lines", "stack_of", "stacks_of", "text")


class Stack(NamedTuple):
    """The calls of a task, the innermost first.

    Not a tuple for each of them: the garbage collector would look at them all.

    :ivar frames: their frames.
    :ivar instructions: where each was, as ``f_lasti`` has it. To find the line takes as
        long as ten frames do.
    """

    frames: tuple[FrameType, ...] = ()
    instructions: tuple[int, ...] = ()


class _CollectorPause:
    """A context, in which no garbage is collected, of whichever task.

    The objects of frames are made when they are asked for, by Python 3.11 with garbage
    collected in the middle of that. What it calls lets other threads go on: the call of
    such a frame ends, and the interpreter crashes.
    """

    def __init__(self) -> None:
        self._inside: list[None] = []
        self._disabled = False

    def __enter__(self) -> None:
        self._inside.append(None)
        if gc.isenabled():
            gc.disable()
            self._disabled = True

    def __exit__(self, *exc_info: object) -> None:
        self._inside.pop()
        if not self._inside:
            self.end()

    def end(self) -> None:
        """Have garbage collected again, if it was before."""
        if self._disabled:
            self._disabled = False
            gc.enable()


# Whoever looks while another thread forks is not there in the child.
_pause = PerProcess(_CollectorPause, _CollectorPause.end)


def _undisturbed() -> contextlib.AbstractContextManager[None]:
    # Later versions collect garbage between two instructions only.
    return _pause.get() if sys.version_info < (3, 12) else contextlib.nullcontext()


def stack_of(frame: FrameType | None) -> Stack:
    """Return a frame, the one that called it, and so on, as they are now."""
    with _undisturbed():
        return _walk(frame)


def _walk(frame: FrameType | None) -> Stack:
    frames, instructions = [], []
    while frame is not None:
        frames.append(frame)
        instructions.append(frame.f_lasti)
        frame = frame.f_back
    return Stack(tuple(frames), tuple(instructions))


def stacks_of(
    look: Callable[[], Mapping[int, FrameType]], current: int | None = None
) -> dict[int, Stack]:
    """Return the stacks of tasks, as they are now.

    That of the caller's task begins with what has called the caller. Were the caller's
    own frame among what the caller has in a variable, it would refer to itself, and
    keep all of it: what every task has, until the garbage collector comes.

    :param look: returns where each is.
    :param current: which of them the caller is: what has returned, as the function
        has that told so, may not know any more who called it. None: it is found.
    """
    with _undisturbed():
        found = {ident: _walk(frame) for ident, frame in look().items()}
        looker = sys._getframe(1)
        if current is None:
            own = [ident for ident, stack in found.items() if looker in stack.frames]
        else:
            own = [current] if current in found else []
        for ident in own:
            found[ident] = _walk(looker.f_back)
    return found


def lines(stack: Stack) -> Iterator[tuple[FrameType, int]]:
    """Return the frames, each with the line that it was at, the outermost first."""
    calls = zip(stack.frames, stack.instructions, strict=True)
    for frame, instruction in reversed(list(calls)):
        code = frame.f_code
        found = (
            line for begin, end, line in code.co_lines() if begin <= instruction < end
        )
        yield frame, next(found, None) or code.co_firstlineno


def text(stack: Stack, *, variables: bool) -> str:
    """Return a stack as text, the outermost call first.

    :param variables: whether to show the local variables, too.
    """
    summary = traceback.StackSummary.extract(lines(stack), capture_locals=variables)
    return "".join(summary.format())
