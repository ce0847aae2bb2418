# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether the server of a cluster answers: told when that changes."""

from collections.abc import Callable

from oslo_service.clustering import metering
from oslo_service.clustering.clocks import Clocks
from oslo_service.supervisor import events

__all__ = ("Reachability",)


class Reachability:
    """Whether a server answers; told once when that changes.

    :param clocks: the clocks.
    :param publish: takes events.
    :param report: called with what is wrong, whenever that changes; with nothing, when
        the server answers.
    :ivar answered: whether it ever has.
    :ivar down_since: since when it does not, by the time since boot; None: it does, or
        has not been asked.
    """

    def __init__(
        self,
        clocks: Clocks,
        publish: Callable[[events.Event], object],
        report: Callable[[str], object],
    ) -> None:
        self._clocks = clocks
        self._publish = publish
        self._report = report
        self.answered = False
        self.down_since: float | None = None

    def down(self, error: Exception) -> None:
        """Record that it has not answered."""
        if self.down_since is None:
            self.down_since = self._clocks.since_boot()
            metering.outage()
            self._report(f"out of reach: {error}")
            self._publish(events.ClusterUnreachable(error=error))

    def up(self) -> None:
        """Record that it has answered."""
        since, self.down_since = self.down_since, None
        if since is not None or not self.answered:
            self._report("")
        self.answered = True
        if since is not None:
            seconds = self._clocks.since_boot() - since
            self._publish(events.ClusterReachable(seconds=seconds))
