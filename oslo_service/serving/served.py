# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The interface of what the engine serves: one connection."""

import collections
from typing import Any, Protocol

from oslo_service._common.frames import Stack
from oslo_service.serving.leader_followers import ServingTask

__all__ = ("Input", "Served")


class Input(Protocol):
    """What has been seen of the client's side of a connection.

    :ivar ready: there is something to read.
    :ivar hung_up: the end of the stream may be among it.
    """

    ready: bool
    hung_up: bool


class Served(Protocol):
    """One connection.

    What the engine has to say may come from any task at any time: it sets a flag,
    and whoever has the turn looks at it. The flags are independent.

    :ivar turn: has one item; whoever takes it out serves the connection, and puts it
        back. It is what a lock is for which nobody waits, in less than half the time.
    :ivar notified: there is something new for it.
    :ivar deadline_moved: its deadline is to be noted: it may be earlier than it was.
    :ivar bucket: for the engine's deadlines alone.
    """

    turn: collections.deque[None]
    notified: bool
    deadline_moved: bool
    bucket: int | None

    @property
    def input(self) -> Input:
        """Flags; :meth:`serve` follows when one is set."""

    @property
    def deadline(self) -> float | None:
        """When to call :meth:`expire`."""

    def expire(self) -> None:
        """Record that the deadline may have passed; :meth:`serve` follows.

        It is to be noted again.
        """

    @property
    def current(self) -> Any:
        """What is with the application."""

    def report_long_call(
        self, call: Any, seconds: float, stack: Stack, *, too_long: bool
    ) -> None:
        """Log that a call of the application runs for long; end its request.

        Another task may have the turn.

        :param call: what was the current one; it may have ended since.
        :param seconds: for how long it runs, or has run.
        :param stack: where the call is; empty: it has ended.
        :param too_long: the client is answered in place of the application, where
            nothing has been sent yet.
        """

    def serve(self, task: ServingTask) -> None:
        """Go on until there is nothing to do. The caller has the turn.

        :param task: the one that calls this.
        """

    def send_pending(self) -> None:
        """Send what waits to be sent, while another task has the turn."""
