# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A worker process, seen from its parent."""

import errno
import functools
import os
import signal
from types import ModuleType

from oslo_service._common.fork_safety import PerProcess
from oslo_service.supervisor.workers.channel import ControlPipes

__all__ = ("Process", "open_pidfd", "own_pidfd", "pidfds_work")

# What the system says when it has no descriptor to give.
_SCARCE = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))


def open_pidfd(pid: int) -> int | None:
    """Open a descriptor that becomes readable when a process has ended.

    pidfd_open(2), Linux 5.3.

    :returns: None where the system has no such thing, or no such process.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def own_pidfd() -> int | None:
    """Return a descriptor of this process, for its workers to inherit.

    To one in another namespace, the number of its parent means nothing.
    """
    if _own_pidfd.get() is None and pidfds_work():  # none could be had before
        _own_pidfd.set(open_pidfd(os.getpid()))
    return _own_pidfd.get()


@functools.cache
def pidfds_work() -> bool:
    """Whether the system has them."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except AttributeError:
        return False
    except OSError as exc:
        return exc.errno in _SCARCE  # that there is none now is another matter
    return True


_own_pidfd: PerProcess[int | None] = PerProcess(lambda: open_pidfd(os.getpid()))


class Process:
    """A worker process that was started here.

    :param system: the unpatched module ``os``.
    :param pid: its id.
    :param pipes: to it; what is the worker's alone has been closed here.
    """

    def __init__(self, system: ModuleType, pid: int, pipes: ControlPipes) -> None:
        self.pid = pid
        self.stacks = pipes.stacks
        #: Whether it can answer questions.
        self.can_answer = pipes.answers is not None
        self._os = system
        self._orders: int | None = pipes.orders
        #: Whether it has said that it ends in order.
        self.leaving = False
        #: Whether it has been reported that it hangs.
        self.reported = False
        self._terminated = False
        self.pidfd = open_pidfd(pid)

    def watch(self) -> bool:
        """Whether the system tells of its end; tries again where it could not."""
        if self.pidfd is None and pidfds_work():
            self.pidfd = open_pidfd(self.pid)
        return self.pidfd is not None

    def tell(self, message: bytes) -> bool:
        """Send the worker a message: non-blocking, and async-signal-safe.

        :returns: whether that was possible. A full pipe means that the worker has
            not read for a long time, a broken one that it is gone, or has become
            another program.
        """
        if self._orders is None:
            return False
        try:
            self._os.write(self._orders, message)
        except OSError:
            return False
        return True

    def order_stop(self, message: bytes) -> OSError | None:
        """Have it stop: by a message, or where nobody reads those, by a SIGTERM.

        To a worker that is the same order. Async-signal-safe.

        :returns: why that is not possible.
        """
        if self._orders is None or self.tell(message):
            return None
        error = self._signal(signal.SIGTERM)
        self._terminated |= error is None
        return error

    def kill(self) -> OSError | None:
        """End it by force; async-signal-safe.

        :returns: why that is not possible.
        """
        return self._signal(signal.SIGKILL)

    def _signal(self, signum: int) -> OSError | None:
        # Where somebody else reaps, the number may be another process's by now.
        try:
            if self.pidfd is None:
                os.kill(self.pid, signum)
            else:
                signal.pidfd_send_signal(self.pidfd, signum)
        except ProcessLookupError:
            pass  # its end is on its way here
        except OSError as exc:
            return exc
        return None

    def told_status(self, status: int | None) -> int | None:
        """Return what a status counts as: 0 where it did what a SIGTERM says."""
        return 0 if self._terminated and status == -signal.SIGTERM else status

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
        orders, self._orders = self._orders, None
        if orders is not None:
            self._os.close(orders)
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None
