# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is told of all that is supervised: to the parent, to systemd, to subscribers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from oslo_service._common import clock, lazy_imports
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.times import earliest
from oslo_service.backend.base import Driver
from oslo_service.supervisor import events, gil, log_messages, work_items
from oslo_service.supervisor.readiness import Readiness
from oslo_service.supervisor.subscribers import EventQueue
from oslo_service.supervisor.systemd import wire
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.workers.parent_link import ParentLink

if TYPE_CHECKING:
    from oslo_service.supervisor import snapshot as snapshots
    from oslo_service.supervisor.systemd.notifier import Notifier
else:
    snapshots = lazy_imports.module("oslo_service.supervisor.snapshot")

__all__ = ("Reporter",)

LOG = CarefulLog("oslo_service.supervisor")


class Reporter:
    """Finds out what has come of orders, and tells whoever wants to know.

    :param driver: the driver.
    :param units: returns what is supervised.
    :param parent_link: to the parent, in a worker.
    :param lend: calls what may block, and lets others act meanwhile.
    :ivar announce: called once, when everything has started, with what there is
        to say besides to a service manager; False: it could not be said.
    """

    announce: Callable[..., object]

    def __init__(
        self,
        driver: Driver,
        units: Callable[[], Sequence[Unit]],
        parent_link: ParentLink | None,
        lend: Callable[[Callable[[], object]], object],
    ) -> None:
        self.announce = lambda *_further: None
        self._driver = driver
        self._units = units
        self._parent_link = parent_link
        self._lend = lend
        self.tally = Tally()
        self._events = EventQueue([log_messages.log, self._hear, self.tally.hear])
        self._notifier: Notifier | None = None
        self._readiness = Readiness(self.publish)
        self._telling = False
        self._draining_told = False
        self._stopped_told = False
        self._mutations = 0
        #: Whether all goes on just for ``shutdown_delay``.
        self.delaying = False
        self._reload_error = ""
        self._given_up: events.RestartLimitReached | None = None
        self._began: float | None = None
        #: Whether all that was launched has been ready once.
        self.was_ready = False

    # What has happened

    def publish(self, event: events.Event) -> None:
        """Have everybody told of an event, after what is to be done."""
        self._events.publish(event)

    def launched(self) -> None:
        """Record that something is being started."""
        now = clock.now()
        self._began = now if self._began is None else self._began
        self._readiness.begin(now)

    def be_patient(self) -> None:
        """Have no ``start()`` count as done that has not returned."""
        self._readiness = Readiness(self.publish, endless=True)

    def reload_started(self) -> None:
        """Record that the configuration is read again."""
        self._events.publish_once(events.ReloadStarted())
        self._readiness.begin_again()

    def mutation_ordered(self) -> None:
        """Record that the parent is to be told when a mutation is done."""
        self._mutations += 1

    def all_ended(self) -> None:
        """Record that all has ended: what is launched now begins anew."""
        self._draining_told = self.was_ready = False
        self._readiness = Readiness(self.publish)
        self.tell()
        given_up, self._given_up = self._given_up, None
        if given_up is not None:
            # Whoever looks at a service that has ended looks at its last line.
            LOG.error("%s", log_messages.last_line(given_up))

    def snapshot(self) -> "snapshots.Snapshot":
        """Return all that is known of what is supervised, without asking workers."""
        return snapshots.take_in_detail(
            self._units(),
            **self._said(),
            tally=self.tally,
            began=clock.now() if self._began is None else self._began,
        )

    def _said(self) -> dict[str, bool]:
        """Return what was said and done, from which the state follows."""
        return {
            "was_ready": self.was_ready,
            "delaying": self.delaying,
            "reloading": self._readiness.reloading,
        }

    # Telling

    @property
    def deadline(self) -> float | None:
        """When :meth:`observe` has more to do even if nothing happens."""
        due = [self._readiness.deadline]
        if self._notifier is not None:
            due.append(self._notifier.deadline)
        return earliest(due)

    def observe(self) -> None:
        """Find out what has changed; tell the parent first, then all others."""
        now, units = clock.now(), self._units()
        running = [unit for unit in units if not unit.ended.is_set()]
        all_ready = self._readiness.check(running, now)
        if self._parent_link is not None:
            self._tell_parent(self._parent_link, units, all_ready=all_ready)
        if not self._draining_told and units and all(one.stopping for one in units):
            self._draining_told = True
            self.publish(events.Draining(work=tuple(_work())))
        self.tell()
        if self._notifier is not None:
            self._notifier.advance(now)
            self.tell()

    def tell(self) -> None:
        """Tell of what has happened; what is to be done has begun before."""
        if self._telling or not self._events.pending:
            return
        self._telling = True
        try:
            if not self._driver.capabilities.parallel and self._runs_services():
                # A log that blocks holds up every task: those just made come first.
                self._driver.sleep(0)
            self._lend(self._events.deliver)
        finally:
            self._telling = False

    def _runs_services(self) -> bool:
        return any(not unit.has_workers for unit in self._units())

    def _tell_parent(
        self, link: ParentLink, units: Sequence[Unit], *, all_ready: bool
    ) -> None:
        if all_ready:
            link.tell_ready()
        while self._mutations and not any(unit.reloading for unit in units):
            self._mutations -= 1
            link.tell_mutated()
        if not self._stopped_told and all(unit.all_stopped for unit in units):
            self._stopped_told = True
            link.tell_stopped()

    def tell_end(self) -> None:
        """Tell the service manager alone that this is the end."""
        if self._notifier is not None:
            self._notifier.hear(events.Draining())

    def tell_service_manager(self) -> None:
        """Have systemd told how the services fare, where it asked for that.

        :raises ValueError: a variable that systemd sets has no meaning.
        """
        if self._notifier is None and wire.is_wanted():
            # Imported here: without systemd, it is not needed.
            from oslo_service.supervisor.systemd import notifier

            self._notifier = notifier.Notifier(
                snapshot=lambda: snapshots.take(
                    self._units(),
                    clock.now(),
                    **self._said(),
                    reload_error=self._reload_error,
                ),
                announce=lambda *further: self.announce(*further),
                ask=self._ask,
                publish=self.publish,
            )

    def _ask(self) -> None:
        for unit in self._units():
            unit.ask()

    def _hear(self, event: events.Event) -> None:
        note = _NOTED.get(type(event))
        if note is not None:
            note(self, event)
        if self._notifier is not None:
            self._notifier.hear(event)

    def _note_failure(self, event: events.ServiceFailed) -> None:
        if event.fatal and self._parent_link is not None:
            self._parent_link.leave_error(event.error)

    def _note_end(self, event: events.RestartLimitReached) -> None:
        self._given_up = event

    def _note_reload(self, _event: events.ReloadStarted) -> None:
        self._reload_error = ""

    def _note_reload_error(self, event: events.ReloadFailed) -> None:
        self._reload_error = str(event.error)

    def _note_ready(self, _event: events.Ready) -> None:
        gil.warn_once(self._driver)  # of what services have imported
        self.was_ready = True
        if self._notifier is None:  # else it announces that
            self.announce()


_NOTED: dict[type[events.Event], Callable[[Reporter, Any], None]] = {
    events.ServiceFailed: Reporter._note_failure,
    events.RestartLimitReached: Reporter._note_end,
    events.ReloadStarted: Reporter._note_reload,
    events.ReloadFailed: Reporter._note_reload_error,
    events.Ready: Reporter._note_ready,
}


def _work() -> list[work_items.WorkItem]:
    try:
        return work_items.look()
    except Exception:
        LOG.exception("What is in progress cannot be found out")
        return []
