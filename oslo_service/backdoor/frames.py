# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Stacks: the frames of a task, and the text that shows them."""

import traceback
from collections.abc import Iterator
from types import FrameType

__all__ = ("outwards", "text")


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Return a frame, the one that called it, and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def text(frame: FrameType, *, variables: bool) -> str:
    """Return a stack as text, the outermost call first.

    :param variables: whether to show the local variables, too.
    """
    walk = [(one, one.f_lineno) for one in outwards(frame)]
    summary = traceback.StackSummary.extract(
        iter(reversed(walk)), capture_locals=variables
    )
    return "".join(summary.format())
