# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks of which one process runs each due time."""

import contextlib
import contextvars
from collections.abc import Iterator

from oslo_config import cfg

from oslo_service.clustering import host, membership
from oslo_service.clustering.due_times import RUN
from oslo_service.clustering.scopes import CLUSTER, SharedTask, scope_of

__all__ = ("ScopedTask", "declared", "due_time", "prepare")

# How soon to look again whether this process has taken over, where there may be
# something to run at once, in seconds.
_SOON = 1.0

_due_time: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    "due_time", default=None
)


def due_time() -> float | None:
    """Return the due time that the calling task runs for.

    :returns: seconds since the epoch; None: it runs for none.
    """
    return _due_time.get()


class ScopedTask(SharedTask):
    """A periodic task of which one process runs each due time.

    Immutable, and may cross a fork: what a process knows of it is kept in its scope.
    """

    def look(self, conf: cfg.ConfigOpts) -> tuple[bool, float]:
        """Return whether there is a due time to begin, and how soon to look again.

        :raises ClusterOptionError: the options do not allow joining the cluster.
        """
        scope = scope_of(self, conf)
        known = scope.known(self)
        pause = known.times.pause(scope.now())
        if known.term is None and self.missed == RUN:
            pause = min(pause, _SOON)
        return known.times.due(scope.now()) is not None, pause

    @contextlib.contextmanager
    def begin(self, conf: cfg.ConfigOpts) -> Iterator[bool]:
        """Begin the due time of now, and end it with the context.

        Yields whether this process is to run one.
        """
        scope = scope_of(self, conf)
        found = scope.take(self)
        if found is None:
            yield False
            return
        due, term, missed, take_back = found
        with scope.claim(self, term, due) as claimed:
            if not claimed:
                if self.missed == RUN:
                    take_back()  # who takes over runs the latest
                yield False
                return
            scope.tell_missed(self, missed, certain=True)
            reset = _due_time.set(due)
            try:
                yield True
            finally:
                _due_time.reset(reset)


def declared(scope: str) -> None:
    """Prepare for tasks of a scope: before workers are started."""
    host.prepare()
    if scope == CLUSTER:
        membership.check_before_launch()


def prepare(conf: cfg.ConfigOpts, scope: str) -> None:
    """Have the processes that are started from now on connect before they start.

    :param conf: has the options.
    :param scope: that of the task.
    :raises ClusterOptionError: services are started already, and the options do not
        allow joining the cluster.
    """
    if scope == CLUSTER:
        membership.connect_before_start(conf)
