# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What models whose tasks are greenlets share, whichever hub they have."""

import gc
import sys
import weakref
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

__all__ = ("frames_of_greenlets", "frames_of_these", "has_weak_references")


def frames_of_greenlets(
    kind: type, current: Any, is_inherited: Callable[[Any], bool]
) -> dict[int, FrameType]:
    """Return the innermost frames of all greenlets that have begun and not ended.

    :param kind: the class of all greenlets.
    :param current: the calling one.
    :param is_inherited: whether a greenlet is one of the parent's, from before a fork.
    :returns: the frames, by the identity of the greenlet.
    """
    found = [
        one
        for one in gc.get_objects()
        if issubclass(type(one), kind) and not is_inherited(one)
    ]
    # The parent's are left out; but the main one may be one of them.
    ancestor = current
    while ancestor is not None:
        found.append(ancestor)
        ancestor = ancestor.parent
    frames = {id(one): one.gr_frame for one in found if one.gr_frame is not None}
    frames[id(current)] = sys._getframe(2)
    return frames


def frames_of_these(greenlets: Iterable[Any], current: Any) -> dict[int, FrameType]:
    """Return the innermost frames of some greenlets: of those that have one.

    :param greenlets: the greenlets; None among them is passed over.
    :param current: the calling one.
    :returns: the frames, by the identity of the greenlet.
    """
    found = {id(one): one.gr_frame for one in greenlets if one is not None}
    if id(current) in found:
        found[id(current)] = sys._getframe(2)
    return {ident: frame for ident, frame in found.items() if frame is not None}


def has_weak_references(current: Any) -> bool:
    """Whether something may be kept for a greenlet, as in its thread-locals.

    The thread-locals of Eventlet and of gevent refer to the greenlet weakly, to drop
    what it leaves in them when it ends; so does everything that is made like them.

    :param current: the calling one.
    """
    return weakref.getweakrefcount(current) > 0
