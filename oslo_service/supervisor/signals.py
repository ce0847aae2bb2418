# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Signals: caught at once, acted on where it is safe.

Python runs signal handlers between two instructions of the main thread, which
may hold any lock. So ours only note the signal and wake whoever turns the
supervisor; it runs the handlers.
"""

import collections
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from oslo_service import backend
from oslo_service.backend.base import Driver, Event
from oslo_service.supervisor.workers.channel import nonblocking_pipe

__all__ = (
    "Handler",
    "Signals",
    "Waker",
    "of_process",
    "unblock",
)

LOG = logging.getLogger(__name__)

# How long to wait for the main thread to install a handler, in seconds.
_INSTALLING = 1.0

Handler = Callable[[int, Any], object]


def in_main_thread() -> bool:
    """Tell whether the interpreter handles signals in this native thread."""
    if sys.platform == "linux":
        # Green threads of the main thread are in it, too.
        return threading.get_native_id() == os.getpid()
    return threading.current_thread() is threading.main_thread()


class Waker:
    """A descriptor that becomes readable when somebody wants attention.

    The interpreter itself writes to it as soon as any signal arrives, in
    whichever native thread.
    """

    def __init__(self, driver: Driver) -> None:
        self._os = driver.original("os")
        self._reader, self._writer = nonblocking_pipe(self._os)
        self._closed = False

    def fileno(self) -> int:
        """Give the descriptor to wait for until it can be read."""
        return self._reader

    def writing_end(self) -> int:
        """Give the descriptor for :func:`signal.set_wakeup_fd`."""
        return self._writer

    def wake(self) -> None:
        """Ask for attention; from any task, thread or signal handler."""
        if self._closed:
            return
        # Full: attention is due anyway.
        with contextlib.suppress(OSError):
            self._os.write(self._writer, b"!")

    def clear(self) -> None:
        """Make the descriptor unreadable until the next time."""
        with contextlib.suppress(OSError):
            while len(self._os.read(self._reader, 4096)) == 4096:
                pass

    def close(self) -> None:
        """Close both ends."""
        self._closed = True
        self._os.close(self._reader)
        self._os.close(self._writer)


class Signals:
    """The handlers of a process, and the signals that wait for them.

    Where there is no launcher, handlers run as plain signal handlers do.

    :ivar expected: whether there is one, so that signals are kept until it is
        waited for.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, list[Handler]] = {}
        self._previous: dict[int, Any] = {}
        self._previous_wakeup: int | None = None
        self._wanted: set[int] = set()
        self._pending: collections.deque[int] = collections.deque()
        self._waker: Waker | None = None
        self.expected = False
        self._callers: list[Event] = []
        self._lock = threading.RLock()

    # Handlers

    def add(self, signum: int, handler: Handler) -> None:
        """Add a handler, which runs before those that are there.

        From any task: where it is not the main thread's, the one that turns
        the supervisor installs it.
        """
        with self._lock:
            handlers = self._handlers.setdefault(signum, [])
            if handler not in handlers:
                handlers.append(handler)
            self._wanted.add(signum)
        if in_main_thread():
            self.install()
        elif self._waker is not None:
            self._have_installed(self._waker)
        elif not self.expected:
            LOG.warning(
                "The handler for %s takes effect when a launcher's wait() is called"
                " in the main thread",
                signal.Signals(signum).name,
            )

    def remove(self, signum: int, handler: Handler | None = None) -> None:
        """Remove a handler, or all handlers of a signal."""
        with self._lock:
            handlers = self._handlers.get(signum, [])
            if handler is None:
                handlers.clear()
            elif handler in handlers:
                handlers.remove(handler)
            if not handlers:
                self._wanted.discard(signum)
        if in_main_thread():
            self.install()

    def install(self) -> None:
        """Tell the interpreter which signals are wanted: in the main thread."""
        with self._lock:
            wanted = set(self._wanted)
        for signum in wanted - set(self._previous):
            self._previous[signum] = signal.signal(signum, self._caught)
        for signum in set(self._previous) - wanted:
            _restore(signum, self._previous.pop(signum))
        while self._callers:
            self._callers.pop().set()

    def _have_installed(self, waker: Waker) -> None:
        """Wait until who turns the supervisor has installed what is wanted."""
        driver = backend.selected()
        if driver is None:
            return
        installed = driver.event()
        self._callers.append(installed)
        waker.wake()
        if not installed.wait(_INSTALLING):
            LOG.warning("The main thread is busy: a signal handler takes effect later")

    # Attention

    def attend(self, waker: Waker) -> None:
        """Have signals wait for :meth:`dispatch`, and wake ``waker``."""
        self._waker = waker
        if in_main_thread():
            previous = signal.set_wakeup_fd(
                waker.writing_end(), warn_on_full_buffer=False
            )
            if self._previous_wakeup is None:
                self._previous_wakeup = previous
            self.install()

    def release(self) -> None:
        """Give signals back to whom they belonged before :meth:`attend`."""
        self._waker = None
        if in_main_thread():
            if self._previous_wakeup is not None:
                signal.set_wakeup_fd(self._previous_wakeup)
            self._previous_wakeup = None
            self.install()

    def dispatch(self) -> None:
        """Run the handlers of the signals that have arrived.

        :raises SystemExit: a handler raised it.
        """
        while self._pending:
            try:
                signum = self._pending.popleft()
            except IndexError:
                return
            self._run(signum)

    def _caught(self, signum: int, frame: object) -> None:
        del frame
        self._pending.append(signum)
        if self._waker is not None:
            self._waker.wake()
            return
        if self.expected:
            return
        driver = backend.selected()
        if driver is None:
            self.dispatch()
        else:
            driver.defer(self.dispatch)

    def _run(self, signum: int) -> None:
        with self._lock:
            handlers = list(reversed(self._handlers.get(signum, [])))
        for handler in handlers:
            try:
                handler(signum, None)
            except Exception:
                LOG.exception(
                    "The handler %r of %s failed",
                    *(handler, signal.Signals(signum).name),
                )

    def block(self) -> set[Any]:
        """Block the signals that are handled here, and give the mask that was."""
        return signal.pthread_sigmask(signal.SIG_BLOCK, self._previous)

    def start_over(self) -> None:
        """Forget the parent's handlers, in a freshly forked process.

        To be called while signals are blocked. What the interpreter calls
        stays in place until :meth:`install` finds that it is not wanted.
        """
        signal.set_wakeup_fd(-1)
        previous = self._previous
        self.__init__()  # type: ignore[misc]
        self._previous = previous


def _restore(signum: int, previous: Any) -> None:
    # None: it was not Python that installed it, and it is lost.
    signal.signal(signum, signal.SIG_DFL if previous is None else previous)


def unblock(mask: set[Any]) -> None:
    """Set the mask that was before :meth:`Signals.block`."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


_of_process = Signals()


def of_process() -> Signals:
    """Give the signals of this process."""
    return _of_process
