# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When everything that was launched has started."""

from collections.abc import Callable, Sequence

from oslo_service.supervisor import events
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.workers.slots import STARTING

__all__ = ("Readiness",)

#: How long a ``start()`` may take, in seconds, before it is named in the log
#: and counts as done: one that blocks for ever is legal.
PATIENCE = STARTING


class Readiness:
    """Tells once that everything has started, and once more after each reload.

    :param publish: takes the events.
    :param endless: whether a ``start()`` counts as done only when it has returned.
    """

    def __init__(
        self, publish: Callable[[events.Event], object], *, endless: bool = False
    ) -> None:
        self._publish = publish
        self._patience = None if endless else PATIENCE
        self._told = False
        self._patient = True
        self._until: float | None = None
        self._reloading = False

    def begin(self, now: float) -> None:
        """Record that something is being started."""
        if self._until is None and self._patience is not None:
            self._until = now + self._patience

    def begin_again(self) -> None:
        """Record that a reload has begun: its end is to be told.

        What begins before all was ready belongs to the start. A ``start()`` gets
        its time when it begins: before, there may be work to be finished.
        """
        if self._told or self._reloading:
            self._reloading, self._told = True, False
            self._patient, self._until = True, None

    @property
    def reloading(self) -> bool:
        """Whether a reload has begun whose end has not been told."""
        return self._reloading

    @property
    def deadline(self) -> float | None:
        """When :meth:`check` has more to do even if nothing happens."""
        return self._until if self._patient and not self._told else None

    def check(self, units: Sequence[Unit], now: float) -> bool:
        """Look whether everything has started.

        :returns: whether it has, for the first time.
        """
        if self._told or not units:
            return False
        if self._until is None and self._patience is not None and _slow(units):
            self._until = now + self._patience
        if self._patient and self._until is not None and now >= self._until:
            self._patient = False
            if names := _slow(units):
                self._publish(events.StartDelayed(services=names, seconds=PATIENCE))
        if not all(self._is_ready(unit) for unit in units):
            return False
        self._told = True
        again, self._reloading = self._reloading, False
        self._publish(events.ReloadFinished() if again else events.Ready())
        return not again

    def _is_ready(self, unit: Unit) -> bool:
        if self._reloading and unit.reloading:
            return False
        return unit.is_ready(patient=self._patient)


def _slow(units: Sequence[Unit]) -> str:
    return ", ".join(filter(None, (unit.still_starting() for unit in units)))
