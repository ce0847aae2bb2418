# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A worker process, seen from its parent."""

import functools
import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from oslo_service.supervisor import signals
from oslo_service.supervisor.shutdown_timeout import flush_streams
from oslo_service.supervisor.workers.channel import Channel, Line

__all__ = ("Process", "fork", "open_pidfd", "pidfds_work")

LOG = logging.getLogger(__name__)

_warned_of: set[str] = set()
# The processes whose objects have been frozen: this one, and those before it.
_frozen: set[int] = set()


def open_pidfd(pid: int) -> int | None:
    """Open a descriptor that becomes readable when a process has ended.

    pidfd_open(2), Linux 5.3.

    :returns: None where the system has no such thing, or no such process.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


@functools.cache
def pidfds_work() -> bool:
    """Tell whether the system has them."""
    pidfd = open_pidfd(os.getpid())
    if pidfd is None:
        return False
    os.close(pidfd)
    return True


class Process:
    """A worker process that was started here.

    :param pid: its id.
    :param line: to it; the worker's end has been closed here.
    """

    def __init__(self, pid: int, line: Line) -> None:
        self.pid = pid
        self.channel: Channel | None = line.parents_end
        self.stacks = line.stacks
        self.pidfd = open_pidfd(pid)

    def filenos(self) -> Iterator[int]:
        """Give the descriptors whose readiness tells something."""
        if self.channel is not None:
            yield self.channel.fileno()
        if self.pidfd is not None:
            yield self.pidfd

    def listen(self) -> list[bytes]:
        """Give what the worker has said."""
        if self.channel is None:
            return []
        messages = self.channel.receive()
        if messages is None:
            self.channel.close()
            self.channel = None
        return messages or []

    def tell(self, message: bytes) -> None:
        """Say something to the worker."""
        if self.channel is not None:
            self.channel.send(message)

    def kill(self) -> None:
        """End it by force."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def reap(self) -> tuple[bool, int | None]:
        """Look whether it has ended; does not block.

        :returns: whether it has, and its exit status, or the negative number
            of the signal that ended it; None where somebody else was told.
        """
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return True, None
        if pid == 0:
            return False, None
        return True, os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Close what this process holds of it."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None
        self.stacks.close()


def fork(main: Callable[[set[Any]], object], *, parallel: bool) -> int:
    """Run ``main(mask)`` in a forked process, which must end inside it.

    The signals that are handled are blocked in the child: before it has
    handlers of its own, one would be taken for its parent's. ``mask`` is what
    to set then.

    :param parallel: whether tasks are native threads, which a fork loses.
    :returns: the child's pid.
    :raises OSError: the system has no room for another process.
    """
    if parallel:
        _report_threads()
    flush_streams()
    _freeze()
    mask = signals.of_process().block()
    try:
        pid = _fork()
        if pid == 0:
            main(mask)
    finally:
        signals.unblock(mask)
    return pid


def _fork() -> int:
    if sys.version_info < (3, 12):
        return os.fork()
    with warnings.catch_warnings():
        # That there are threads has been said, in more words.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _freeze() -> None:
    """Keep the garbage collector away from what there is, once in a process.

    In a worker, it would write to every object, and so copy every page that
    is shared with the parent; at the end, it would look at them all again.
    """
    if os.getpid() not in _frozen:
        _frozen.add(os.getpid())
        gc.freeze()


def _report_threads() -> None:
    """Say once which native threads do not come along."""
    others = {
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.current_thread()
    }
    if not others <= _warned_of:
        _warned_of.update(others)
        LOG.warning(
            "A worker is forked while other threads run, which it will not have; a"
            " lock that they hold stays locked in it: %s",
            ", ".join(sorted(others)),
        )
