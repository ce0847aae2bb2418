# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether faulthandler's timer can be used in this process.

A fork while it runs leaves its locks held in the child, without the thread that
holds them; to set it, or to take it back, hangs there for ever, with the GIL.
Nobody can ask whether it runs: it does not, where every native thread is Python's.
"""

import os
from types import ModuleType

from oslo_service._common.fork_safety import Inherited

__all__ = ("begin_child", "is_usable", "look", "native_threads")

_suspect = Inherited(lambda: False)
_usable = Inherited(lambda: True)


def is_usable() -> bool:
    """Whether to set it, or to take it back, cannot hang."""
    return _usable.get()


def look(threads: ModuleType) -> None:
    """Look whether it may be running: a fork is imminent.

    :param threads: the unpatched module ``_thread``.
    """
    # Where the number cannot be known it is most unlikely.
    _suspect.set((native_threads() or 0) > threads._count() + 1)


def native_threads() -> int | None:
    """Return how many native threads this process has; None: that cannot be known."""
    try:
        # A link for each thread's directory, and the two that every directory has:
        # to list them, or to ask pathlib, costs every fork a tenth more pages.
        return os.stat("/proc/self/task").st_nlink - 2  # noqa: PTH116
    except OSError:
        return None


def begin_child() -> None:
    """Take over what was found, in the child."""
    if _suspect.get():
        _usable.set(False)
