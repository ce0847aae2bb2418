# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An engine that looks how long the application takes."""

from typing import Any

from oslo_service.serving.call_watch import CallWatch
from oslo_service.serving.engine import Engine
from oslo_service.serving.leader_followers import ServingTask
from oslo_service.serving.served import Served

__all__ = ("WatchingEngine",)


class WatchingEngine(Engine):
    """Reports calls of the application that are long.

    :param slow: after how many seconds a call is reported; 0: never.
    :param timeout: after how many seconds its client is answered without it; 0: never.
    """

    def __init__(
        self, *arguments: Any, slow: float, timeout: float, **others: Any
    ) -> None:
        super().__init__(*arguments, **others)
        self._watch = CallWatch(slow, timeout, self.new_lock())

    def acquire_slot(self, session: Served, task: ServingTask) -> bool:
        """Take a slot, and note the time."""
        if not super().acquire_slot(session, task):
            return False
        first = self._watch.begin(session, self._driver.current_ident())
        if first and self._tasks.leader_waits:
            self.poller.wake()
        return True

    def release_slot(self, session: Served, seconds: float, task: ServingTask) -> None:
        """Give it back."""
        self._watch.end(session)
        super().release_slot(session, seconds, task)

    def _next_look(self, due: float | None) -> float | None:
        reached = self._watch.next()
        return due if reached is None else min(due or reached, reached)

    def _look(self) -> None:
        self._watch.report(self._driver.frames)
