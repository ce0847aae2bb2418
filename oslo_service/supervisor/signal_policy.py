# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the signals mean that steer a service."""

import signal
from collections.abc import Callable
from typing import Protocol

from oslo_service._common import clock, first_process
from oslo_service.supervisor import events, foreground, repeated_signals, signals
from oslo_service.supervisor.workers.process import pidfds_work

__all__ = ("SignalPolicy",)

#: A SIGTERM within so many seconds of the first is the same order: systemd's
#: ``ExecStop=/bin/kill``, timeout(1), and workers that signal their parent repeat it.
REPEATED = 1.0


class Orders(Protocol):
    """What a supervisor can be told to do."""

    @property
    def has_parent(self) -> bool:
        """Whether it is a worker's."""

    @property
    def stop_delay(self) -> float:
        """The seconds that it goes on for after a SIGTERM; async-signal-safe."""

    @property
    def delaying(self) -> bool:
        """Whether it goes on just for these."""

    def delay_stop(self, seconds: float, then: Callable[[], object]) -> None:
        """Go on for so long; async-signal-safe, as what is called then must be."""

    def end_delay(self) -> None:
        """Go on no more, and call nothing; async-signal-safe."""

    def latch(self, order: Callable[[], object]) -> None:
        """Carry out an order later, outside the signal handler."""

    def latch_urgent(self, order: Callable[[], object]) -> None:
        """The same, also where whoever turns is held up: async-signal-safe."""

    def stop_now(self) -> None:
        """Do what of a stop cannot wait: async-signal-safe."""

    def stop(self) -> None:
        """Stop everything, in order."""

    def reload(self) -> None:
        """Read the configuration again."""

    @property
    def has_workers(self) -> bool:
        """Whether there are workers, of which there may be more or less."""

    def resize(self, wanted: Callable[[int], int]) -> int:
        """Have every service run by another number of workers."""

    def reap_left(self) -> None:
        """Reap what workers have left behind, as the first process of a container."""

    def quit_now(self) -> None:
        """Do what of an end at once cannot wait: async-signal-safe."""

    def quit(self, reason: events.Event) -> None:
        """End everything at once."""

    def publish(self, event: events.Event) -> None:
        """Have everybody told of an event."""


class SignalPolicy:
    """Turns signals into orders.

    What cannot wait is done inside the signal's handler; the rest is latched for
    whoever turns the supervisor.

    :param orders: the supervisor.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._terminated_at: float | None = None
        self._repeated: repeated_signals.RepeatedSignals | None = None
        # Asked while there is a terminal: SIGHUP may say that it has been closed.
        self._began_as_daemon = foreground.began_as_daemon()

    def listen(self, caught: signals.Signals) -> None:
        """Have the signals acted on; idempotent."""
        self._repeated = None
        repeated_signals.watch_exit()
        reactions: dict[int, signals.Reaction] = {
            signal.SIGTERM: self._on_sigterm,
            signal.SIGHUP: self._on_sighup,
            signal.SIGINT: self._on_sigint,
        }
        reactions |= self._resizing()
        if first_process.must_reap():
            reap = self._orders.reap_left
            reactions[signal.SIGCHLD] = lambda: self._orders.latch(reap)
        elif not pidfds_work():
            reactions[signal.SIGCHLD] = _wake_up
        if signals.disposition(signal.SIGPIPE) == signal.SIG_DFL:
            # A worker, or a client, that is gone must not take this process along.
            reactions[signal.SIGPIPE] = _wake_up
        caught.react(reactions)

    def _resizing(self) -> dict[int, signals.Reaction]:
        if self._orders.has_workers:
            return {
                signal.SIGTTIN: lambda: self._orders.latch(self._add_worker),
                signal.SIGTTOU: lambda: self._orders.latch(self._take_worker),
            }
        if self._orders.has_parent:
            # Sent to the whole group, they would suspend a worker.
            return {signal.SIGTTIN: _wake_up, signal.SIGTTOU: _wake_up}
        return {}

    def listen_no_more(self, caught: signals.Signals) -> None:
        """Give the signals back: everything has ended; idempotent."""
        at, self._terminated_at = self._terminated_at, None
        if at is not None:
            self._repeated = repeated_signals.RepeatedSignals(at + REPEATED)
        caught.react({}, self._repeated)

    def terminate(self) -> None:
        """Do what a first SIGTERM does; after it, nothing."""
        if self._terminated_at is None:
            self._on_sigterm()

    # Inside the signals' handlers

    def _on_sigterm(self) -> None:
        now = clock.now()
        if self._terminated_at is None:
            self._terminated_at = now
            self._begin_stop(self._orders.stop_delay)
            return
        repeated = now < self._terminated_at + REPEATED
        if self._orders.delaying:
            if not repeated:
                self._terminated_at = now
                self._begin_stop(0.0)
        elif self._orders.has_parent or repeated:
            # To a worker always the same order: the whole group may be signalled.
            self._orders.latch(self._orders.stop)
        else:
            self._quit("a second SIGTERM")

    def _begin_stop(self, delay: float) -> None:
        if delay:
            self._orders.delay_stop(delay, lambda: self._begin_stop(0.0))
            self._orders.latch(lambda: self._announce(delay))
        else:
            self._orders.end_delay()
            self._orders.stop_now()
            self._orders.latch_urgent(self._terminate)

    def _on_sigint(self) -> None:
        # A Ctrl-C goes to the whole group; a parent takes its workers along.
        if not self._orders.has_parent:
            self._quit("SIGINT")

    def _on_sighup(self) -> None:
        self._orders.latch(self._hang_up)

    def _quit(self, signal_name: str) -> None:
        self._orders.quit_now()
        reason = events.SignalReceived(
            signal=signal_name, consequence="ending at once", forced=True
        )
        self._orders.latch(lambda: self._orders.quit(reason))

    # Later

    def _terminate(self) -> None:
        self._orders.stop()
        self._say("SIGTERM", "stopping")

    def _announce(self, delay: float) -> None:
        self._say("SIGTERM", f"stopping in {delay:g} s (shutdown_delay)")
        self._orders.publish(events.StopDelayed(seconds=delay))

    def _hang_up(self) -> None:
        if foreground.is_daemon(if_gone=self._began_as_daemon):
            self._say("SIGHUP", "reading the configuration again")
            self._orders.reload()
        else:
            self._orders.stop()
            self._say("SIGHUP", "in the foreground, stopping")

    def _add_worker(self) -> None:
        self._say("SIGTTIN", "one worker more")
        self._orders.resize(lambda size: size + 1)

    def _take_worker(self) -> None:
        self._say("SIGTTOU", "one worker less, unless there is only one")
        self._orders.resize(lambda size: size - 1)

    def _say(self, signal_name: str, consequence: str) -> None:
        event = events.SignalReceived(signal=signal_name, consequence=consequence)
        self._orders.publish(event)


def _wake_up() -> None:
    """Nothing but the waking: workers are looked after then."""
