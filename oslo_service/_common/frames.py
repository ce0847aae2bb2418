# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Stacks of tasks that go on while they are looked at.

So each is taken as a whole, and looked at afterwards: a frame, once the call has
returned, may be anything's.
"""

import sys
import traceback
from collections.abc import Mapping
from types import FrameType

__all__ = ("Stack", "stack_of", "stacks_of", "text")

#: The calls of a task: the frame of each, and the line that it was at; the innermost
#: comes first.
Stack = tuple[tuple[FrameType, int], ...]


def stack_of(frame: FrameType | None) -> Stack:
    """Return a frame, the one that called it, and so on, as they are now."""
    found = []
    while frame is not None:
        found.append((frame, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


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
    for ident, stack in found.items():
        if ident == current or any(frame is looker for frame, _ in stack):
            found[ident] = stack_of(looker.f_back)
    return found


def text(stack: Stack, *, variables: bool) -> str:
    """Return a stack as text, the outermost call first.

    :param variables: whether to show the local variables, too.
    """
    summary = traceback.StackSummary.extract(reversed(stack), capture_locals=variables)
    return "".join(summary.format())
