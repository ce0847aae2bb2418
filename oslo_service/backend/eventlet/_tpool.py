# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Eventlet's pool of native threads, which does not cross a fork."""

import gc
import sys
from typing import Any

from eventlet import hubs, patcher

from oslo_service._common.fork_safety import Inherited

__all__ = ("served_hub", "start_over")

# What it has left: were it collected, sockets would be closed in the hub.
_left: Inherited[list[Any]] = Inherited(list)


def start_over() -> None:
    """Have it set up anew when it is used next, in a freshly forked process."""
    tpool: Any = sys.modules.get("eventlet.tpool")
    if tpool is None or not tpool._setup_already:
        return
    _left.get().append(
        (tpool._coro, tpool._rsock, tpool._wsock, tpool._reqq, tpool._rspq)
    )
    tpool._coro = tpool._rsock = tpool._wsock = tpool._reqq = tpool._rspq = None
    del tpool._threads[:]
    tpool._setup_already = False


def served_hub() -> Any:
    """Return the hub that the pool answers to, in one of its threads; else None."""
    tpool: Any = sys.modules.get("eventlet.tpool")
    if tpool is None or not tpool._threads:
        return None
    me = patcher.original("threading").current_thread()
    if me not in tpool._threads:
        return None
    for one in gc.get_objects():  # a hub knows its green thread, but not vice versa
        if isinstance(one, hubs.hub.BaseHub) and one.greenlet is tpool._coro.parent:
            return one
    return None
