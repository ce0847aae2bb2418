# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""All that is supervised in a process, and what it can be told."""

import functools
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from oslo_config import cfg

from oslo_service._common import clock, first_process, streams
from oslo_service.backend.base import Driver
from oslo_service.sockets import open_sockets
from oslo_service.supervisor import events, log_messages, signals
from oslo_service.supervisor.reporting import Reporter
from oslo_service.supervisor.shutdown_timeout import ShutdownTimeout
from oslo_service.supervisor.turn import Turn
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.wait_sources import AddedSource
from oslo_service.supervisor.waker import Waker
from oslo_service.supervisor.workers.parent_link import ParentLink

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange.inquiries import Respondent

__all__ = ("Supervised",)

# How long to wait for workers that were killed, in seconds.
_REAPING = 5.0

# How long after a signal that ends everything at once whoever turns may be held up
# by something that blocks, in seconds.
_HELD_UP = 0.5


class Supervised:
    """What runs in, or below, a process: services here, and those of workers.

    Orders are for whoever turns the supervisor, but for :meth:`post`, which has one
    carried out by that, and for those that signal handlers give.

    :param driver: supplies the waiting.
    :param parent_link: in a worker.
    :param follow_up: called whenever orders have been carried out.
    :ivar left: whether this process was forked from the one that it is of.
    :ivar reporter: what is told of it all.
    """

    def __init__(
        self,
        driver: Driver,
        parent_link: ParentLink | None,
        follow_up: Callable[[], object],
    ) -> None:
        self.driver = driver
        self.units: list[Unit] = []
        #: What else is waited for.
        self.added_sources: list[AddedSource] = []
        self._parent_link = parent_link
        driver.reserve()
        self._waker = Waker(driver)
        self._signals = signals.of_process()
        self._timeout = ShutdownTimeout(driver, self._stacks_fd, self._kill_workers)
        self._turn = Turn(driver, follow_up, self._waker.wake)
        self.reporter = Reporter(
            driver, lambda: self.units, parent_link, self._turn.lend
        )
        self.publish = self.reporter.publish
        self._stopping = False
        #: Whether it goes on just for ``shutdown_delay``.
        self.delaying = False
        self.left = False

    @property
    def has_parent(self) -> bool:
        """Whether this process is a worker."""
        return self._parent_link is not None

    @property
    def conf(self) -> cfg.ConfigOpts | None:
        """The configuration of what runs in this process; None: nothing does."""
        found = (unit.conf for unit in self.units)
        return next((one for one in found if one is not None), None)

    @property
    def stopping(self) -> bool:
        """Whether everything was told to stop."""
        return self._stopping

    @property
    def has_workers(self) -> bool:
        """Whether there are workers, of which there may be more or less."""
        return any(unit.has_workers for unit in self.units)

    def services_in_workers(self) -> list[str]:
        """Return the names of the services that worker processes run."""
        now, tally = clock.now(), self.reporter.tally
        return [
            one.name
            for unit in self.units
            if unit.has_workers
            for one in unit.facts(tally, now)
        ]

    @property
    def restarts_in_place(self) -> bool:
        """Whether services of this process are stopped to be started again."""
        return any(unit.draining for unit in self.units)

    def _stacks_fd(self) -> int | None:
        return None if self._parent_link is None else self._parent_link.stacks_fd

    # Orders

    def post(self, order: Callable[[], object]) -> None:
        """Have an order carried out by whoever turns; else here and now."""
        if not self.left:
            self._turn.post(order)

    def latch(self, order: Callable[[], object]) -> None:
        """Have an order carried out by whoever turns; async-signal-safe."""
        self._turn.latch(order)

    def latch_urgent(self, order: Callable[[], object]) -> None:
        """Have an order carried out, also while whoever turns may be held up.

        Async-signal-safe. Asked after the order is there: whoever lends the turn
        later finds it.
        """
        self._turn.latch(order)
        if self._turn.lent:
            self._act_unattended(lambda: None)

    def _act_unattended(self, order: Callable[[], object]) -> None:
        """Act on a signal in a task: nobody else does."""
        act = functools.partial(self.post, order)
        try:
            self.driver.spawn(act, name="signal")
        except Exception:  # noqa: BLE001 - no task is to be had
            act()

    def stop(self) -> None:
        """Stop everything, in order; also what is added until all has ended."""
        self._stopping = True
        self.end_delay()
        self._refuse_clients()
        for unit in self.units:
            unit.stop()

    def stop_unit(self, unit: Unit) -> None:
        """Stop a unit; with the last one, clients are refused."""
        if all(other is unit or other.stopping for other in self.units):
            self._refuse_clients()
        unit.stop()

    def _refuse_clients(self) -> None:
        for error in open_sockets.refuse_clients():
            self.publish(events.CleanupFailed(error=error))

    def reload(self) -> None:
        """Do what SIGHUP means, to everything."""
        for unit in self.units:
            self.reload_unit(unit)

    def reload_unit(self, unit: Unit) -> None:
        """Do what SIGHUP means, to a unit."""
        self.reporter.reload_started()
        unit.reload()

    def resize(self, wanted: Callable[[int], int], service: str | None = None) -> int:
        """Have services run by other numbers of workers; see :meth:`Unit.resize`."""
        return sum(unit.resize(wanted, service) for unit in self.units)

    def recycle(self, service: str, worker: int | None) -> int:
        """Have workers replaced; see :meth:`Unit.recycle`."""
        return sum(unit.recycle(service, worker) for unit in self.units)

    def kill_worker(self, respondent: "Respondent") -> bool:
        """End a worker by force; return whether it was there."""
        return any(unit.kill_one(respondent) for unit in self.units)

    def quit(self, reason: events.Event | None = None, status: int = 1) -> None:
        """End this process, and its workers, at once.

        :param reason: what is written to the log before.
        """
        for unit in self.units:
            unit.quit()
        self._timeout.exit_soon(2 * _REAPING)
        if reason is not None:
            log_messages.log(reason)
        self.reporter.tell_end()
        until = clock.now() + _REAPING
        for unit in self.units:
            unit.await_killed(until)
        open_sockets.close_at_end()
        logging.shutdown()
        streams.flush()
        os._exit(status)

    def _kill_workers(self) -> None:
        for unit in self.units:
            unit.kill()

    # Inside signal handlers

    def stop_now(self) -> None:
        """Do what of a stop cannot wait: async-signal-safe."""
        for unit in self.units:
            unit.stop_now()

    @property
    def stop_delay(self) -> float:
        """The seconds that it goes on for after a SIGTERM; async-signal-safe."""
        delays = [unit.stop_delay for unit in self.units if not unit.stopping]
        return max(delays, default=0.0)

    def delay_stop(self, seconds: float, then: Callable[[], object]) -> None:
        """Go on for so long; async-signal-safe, as what is called then must be."""
        self.delaying = self.reporter.delaying = True
        self._timeout.call_in(seconds, lambda: self._end_by_time(then))

    def _end_by_time(self, then: Callable[[], object]) -> None:
        then()
        if not self._signals.attended:
            self._act_unattended(lambda: None)

    def end_delay(self) -> None:
        """Go on no more, and call nothing; async-signal-safe."""
        if self.delaying:
            self.delaying = self.reporter.delaying = False
            self._timeout.call_in(None)

    def reap_left(self) -> None:
        """Reap what workers have left behind, as the first process of a container."""
        first_process.reap_left({pid for unit in self.units for pid in unit.children()})

    def quit_now(self) -> None:
        """Do what of an end at once cannot wait: async-signal-safe.

        Whoever turns has a moment for the rest, and may be held up.
        """
        self._kill_workers()
        self._timeout.exit_soon(_HELD_UP)
