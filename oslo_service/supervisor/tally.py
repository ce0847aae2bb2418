# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has happened how often: counted from events."""

import collections
from collections.abc import Callable
from typing import Any

from oslo_service.supervisor import events

__all__ = ("Tally",)

# Nothing of it is Python code: every worker makes some.
_Counts = collections.defaultdict


class Tally:
    """Counts, since the process has begun.

    :ivar ended: workers that have ended, by service, slot and cause.
    :ivar started: workers that were started, by service.
    :ivar reloads: reloads, by ``finished`` and ``failed``.
    :ivar hung: workers that have hung, by service.
    :ivar failures: services of this process that have failed, by service.
    """

    def __init__(self) -> None:
        self.ended: _Counts[tuple[str, int, str], int] = _Counts(int)
        self.started: _Counts[str, int] = _Counts(int)
        self.reloads: _Counts[str, int] = _Counts(int)
        self.hung: _Counts[str, int] = _Counts(int)
        self._reload_failed = False
        self.failures: _Counts[str, int] = _Counts(int)

    def hear(self, event: events.Event) -> None:
        """Count an event, where it is of a kind that is counted."""
        count = _COUNTED.get(type(event))
        if count is not None:
            count(self, event)

    def _count_end(self, event: events.WorkerEnded) -> None:
        self.ended[event.service, event.worker, event.cause.value] += 1

    def _count_hang(self, event: events.WorkerHung) -> None:
        self.hung[event.service] += 1

    def _count_start(self, event: events.WorkerStarted) -> None:
        self.started[event.service] += 1

    def _begin_reload(self, _event: events.ReloadStarted) -> None:
        self._reload_failed = False

    def _finish_reload(self, _event: events.ReloadFinished) -> None:
        # What follows from one that has failed is finished as well, later.
        if not self._reload_failed:
            self.reloads["finished"] += 1

    def _fail_reload(self, _event: events.ReloadFailed) -> None:
        self._reload_failed = True
        self.reloads["failed"] += 1

    def _count_failure(self, event: events.ServiceFailed) -> None:
        self.failures[event.service] += 1

    def of_slot(self, service: str, slot: int) -> dict[str, int]:
        """Return how many workers of a slot have ended, by cause."""
        return {
            cause: count
            for (name, index, cause), count in self.ended.items()
            if (name, index) == (service, slot)
        }


_COUNTED: dict[type[events.Event], Callable[[Tally, Any], None]] = {
    events.WorkerEnded: Tally._count_end,
    events.WorkerHung: Tally._count_hang,
    events.WorkerStarted: Tally._count_start,
    events.ReloadStarted: Tally._begin_reload,
    events.ReloadFinished: Tally._finish_reload,
    events.ReloadFailed: Tally._fail_reload,
    events.ServiceFailed: Tally._count_failure,
}
