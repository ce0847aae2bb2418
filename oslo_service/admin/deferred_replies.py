# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Responses that are not there at once: answers of workers, outcomes of orders."""

import abc
import logging
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service.admin.messages import Later, Reply, failure
from oslo_service.supervisor.events import Event
from oslo_service.supervisor.exchange.exchange import Exchange
from oslo_service.supervisor.exchange.inquiries import Answer

__all__ = ("Awaited", "Heard", "Inquiry", "Once", "Outcome", "Shared")

LOG = logging.getLogger(__name__)

# A deadline that is past at once.
_NOW = 0.0


class Shared(Later):
    """A later response that several clients may wait for."""

    @property
    @abc.abstractmethod
    def known(self) -> bool:
        """Whether it is there."""


class Awaited(Shared):
    """A response that is made of one value, when that is there.

    :param begin: begins to get the value; it is given a function to call with it.
    :param make: makes the response of the value.
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
        """At once, when the value is there; None: before."""
        return _NOW if self._found else None

    def reply(self, now: float) -> Reply | None:  # noqa: ARG002 - who asks has limits
        """Return the response, the same to every client; None: it is not there yet."""
        if self._reply is None and self._found:
            self._reply = self._make(self._found[0])
        return self._reply


class Once:
    """Asks a question once when several clients ask it at the same time.

    So a crowd of clients makes workers no busier than a single one does.
    """

    def __init__(self) -> None:
        self._latest: dict[object, Shared] = {}

    def ask(self, what: object, begin: Callable[[], Shared]) -> Shared:
        """Return what waits for the same answer, where anything does; else begin.

        :param what: identifies the question.
        :param begin: asks it.
        """
        latest = self._latest.get(what)
        if latest is None or latest.known:
            latest = self._latest[what] = begin()
        return latest


class Inquiry(Awaited):
    """A response that is made of what all processes answer to a question.

    :param exchange: asks them.
    :param kind: the name of the question.
    :param args: its arguments.
    :param seconds: how long to wait for a process.
    :param make: makes the response of the answers.
    :raises ValueError: the question is too long.
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
    """A response that says how an order went, as events tell.

    :param judge: returns the response that follows from an event; None: none does.
    :param heard: passes the events on, until the response is known.
    """

    def __init__(self, judge: Callable[[Event], Reply | None], heard: "Heard") -> None:
        self._judge = judge
        self._heard = heard
        self._reply: Reply | None = None
        heard.outcomes.append(self)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        if self._reply is None:
            try:
                self._reply = self._judge(event)
            except Exception:
                LOG.exception("What has become of an order cannot be told")
                self._reply = failure()

    @property
    def deadline(self) -> float | None:
        """At once, when the response is known; None: before."""
        return None if self._reply is None else _NOW

    def reply(self, now: float) -> Reply | None:  # noqa: ARG002 - events tell
        """Return the response; None: it is not known yet."""
        if self._reply is not None:
            self.forget()
        return self._reply

    def forget(self) -> None:
        """Stop listening. Idempotent."""
        if self in self._heard.outcomes:
            self._heard.outcomes.remove(self)


class Heard:
    """Passes events on to the outcomes that still listen."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def hear(self, event: Event) -> None:
        """Pass an event on."""
        for outcome in list(self.outcomes):
            outcome.hear(event)
