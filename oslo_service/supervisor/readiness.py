# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When everything that was launched has started."""

import logging
from collections.abc import Callable, Sequence

from oslo_service.supervisor.runner import Host
from oslo_service.supervisor.workers.pool import Workforce
from oslo_service.supervisor.workers.state import STARTING

__all__ = ("Readiness",)

LOG = logging.getLogger(__name__)

#: How long a ``start()`` may take, in seconds, before it is named in the log
#: and counts as done: one that blocks for ever is legal.
PATIENCE = STARTING


class Readiness:
    """Tells once that everything has started, and once more after each reload.

    :param tell: called then.
    """

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell
        self._told = False
        self._patient = True
        self._until: float | None = None
        self._again = False

    def begin(self, now: float) -> None:
        """Take note that something is being started."""
        if self._until is None:
            self._until = now + PATIENCE

    def begin_again(self) -> None:
        """Take note that a reload has begun: it is to be told of its end.

        A ``start()`` gets its time when it begins: before, there may be work to
        be finished.
        """
        self._again, self._told = True, False
        self._patient, self._until = True, None

    @property
    def deadline(self) -> float | None:
        """When :meth:`check` has more to do even if nothing happens."""
        return self._until if self._patient and not self._told else None

    def check(self, units: Sequence[Host | Workforce], now: float) -> None:
        """Look whether everything has started."""
        if self._told or not units:
            return
        if self._until is None and self._slow(units):
            self._until = now + PATIENCE
        if self._patient and self._until is not None and now >= self._until:
            self._patient = False
            self._name_slow(units)
        if all(self._counts_as_ready(unit) for unit in units):
            self._told = True
            self._tell()

    def _counts_as_ready(self, unit: Host | Workforce) -> bool:
        if self._again and unit.reading_again:
            return False
        # Workers have their own patience.
        return unit.all_ready or (isinstance(unit, Host) and not self._patient)

    @staticmethod
    def _slow(units: Sequence[Host | Workforce]) -> str:
        slow = [unit.still_starting() for unit in units if isinstance(unit, Host)]
        return ", ".join(filter(None, slow))

    def _name_slow(self, units: Sequence[Host | Workforce]) -> None:
        if names := self._slow(units):
            LOG.warning(
                "start() of %s has not returned after %g s: it counts as started",
                *(names, PATIENCE),
            )
