# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has happened how often: counted from events."""

import collections

from oslo_service.supervisor import events

__all__ = ("Tally",)


class Tally:
    """Counts, since the process has begun.

    :ivar ended: workers that have ended, by service, slot and cause.
    :ivar started: workers that were started, by service.
    :ivar reloads: reloads, by ``finished`` and ``failed``.
    :ivar hung: workers that have hung, by service.
    :ivar failures: services of this process that have failed, by service.
    """

    def __init__(self) -> None:
        self.ended: collections.Counter[tuple[str, int, str]] = collections.Counter()
        self.started: collections.Counter[str] = collections.Counter()
        self.reloads: collections.Counter[str] = collections.Counter()
        self.hung: collections.Counter[str] = collections.Counter()
        self._reload_failed = False
        self.failures: collections.Counter[str] = collections.Counter()

    def hear(self, event: events.Event) -> None:
        """Count an event, where it is of a kind that is counted."""
        match event:
            case events.WorkerEnded():
                self.ended[event.service, event.worker, event.cause.value] += 1
            case events.WorkerHung():
                self.hung[event.service] += 1
            case events.WorkerStarted():
                self.started[event.service] += 1
            case events.ReloadStarted():
                self._reload_failed = False
            # What follows from one that has failed is finished as well, later.
            case events.ReloadFinished() if not self._reload_failed:
                self.reloads["finished"] += 1
            case events.ReloadFailed():
                self._reload_failed = True
                self.reloads["failed"] += 1
            case events.ServiceFailed():
                self.failures[event.service] += 1

    def of_slot(self, service: str, slot: int) -> dict[str, int]:
        """Return how many workers of a slot have ended, by cause."""
        return {
            cause: count
            for (name, index, cause), count in self.ended.items()
            if (name, index) == (service, slot)
        }
