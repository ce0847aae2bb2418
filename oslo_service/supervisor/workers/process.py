# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A worker process, seen from its parent."""

import functools
import os
import signal
from collections.abc import Iterator

from oslo_service.supervisor.workers.channel import Channel, ControlPipes

__all__ = ("Process", "open_pidfd", "pidfds_work")


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
    """Whether the system has them."""
    pidfd = open_pidfd(os.getpid())
    if pidfd is None:
        return False
    os.close(pidfd)
    return True


class Process:
    """A worker process that was started here.

    :param pid: its id.
    :param pipes: to it; the worker's end has been closed here.
    """

    def __init__(self, pid: int, pipes: ControlPipes) -> None:
        self.pid = pid
        self.channel: Channel | None = pipes.parents_end
        self.stacks = pipes.stacks
        self.pidfd = open_pidfd(pid)

    def filenos(self) -> Iterator[int]:
        """Return the descriptors whose readiness tells something."""
        if self.channel is not None:
            yield self.channel.fileno()
        if self.pidfd is not None:
            yield self.pidfd

    def listen(self) -> list[bytes]:
        """Return what the worker has said."""
        if self.channel is None:
            return []
        messages = self.channel.receive()
        if messages is None:
            self.channel.close()
            self.channel = None
        return messages or []

    def tell(self, message: bytes) -> None:
        """Send the worker a message."""
        if self.channel is not None:
            self.channel.send(message)

    def kill(self) -> None:
        """End it by force."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def reap(self) -> tuple[bool, int | None]:
        """Reap it if it has ended; non-blocking.

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
