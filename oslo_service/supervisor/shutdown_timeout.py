# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The time-out of an orderly end, kept by force."""

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.backend.base import Driver

__all__ = ("Backstop", "ShutdownTimeout", "flush_streams")

LOG = logging.getLogger(__name__)

# How long after the limit a process that never gives up the GIL is ended, in
# seconds; a parent kills its workers one second after their limit.
_BACKSTOP = 0.5

# What faulthandler raises of a standard error that has no descriptor.
_NOWHERE_TO_WRITE = (RuntimeError, ValueError, OSError, AttributeError)


class Backstop:
    """faulthandler's timer, of which a process has one, for many limits.

    It needs no GIL: it ends even a process that never gives it up.

    :param stacks_fd: returns the descriptor to write stacks to; None is the
        standard error.
    """

    def __init__(self, stacks_fd: Callable[[], int | None]) -> None:
        self._stacks_fd = stacks_fd
        self._ends: dict[object, float] = {}

    def arm(self, holder: object, seconds: float) -> None:
        """End the process in so many seconds, unless ``holder`` disarms it."""
        self._ends[holder] = clock.now() + seconds
        self._rearm()

    def disarm(self, holder: object) -> None:
        """Take back what ``holder`` has armed."""
        self._ends.pop(holder, None)
        self._rearm()

    def _rearm(self) -> None:
        # The latest: each limit's own watch comes first in any ordinary case.
        end = max(self._ends.values(), default=None)
        if end is None:
            faulthandler.cancel_dump_traceback_later()
            return
        left = max(0.001, end - clock.now())
        try:
            faulthandler.dump_traceback_later(left, exit=True, file=self._file())
        except _NOWHERE_TO_WRITE as exc:
            LOG.debug("There is no timer behind the limit: %s", exc)

    def dump_stacks(self) -> None:
        """Write the stacks of all threads, now."""
        try:
            faulthandler.dump_traceback(self._file(), all_threads=True)
        except _NOWHERE_TO_WRITE as exc:
            LOG.debug("There is nowhere to write the stacks to: %s", exc)

    def _file(self) -> Any:
        fd = self._stacks_fd()
        return sys.stderr if fd is None else fd


class ShutdownTimeout:
    """Ends the process with status 1, unless it is disarmed in time.

    A native thread of its own waits for the time, so that neither a call that
    hangs nor one that spins can hold it up.

    :param driver: which has the unpatched modules.
    :param backstop: what ends the process where no thread of it can.
    :param describe: returns what still runs, for the log.
    :param before_exit: called last; must not block.
    """

    def __init__(
        self,
        driver: Driver,
        backstop: Backstop,
        describe: Callable[[], str],
        before_exit: Callable[[], object],
    ) -> None:
        self._threads = driver.original("_thread")
        self._backstop = backstop
        self._describe = describe
        self._before_exit = before_exit
        self._disarmed: Any = None

    def arm(self, seconds: float) -> None:
        """Let the time run, unless it runs already.

        :param seconds: from now; not 0.
        """
        if self._disarmed is not None:
            return
        self._disarmed = self._threads.allocate_lock()
        self._disarmed.acquire()
        self._threads.start_new_thread(self._watch, (self._disarmed, seconds))
        self._backstop.arm(self, seconds + _BACKSTOP)

    def disarm(self) -> None:
        """Stop the time: what had to end has ended."""
        disarmed, self._disarmed = self._disarmed, None
        if disarmed is not None:
            disarmed.release()
            self._backstop.disarm(self)

    def _watch(self, disarmed: Any, seconds: float) -> None:
        if disarmed.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
            return
        LOG.error(
            "graceful_shutdown_timeout: after %g s still running: %s; process %d"
            " ends with status 1",
            *(seconds, self._describe(), os.getpid()),
        )
        self._backstop.dump_stacks()
        self._before_exit()
        flush_streams()
        os._exit(1)


def flush_streams() -> None:
    """Flush what has been printed; a stream that cannot be is passed over."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue
