# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Signals: caught at once, acted on where it is safe.

Python runs signal handlers between two instructions of the main thread, which
may hold any lock. So ours do only what cannot wait, record the signal, and wake
whoever turns the supervisor, which does the rest.
"""

import collections
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from oslo_service import backend
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.failures import FAILURES, is_interrupt
from oslo_service._common.fork_safety import Inherited, OwnLock
from oslo_service.backend.base import Event
from oslo_service.supervisor.repeated_signals import RepeatedSignals
from oslo_service.supervisor.waker import Waker

__all__ = (
    "Handler",
    "Reaction",
    "Signals",
    "calls_added_handler",
    "disposition",
    "in_main_thread",
    "of_process",
    "restore",
    "unblock",
)

LOG = CarefulLog(__name__)

# How long to wait for the main thread to install a handler, in seconds.
_INSTALLING = 1.0

Handler = Callable[[int, Any], object]
Reaction = Callable[[], object]

# signal(7): these can be neither caught nor ignored.
_UNCATCHABLE = frozenset((signal.SIGKILL, signal.SIGSTOP))
# What nohup(1), and a shell for what it runs in the background, have ignored.
_MAY_BE_IGNORED = frozenset((signal.SIGINT, signal.SIGHUP))

# What the module has wrappers for, which find the name of each signal: after a fork,
# that copies as many pages again as all the rest of it.
_unwrapped: Any = getattr(signal, "_signal", signal)
_set_mask = _unwrapped.pthread_sigmask

#: Returns what is done at a signal: a handler, SIG_DFL or SIG_IGN.
disposition = _unwrapped.getsignal


def in_main_thread() -> bool:
    """Whether the interpreter handles signals in this native thread."""
    if sys.platform == "linux":
        # Green threads of the main thread are in it, too.
        return threading.get_native_id() == os.getpid()
    return threading.current_thread() is threading.main_thread()


def calls_added_handler(frame: FrameType) -> bool:
    """Whether what runs in this frame has called a handler added to `Signals`."""
    return frame.f_code is Signals._run.__code__


class Signals:
    """The handlers of a process, and the signals that wait for them.

    A *reaction* is the library's own: it is called inside the signal's handler, at
    once, and must be async-signal-safe. The *handlers* of users come later, where
    they may call anything: when whoever turns the supervisor dispatches them. Where
    there is no launcher, they run as plain signal handlers do.

    :ivar unattended: called by a signal for which nobody waits, though there is
        something launched; None: nothing is.
    """

    def __init__(self) -> None:
        self._lock = OwnLock()
        self._forget()

    def _forget(self) -> None:
        self._handlers: dict[int, list[Handler]] = {}
        self._reactions: dict[int, Reaction] = {}
        self._repeated: RepeatedSignals | None = None
        self._pid = os.getpid()
        self._previous: dict[int, Any] = {}
        self._previous_wakeup: int | None = None
        self._pending: collections.deque[int] = collections.deque()
        self._waker: Waker | None = None
        self._dispatching = False
        self.unattended: Callable[[], object] | None = None
        self._callers: list[Event] = []
        self._begins = False

    # Handlers

    def add(self, signum: int, handler: Handler) -> None:
        """Add a handler, which runs before those that are there.

        From any task: where it is not the main thread's, the one that turns
        the supervisor installs it.

        :raises OSError: the system lets nobody handle that signal.
        """
        if signum in _UNCATCHABLE:
            raise _uncatchable(signum)
        with self._lock:
            handlers = self._handlers.setdefault(signum, [])
            if handler not in handlers:
                handlers.append(handler)
        if in_main_thread():
            refused = self.install()
            if signum in refused:
                raise refused[signum]
        elif self._waker is not None or self._begins:
            self._have_installed(signum)
        elif self.unattended is None:
            LOG.warning(
                "The handler for %s takes effect when a launcher's wait() is called"
                " in the main thread",
                signal.Signals(signum).name,
            )

    def remove(self, signum: int, handler: Handler) -> None:
        """Remove a handler; harmless where it is not there."""
        with self._lock:
            handlers = self._handlers.get(signum, [])
            if handler in handlers:
                handlers.remove(handler)
        if in_main_thread():
            self.install()

    def react(
        self,
        reactions: Mapping[int, Reaction],
        repeated: RepeatedSignals | None = None,
    ) -> None:
        """Have these called, each inside the handler of its signal; none: no more.

        A signal that is ignored, and was so when the program began, is left alone:
        whoever started it in the background wants that.

        :param repeated: takes those that are given back.
        """
        self._pid = os.getpid()
        self._repeated = repeated
        self._reactions = {
            signum: reaction
            for signum, reaction in reactions.items()
            if not _stays_ignored(signum, self._before(signum))
        }
        if in_main_thread():
            self.install()

    def _before(self, signum: int) -> Any:
        """Return what would be done at a signal without us."""
        known = signum in self._previous
        return self._previous[signum] if known else disposition(signum)

    def _is_wanted(self, signum: int) -> bool:
        return bool(signum in self._reactions or self._handlers.get(signum))

    def install(self) -> dict[int, OSError]:
        """Tell the interpreter which signals are wanted: in the main thread.

        :returns: those that cannot be had, which are forgotten.
        """
        # Whoever is in this list has said before what it wants.
        callers = [self._callers.pop() for _ in range(len(self._callers))]
        with self._lock:
            wanted = {*self._reactions, *filter(self._is_wanted, self._handlers)}
        refused = {}
        for signum in wanted - set(self._previous):
            try:
                self._previous[signum] = signal.signal(signum, self._caught)
            except OSError as exc:
                self._handlers.pop(signum, None)
                refused[signum] = exc
        for signum in set(self._previous) - wanted:
            self._give_back(signum)
        for caller in callers:
            caller.set()
        return refused

    def _have_installed(self, signum: int) -> None:
        """Wait until who turns the supervisor has installed what is wanted."""
        driver = backend.selected()
        if driver is None:
            return
        installed = driver.event()
        self._callers.append(installed)
        if self._waker is not None:
            self._waker.wake()
        if not installed.wait(_INSTALLING):
            LOG.warning("The main thread is busy: a signal handler takes effect later")
        elif signum not in self._previous:
            raise _uncatchable(signum)

    # Attention

    def begin(self) -> None:
        """Have who adds a handler elsewhere wait until the main thread attends.

        For a worker: it is sure to, soon.
        """
        self._begins = True

    @property
    def attended(self) -> bool:
        """Whether somebody waits, and does what signals have latched."""
        return self._waker is not None

    def attend(self, waker: Waker) -> None:
        """Have signals wait for :meth:`dispatch`, and wake ``waker``."""
        self._waker, self._begins = waker, False
        if in_main_thread():
            previous = signal.set_wakeup_fd(
                waker.writing_end(), warn_on_full_buffer=False
            )
            if self._previous_wakeup is None:
                self._previous_wakeup = previous
            self._take_back_reactions()
            self.install()
            self._unblock_reactions()

    def _take_back_reactions(self) -> None:
        """Catch again what the program has had handled otherwise, since it was."""
        taken = []
        for signum in self._previous.keys() & self._reactions.keys():
            current = disposition(signum)
            if current != self._caught and not _stays_ignored(signum, current):
                self._previous[signum] = current  # the program's again at the end
                signal.signal(signum, self._caught)
                taken.append(signal.Signals(signum).name)
        if taken:
            LOG.warning(
                "What the program has installed for %s, since it has launched"
                " something, is not called while a launcher's wait() runs: add a"
                " handler that runs beside with oslo_service.service.SignalHandler",
                ", ".join(sorted(taken)),
            )

    def _unblock_reactions(self) -> None:
        """Unblock signals that the program which started this one has blocked."""
        blocked = _set_mask(signal.SIG_BLOCK, ()) & set(self._reactions)
        if blocked:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
            LOG.warning(
                "Whoever started process %d has blocked %s: unblocked",
                os.getpid(),
                ", ".join(sorted(signal.Signals(one).name for one in blocked)),
            )

    def release(self) -> None:
        """Give signals back to their handlers from before :meth:`attend`."""
        self._waker = None
        if in_main_thread():
            if self._previous_wakeup is not None:
                signal.set_wakeup_fd(self._previous_wakeup)
            self._previous_wakeup = None
            self.install()

    def dispatch(self) -> None:
        """Run the handlers of the signals that have arrived, never one in another.

        :raises SystemExit: a handler raised it.
        """
        while self._pending and not self._dispatching:
            self._dispatching = True
            try:
                self._run_pending()
            finally:
                self._dispatching = False

    def _run_pending(self) -> None:
        while self._pending:
            try:
                signum = self._pending.popleft()
            except IndexError:
                return
            self._run(signum)

    def _caught(self, signum: int, frame: Any) -> None:
        if self._reactions and self._pid != os.getpid():  # a child, just forked
            self.leave()
            os.kill(os.getpid(), signum)
            return
        if not self._is_wanted(signum):
            self._pass_on(signum, frame)
            return
        reaction = self._reactions.get(signum)
        if reaction is not None:
            reaction()
        if self._handlers.get(signum):
            self._pending.append(signum)
        if self._waker is not None:
            self._waker.wake()
            return
        if self.unattended is not None:
            self.unattended()
        if not self._pending:
            return
        driver = backend.selected()
        if driver is None:
            self.dispatch()
        else:
            driver.defer(self.dispatch)

    def _pass_on(self, signum: int, frame: Any) -> None:
        """Do what would be done without us: nobody could take our handler out."""
        self._give_back(signum)
        previous = signal.getsignal(signum)
        if callable(previous):
            previous(signum, frame)
        elif previous != signal.SIG_IGN:
            os.kill(os.getpid(), signum)

    def _give_back(self, signum: int) -> None:
        restore(signum, self._previous.pop(signum, None))
        if self._repeated is not None:
            self._repeated.take(signum)

    def _run(self, signum: int) -> None:
        with self._lock:
            handlers = list(reversed(self._handlers.get(signum, [])))
        for handler in handlers:
            try:
                with backend.confined():
                    handler(signum, None)
            except FAILURES as exc:
                if isinstance(exc, SystemExit) or is_interrupt(exc):
                    raise
                LOG.exception(
                    "The handler %r of %s failed",
                    *(handler, signal.Signals(signum).name),
                )

    # Forks

    def block(self) -> set[Any]:
        """Block the signals that are handled here, and return the mask that was."""
        return _set_mask(signal.SIG_BLOCK, self._previous)  # type: ignore[no-any-return]

    def start_over(self) -> None:
        """Forget the parent's handlers, in a freshly forked worker.

        To be called while signals are blocked. What the interpreter calls
        stays in place until :meth:`install` finds that it is not wanted.
        """
        signal.set_wakeup_fd(-1)
        previous = self._previous
        self._forget()
        self._previous = previous

    def leave(self) -> None:
        """Give every signal back, in a process that somebody else has forked."""
        if self._previous_wakeup is not None:
            signal.set_wakeup_fd(self._previous_wakeup)
        previous = self._previous
        self._forget()
        for signum, disposition in previous.items():
            restore(signum, disposition)


def _stays_ignored(signum: int, current: Any) -> bool:
    return signum in _MAY_BE_IGNORED and bool(current == signal.SIG_IGN)


def restore(signum: int, previous: Any) -> None:
    """Put back what :func:`signal.signal` returned."""
    # None: it was not Python that installed it, and it is lost.
    signal.signal(signum, signal.SIG_DFL if previous is None else previous)


def _uncatchable(signum: int) -> OSError:
    name = signal.Signals(signum).name
    return OSError(errno.EINVAL, f"no handler can be installed for {name}")


def unblock(mask: set[Any]) -> None:
    """Set the mask that was before :meth:`Signals.block`."""
    _set_mask(signal.SIG_SETMASK, mask)


# What the interpreter calls is taken along: see start_over().
_signals = Inherited(Signals)


def of_process() -> Signals:
    """Return the signals of this process."""
    return _signals.get()
