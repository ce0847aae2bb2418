# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Signal handlers of users, beside the library's own."""

import logging
import signal
import threading
from collections.abc import Iterable
from typing import Any

from oslo_service._common import coroutines
from oslo_service._common.deprecation import warn_once
from oslo_service._common.fork_safety import Inherited, PerProcess
from oslo_service.supervisor import foreground, signals
from oslo_service.supervisor.signals import Handler

__all__ = ("SignalExit", "SignalHandler", "Singleton", "warn_of_handle_signal")

LOG = logging.getLogger(__name__)


class SignalExit(SystemExit):
    """Raised to end a program because of a signal.

    :param signo: the signal's number.
    :param exccode: the exit status.
    """

    def __init__(self, signo: int, exccode: int = 1) -> None:
        super().__init__(exccode)
        self.signo = signo


class Singleton(type):
    """Metaclass of classes that have one instance."""

    _instances: Inherited[dict[type, Any]] = Inherited(dict)
    _making = PerProcess(threading.RLock)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return the instance; the arguments of the first call make it."""
        instances = Singleton._instances.get()
        with Singleton._making.get():
            if cls not in instances:
                instances[cls] = super().__call__(*args, **kwargs)
        return instances[cls]


class SignalHandler(metaclass=Singleton):
    """The handlers of this process's signals.

    Handlers run beside the library's own, the one added last first, in the
    main thread, never one inside another. While a launcher waits, they may
    call anything in this library. Elsewhere they are plain signal handlers.
    """

    def __init__(self) -> None:
        self.signals_by_name = {
            name: int(number) for name, number in signal.Signals.__members__.items()
        }
        self.signals_to_name = {
            number: name for name, number in self.signals_by_name.items()
        }
        self._added: list[tuple[int, Handler]] = []

    def is_signal_supported(self, sig_name: str) -> bool:
        """Whether the system has a signal.

        :param sig_name: its name, as ``"SIGUSR1"``.
        """
        return sig_name in self.signals_by_name

    def add_handlers(self, signals: Iterable[str], handler: Handler) -> None:
        """Have ``handler`` called for each of some signals.

        :param signals: their names; see :meth:`add_handler`.
        """
        for sig in signals:
            self.add_handler(sig, handler)

    def add_handler(self, sig: str, handler: Handler) -> None:
        """Have ``handler(number, None)`` called when a signal arrives.

        From any task. A signal that the system does not have is passed over
        with a warning.

        :param sig: its name, as ``"SIGUSR1"``.
        :param handler: the function.
        :raises OSError: the system lets nobody handle it: it is forgotten.
        :raises TypeError: the function is asynchronous.
        """
        coroutines.refuse(handler, "a signal handler")
        if not self.is_signal_supported(sig):
            LOG.warning("This system has no signal %r to handle", sig)
            return
        signum = self.signals_by_name[sig]
        signals.of_process().add(signum, handler)
        if (signum, handler) not in self._added:  # a service that starts again
            self._added.append((signum, handler))

    def ignore_handler(self, sig: str) -> None:
        """Have a signal ignored.

        :param sig: see :meth:`add_handler`.
        """
        self.add_handler(sig, _ignore)

    def clear(self) -> None:
        """Remove the handlers that were added here."""
        added, self._added = self._added, []
        for signum, handler in added:
            signals.of_process().remove(signum, handler)


def _ignore(signum: int, frame: object) -> None:
    """Do nothing about a signal."""


def warn_of_handle_signal(kind: type) -> None:
    """Warn once that ``handle_signal()`` is deprecated."""
    warn_once(
        f"{kind.__name__}.handle_signal()",
        "omit it: a launcher handles signals; SignalHandler adds handlers",
        stacklevel=3,
    )


def _is_daemon() -> bool:
    """Whether the process is not in the foreground of a terminal."""
    return foreground.is_daemon()


def _is_sighup_and_daemon(signo: int, signal_handler: SignalHandler) -> bool:
    """Whether a signal asks a daemon to reload.

    :param signo: the number of the signal.
    :param signal_handler: knows whether there is a SIGHUP.
    """
    return (
        signal_handler.is_signal_supported("SIGHUP")
        and signo == signal.SIGHUP
        and _is_daemon()
    )
