# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Processes that others fork: nothing of ours acts in them.

A program, or one of its libraries, forks on its own: multiprocessing, a daemon for
privileged calls. Such a child has all that this process has, its signal handlers,
pipes and epoll among it, and would take what is meant for its parent.
"""

import os
import sys
import threading
import warnings
from typing import Any

from oslo_service._common import lazy_imports
from oslo_service._common.fork_safety import Inherited
from oslo_service.backend._forks import by_worker, forks_worker
from oslo_service.supervisor import current, faulthandler_timer, signals

__all__ = ("fork_worker", "watch")

# The threads that are forking just now, and what their masks of signals were. Who forks
# a worker sees to the mask.
_forking: Inherited[dict[int, set[Any]]] = Inherited(dict)
_watching = Inherited(lambda: False)


def watch() -> None:
    """Have what is ours left to this process, in all that it forks; idempotent."""
    if not _watching.get():
        _watching.set(True)
        current.known()  # what that needs to know of forks comes first
        os.register_at_fork(
            before=_before,
            after_in_parent=_after_in_parent,
            after_in_child=_after_in_child,
        )


def fork_worker() -> int:
    """Fork a worker: that one sees itself to what is its parent's.

    To be called while the signals that are handled are blocked.

    :returns: what os.fork() does.
    """
    with by_worker():
        return _fork()


def _fork() -> int:
    if sys.version_info < (3, 12):
        return os.fork()
    with warnings.catch_warnings():
        # That there are threads has been said, in more words.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _before() -> None:
    supervisor = current.known()
    if supervisor is not None:
        if not forks_worker():
            # What comes to the child before it has let go of our handlers would be
            # lost.
            _forking.get()[threading.get_ident()] = signals.of_process().block()
        supervisor.before_fork()
    # Last: that waits, and meanwhile another thread may begin to import.
    lazy_imports.settle()


def _after_in_parent() -> None:
    supervisor = current.known()
    if supervisor is not None:
        supervisor.after_fork()
    mask = _forking.get().pop(threading.get_ident(), None)
    if mask is not None:
        signals.unblock(mask)


def _after_in_child() -> None:
    faulthandler_timer.begin_child()
    if forks_worker():
        return
    forking = _forking.get()
    mask = forking.pop(threading.get_ident(), None)
    forking.clear()
    try:
        if current.leave():
            signals.of_process().leave()
    finally:
        if mask is not None:
            signals.unblock(mask)
