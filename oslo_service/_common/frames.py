# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Stacks of tasks that go on while they are looked at.

So each is taken as a whole, and looked at afterwards: a frame, once the call has
returned, may be anything's.
"""

import sys
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import NamedTuple

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


def stack_of(frame: FrameType | None) -> Stack:
    """Return a frame, the one that called it, and so on, as they are now."""
    frames, instructions = [], []
    while frame is not None:
        frames.append(frame)
        instructions.append(frame.f_lasti)
        frame = frame.f_back
    return Stack(tuple(frames), tuple(instructions))


def stacks_of(
    innermost: Mapping[int, FrameType], current: int | None = None
) -> dict[int, Stack]:
    """Return the stacks of tasks, as they are now.

    That of the caller's task begins with what has called the caller. Were the caller's
    own frame among what the caller has in a variable, it would refer to itself, and
    keep all of it: what every task has, until the garbage collector comes.

    :param innermost: where each is; not to be kept, likewise.
    :param current: which of them the caller is: what has returned, as the function
        has that told so, may not know any more who called it. None: it is found.
    """
    found = {ident: stack_of(frame) for ident, frame in innermost.items()}
    looker = sys._getframe(1)
    if current is None:
        own = [ident for ident, stack in found.items() if looker in stack.frames]
    else:
        own = [current] if current in found else []
    for ident in own:
        found[ident] = stack_of(looker.f_back)
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
