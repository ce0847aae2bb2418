# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When everything that was launched has started."""

import logging
from collections.abc import Callable, Sequence

from oslo_service.supervisor.host import Host
from oslo_service.supervisor.workforce import Workforce

__all__ = ("Readiness",)

LOG = logging.getLogger(__name__)

#: How long a ``start()`` may take, in seconds, before it is named in the log
#: and counts as done: one that blocks for ever is legal.
PATIENCE = 30.0


class Readiness:
    """Tells once that everything has started.

    :param tell: called then.
    """

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell
        self._told = False
        self._patient = True
        self._until: float | None = None

    def begin(self, now: float) -> None:
        """Take note that something is being started."""
        if self._until is None:
            self._until = now + PATIENCE

    @property
    def deadline(self) -> float | None:
        """When :meth:`check` has more to do even if nothing happens."""
        return self._until if self._patient and not self._told else None

    def check(self, units: Sequence[Host | Workforce], now: float) -> None:
        """Look whether everything has started."""
        if self._told or not units:
            return
        if self._patient and self._until is not None and now >= self._until:
            self._patient = False
            self._name_slow(units)
        if all(self._counts_as_ready(unit) for unit in units):
            self._told = True
            self._tell()

    def _counts_as_ready(self, unit: Host | Workforce) -> bool:
        # Workers have their own patience.
        return unit.all_ready or (isinstance(unit, Host) and not self._patient)

    @staticmethod
    def _name_slow(units: Sequence[Host | Workforce]) -> None:
        slow = [unit.still_starting() for unit in units if isinstance(unit, Host)]
        names = ", ".join(filter(None, slow))
        if names:
            LOG.warning(
                "start() of %s has not returned after %g s: it counts as started",
                *(names, PATIENCE),
            )
