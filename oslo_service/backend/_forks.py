# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process forks has none of its parent's tasks: its drivers are told.

Whoever forks: the program, which becomes a daemon, one of its libraries, or this one.
"""

import contextlib
import logging
import threading
import weakref
from collections.abc import Iterator
from typing import Protocol

from oslo_service._common.fork_safety import Inherited, PerProcess

__all__ = ("by_worker", "forks_worker", "watch")

LOG = logging.getLogger(__name__)


class Forked(Protocol):
    """What is made usable in a forked process."""

    def after_fork(self) -> None:
        """Leave to the parent what is its own."""


# The threads that fork a worker just now.
_for_worker: Inherited[set[int]] = Inherited(set)


def watch(driver: Forked) -> None:
    """Have ``after_fork()`` called in all that this process forks; idempotent."""
    _watched.get().add(driver)


@contextlib.contextmanager
def by_worker() -> Iterator[None]:
    """Have a process that is forked meanwhile call ``after_fork()`` itself.

    A worker does: where that fails, it ends.
    """
    me, threads = threading.get_ident(), _for_worker.get()
    threads.add(me)
    try:
        yield
    finally:
        threads.discard(me)


def forks_worker() -> bool:
    """Whether this native thread forks a worker, or has, in the worker itself."""
    return threading.get_ident() in _for_worker.get()


def _after_fork(drivers: "weakref.WeakSet[Forked]") -> None:
    if forks_worker():
        return
    _for_worker.clear()  # the other threads did not come along
    for driver in list(drivers):
        try:
            driver.after_fork()
        except Exception:
            LOG.exception("%r is of no use in a forked process", driver)


_watched: "PerProcess[weakref.WeakSet[Forked]]" = PerProcess(
    weakref.WeakSet, abandon=_after_fork
)
