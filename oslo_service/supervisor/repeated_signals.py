# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A signal that repeats an order, when that has been carried out already.

``ExecStop=/bin/kill $MAINPID`` and timeout(1) send SIGTERM twice, and logrotate(8) may
send a SIGHUP at the same time. Where a service has ended in between, its program is
about to end as well: the system would end it by the signal, with another status.
"""

import atexit
import os
import signal
from typing import Any

from oslo_service._common import clock
from oslo_service._common.fork_safety import Inherited

__all__ = ("RepeatedSignals", "watch_exit")

_REPEATING = frozenset((signal.SIGTERM, signal.SIGHUP))

_watching = Inherited(lambda: False)


class RepeatedSignals:
    """What handles them from when everything has ended, for a while.

    :param until: when that is over, in monotonic seconds: the system does then, in
        this process and in those that it has forked, what it would without us.
    """

    def __init__(self, until: float) -> None:
        self._until = until
        self._pid = os.getpid()

    def take(self, signum: int) -> None:
        """Have a signal do nothing that would end the program: in the main thread."""
        ends_program = signal.getsignal(signum) == signal.SIG_DFL
        if signum in _REPEATING and ends_program and self.are_expected:
            signal.signal(signum, self)

    @property
    def are_expected(self) -> bool:
        """Whether one that comes now repeats what has been carried out."""
        return clock.now() < self._until and self._pid == os.getpid()

    def __call__(self, signum: int, _frame: Any) -> None:
        """Handle a signal."""
        if not self.are_expected:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)


def watch_exit() -> None:
    """Have them do nothing as the interpreter is taken down, either; idempotent.

    Its handlers are gone by then, but not what is ignored. This is to be called early:
    what the program registers later is called before it, with its handlers in place.
    """
    if not _watching.get():
        _watching.set(True)
        atexit.register(_ignore)


def _ignore() -> None:
    for signum in _REPEATING:
        handler = signal.getsignal(signum)
        if isinstance(handler, RepeatedSignals) and handler.are_expected:
            signal.signal(signum, signal.SIG_IGN)
