# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Processes that others fork: nothing of ours acts in them.

A program, or one of its libraries, forks on its own: multiprocessing, a daemon for
privileged calls. Such a child has all that this process has, its signal handlers,
pipes and epoll among it, and would take what is meant for its parent.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from oslo_service import backend
from oslo_service._common.process_state import Inherited
from oslo_service.supervisor import backstop, current, signals

__all__ = ("our_own", "watch")

# The threads that are forking a worker just now.
_forking: Inherited[set[int]] = Inherited(set)
# What their masks of signals were.
_masks: Inherited[dict[int, set[Any]]] = Inherited(dict)
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


@contextlib.contextmanager
def our_own() -> Iterator[None]:
    """Fork a worker meanwhile: that one sees to it itself."""
    me = threading.get_ident()
    _forking.get().add(me)
    try:
        yield
    finally:
        _forking.get().discard(me)


def _before() -> None:
    supervisor = current.known()
    if supervisor is not None:
        # What comes to the child before it has let go of our handlers would be lost.
        _masks.get()[threading.get_ident()] = signals.of_process().block()
        supervisor.before_fork()


def _after_in_parent() -> None:
    supervisor = current.known()
    if supervisor is not None:
        supervisor.after_fork()
    _unblock()


def _unblock() -> None:
    mask = _masks.get().pop(threading.get_ident(), None)
    if mask is not None:
        signals.unblock(mask)


def _after_in_child() -> None:
    backstop.begin_child()
    if threading.get_ident() in _forking.get():
        return
    _forking.get().clear()
    try:
        if current.leave():
            signals.of_process().leave()
            for driver in backend.in_use():
                driver.after_fork()
    finally:
        _unblock()
