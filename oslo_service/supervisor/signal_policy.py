# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the signals mean that steer a service."""

import signal
from collections.abc import Callable
from typing import Protocol

from oslo_service.supervisor import events, foreground, signals
from oslo_service.supervisor.workers.process import pidfds_work

__all__ = ("SignalPolicy",)


class Orders(Protocol):
    """What a supervisor can be told to do."""

    @property
    def has_parent(self) -> bool:
        """Whether it is a worker's."""

    def latch(self, order: Callable[[], object]) -> None:
        """Carry out an order later, outside the signal handler."""

    def stop(self) -> None:
        """Stop everything, in order."""

    def reload(self) -> None:
        """Read the configuration again."""

    def quit(self, reason: events.Event) -> None:
        """End everything at once."""

    def publish(self, event: events.Event) -> None:
        """Have everybody told of an event."""


class SignalPolicy:
    """Turns signals into orders.

    :param orders: the supervisor.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._terminating = False

    def listen(self, caught: signals.Signals) -> None:
        """Add the handlers; harmless where they are there already."""
        for signum, handler in self._handlers():
            caught.add(signum, handler)

    def listen_no_more(self, caught: signals.Signals) -> None:
        """Remove the handlers: everything has ended."""
        self._terminating = False
        for signum, handler in self._handlers():
            caught.remove(signum, handler)

    def _handlers(self) -> list[tuple[int, signals.Handler]]:
        wanted: list[tuple[int, signals.Handler]] = [
            (signal.SIGTERM, self._on_sigterm),
            (signal.SIGHUP, self._on_sighup),
            (signal.SIGINT, self._on_sigint),
        ]
        if not pidfds_work():
            wanted.append((signal.SIGCHLD, self._on_sigchld))
        return wanted

    def _on_sigterm(self, _signum: int, _frame: object) -> None:
        self._orders.latch(self._terminate)

    def _on_sigint(self, _signum: int, _frame: object) -> None:
        # A Ctrl-C goes to the whole group; a parent takes its workers along.
        if not self._orders.has_parent:
            self._orders.latch(self._interrupt)

    def _on_sighup(self, _signum: int, _frame: object) -> None:
        self._orders.latch(self._hang_up)

    def _on_sigchld(self, _signum: int, _frame: object) -> None:
        """Nothing but the waking: workers are looked after then."""

    def _terminate(self) -> None:
        if not self._terminating:
            self._say("SIGTERM", "stopping")
        elif not self._orders.has_parent:
            self._orders.quit(_forced("a second SIGTERM"))
        # To a worker, one that repeats is one: the whole group may be signalled.
        self._terminating = True
        self._orders.stop()

    def _interrupt(self) -> None:
        self._orders.quit(_forced("SIGINT"))

    def _hang_up(self) -> None:
        if foreground.is_daemon():
            self._say("SIGHUP", "reading the configuration again")
            self._orders.reload()
        else:
            self._say("SIGHUP", "in the foreground, stopping")
            self._orders.stop()

    def _say(self, signal_name: str, consequence: str) -> None:
        event = events.SignalReceived(signal=signal_name, consequence=consequence)
        self._orders.publish(event)


def _forced(signal_name: str) -> events.SignalReceived:
    return events.SignalReceived(
        signal=signal_name, consequence="ending at once", forced=True
    )
