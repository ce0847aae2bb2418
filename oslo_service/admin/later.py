# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Answers that are waited for: of workers, and what becomes of an order."""

import abc
import logging
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service.admin.replies import Later, Reply, failure
from oslo_service.supervisor.events import Event
from oslo_service.supervisor.exchange.exchange import Exchange
from oslo_service.supervisor.exchange.inquiries import Answer

__all__ = ("Awaited", "Heard", "Inquiry", "Once", "Outcome", "Shared")

LOG = logging.getLogger(__name__)

# Before everything: it is time.
_NOW = 0.0


class Shared(Later):
    """What several may wait for."""

    @property
    @abc.abstractmethod
    def known(self) -> bool:
        """Whether it is there."""


class Awaited(Shared):
    """What is handed over when it is there.

    :param begin: is given what takes it, once.
    :param make: makes the response of it.
    """

    def __init__(
        self,
        begin: Callable[[Callable[[Any], object]], object],
        make: Callable[[Any], Reply],
    ) -> None:
        self._found: list[Any] = []
        self._make = make
        self._reply: Reply | None = None
        begin(self._found.append)

    @property
    def known(self) -> bool:
        """Whether it is there."""
        return bool(self._found)

    @property
    def deadline(self) -> float | None:
        """At once, when it is there."""
        return _NOW if self._found else None

    def reply(self, now: float) -> Reply | None:  # noqa: ARG002 - who asks has limits
        """Return the response, when it is there; the same to everybody who waits."""
        if self._reply is None and self._found:
            self._reply = self._make(self._found[0])
        return self._reply


class Once:
    """Asks once where several want to know the same at the same time.

    So a crowd of clients makes workers no busier than one does.
    """

    def __init__(self) -> None:
        self._latest: dict[object, Shared] = {}

    def ask(self, what: object, begin: Callable[[], Shared]) -> Shared:
        """Return what is being asked, where nobody has answered yet; else begin."""
        latest = self._latest.get(what)
        if latest is None or latest.known:
            latest = self._latest[what] = begin()
        return latest


class Inquiry(Awaited):
    """What all processes answer to a question.

    :param exchange: asks them.
    :param kind: what the question is called.
    :param args: what belongs to it.
    :param seconds: how long anybody is waited for.
    :param make: makes the response of the answers.
    """

    def __init__(
        self,
        exchange: Exchange,
        kind: str,
        args: dict[str, Any],
        seconds: float,
        make: Callable[[Sequence[Answer]], Reply],
    ) -> None:
        super().__init__(lambda done: exchange.ask(kind, args, seconds, done), make)


class Outcome(Later):
    """What becomes of an order, as events tell.

    :param judge: returns the response that follows from an event; None: none does.
    :param heard: where it listens, until it is known.
    """

    def __init__(self, judge: Callable[[Event], Reply | None], heard: "Heard") -> None:
        self._judge = judge
        self._heard = heard
        self._reply: Reply | None = None
        heard.outcomes.append(self)

    def hear(self, event: Event) -> None:
        """Look at an event."""
        if self._reply is None:
            try:
                self._reply = self._judge(event)
            except Exception:
                LOG.exception("What has become of an order cannot be told")
                self._reply = failure()

    @property
    def deadline(self) -> float | None:
        """At once, when it is known."""
        return None if self._reply is None else _NOW

    def reply(self, now: float) -> Reply | None:  # noqa: ARG002 - events tell
        """Return the response, when it is known."""
        if self._reply is not None:
            self.forget()
        return self._reply

    def forget(self) -> None:
        """Listen no more. Idempotent."""
        if self in self._heard.outcomes:
            self._heard.outcomes.remove(self)


class Heard:
    """What listens to events until it has heard enough."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def hear(self, event: Event) -> None:
        """Tell everybody."""
        for outcome in list(self.outcomes):
            outcome.hear(event)
