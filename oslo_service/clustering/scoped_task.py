# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks of which one process runs each due time."""

import contextlib
import contextvars
from collections.abc import Iterator

from oslo_config import cfg

from oslo_service.clustering import host, process
from oslo_service.clustering.due_times import RUN
from oslo_service.clustering.scopes import CLUSTER, SharedTask, scope_of

__all__ = ("ScopedTask", "declared", "due_time", "prepare")

# How soon one looks again whether it has taken over where there may be something to
# run at once, in seconds.
_SOON = 1.0

_due_time: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    "due_time", default=None
)


def due_time() -> float | None:
    """Return the due time that the calling task is run for; None: for none."""
    return _due_time.get()


class ScopedTask(SharedTask):
    """A periodic task of which one process runs each due time.

    What a process knows of it is kept apart: this may cross a fork.
    """

    def look(self, conf: cfg.ConfigOpts) -> tuple[bool, float]:
        """Return whether there is a due time to begin, and how soon to look again.

        :raises ClusterOptionError: there is no such cluster as the options say.
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

        Yields whether there is one, and it is this process that runs it.
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
    """Record that there is a task of a scope: before workers are started."""
    host.prepare()
    if scope == CLUSTER:
        process.check_before_launch()


def prepare(conf: cfg.ConfigOpts, scope: str) -> None:
    """Have the processes that are started from now on connect before they start.

    :param conf: has the options.
    :param scope: for tasks of which it is.
    :raises ClusterOptionError: services are started already, and there is no such
        cluster as the options say.
    """
    if scope == CLUSTER:
        process.connect_before_start(conf)
