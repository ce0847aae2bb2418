# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Members of a group that wait for the group: they never wait for each other."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from oslo_service.backend.base import Driver, Event

__all__ = ("GroupWaits", "Waitable")


class Waitable(Protocol):
    """What can be waited for: a task, or what has these methods of one."""

    @property
    def ident(self) -> int | None:
        """What identifies it; None before it has begun."""

    @property
    def done(self) -> bool:
        """Whether it has ended."""

    def link(self, callback: Callable[[Any], object], /) -> None:
        """Call ``callback(self)`` when it has ended, or at once if it has."""


class GroupWaits:
    """Which members of a group are waiting for its other members.

    A member that waits for the group does not wait for another that does: they would
    wait for each other for ever.
    """

    def __init__(self) -> None:
        self._waiting: set[int] = set()
        self._watchers: list[Event] = []

    @contextlib.contextmanager
    def by(self, ident: int) -> Iterator[None]:
        """Count a member as waiting, for the time of a context.

        :param ident: the identity of its task.
        """
        nested = ident in self._waiting
        self._waiting.add(ident)
        self.notify()
        try:
            yield
        finally:
            if not nested:
                self._waiting.discard(ident)

    def holds(self, task: Waitable) -> bool:
        """Whether a task waits for the group itself."""
        return task.ident in self._waiting

    def notify(self) -> None:
        """Have all that wait look again whether there is something to wait for."""
        for watcher in list(self._watchers):
            watcher.set()

    def wait_while(
        self, driver: Driver, task: Waitable, counts: Callable[[], bool]
    ) -> None:
        """Block while a task has to be waited for.

        :param driver: that of the group.
        :param task: the task.
        :param counts: whether to wait for it; asked again when it has ended, and
            after each :meth:`notify`.
        """
        change = driver.event()
        self._watchers.append(change)
        try:
            task.link(lambda _task: change.set())
            while counts():
                change.wait()
                change.clear()
        finally:
            self._watchers.remove(change)
