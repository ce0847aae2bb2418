# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the endpoint is asked, and what it answers."""

import abc
import http
import json
from typing import Any

from oslo_service._common.records import Record

__all__ = (
    "HEALTH",
    "JSON",
    "Answer",
    "Ask",
    "Later",
    "Refused",
    "Reply",
    "Stream",
    "as_json",
    "failure",
    "refusal",
)

JSON = "application/json"
#: Of what probes are answered: draft-inadarei-api-health-check.
HEALTH = "application/health+json"


class Ask(Record):
    """A request, as far as handlers are concerned.

    :ivar method: as sent.
    :ivar path: without the query.
    :ivar query: the parameters by name; the last of each.
    :ivar fields: the header fields by their names in a WSGI environment.
    :ivar body: what was sent with it.
    :ivar trusted: whether it came through the control socket.
    """

    method: str
    path: str
    query: dict[str, str]
    fields: dict[str, str]
    body: bytes
    trusted: bool


class Reply(Record):
    """A whole response.

    :ivar status: the status code.
    :ivar body: the content.
    :ivar kind: its media type.
    :ivar headers: further header fields.
    """

    status: int
    body: bytes
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def status_text(self) -> str:
        """The status code with its phrase."""
        return f"{self.status} {http.HTTPStatus(self.status).phrase}"


class Later(abc.ABC):
    """A response that is not known yet."""

    @abc.abstractmethod
    def reply(self, now: float) -> Reply | None:
        """Return the response once it is known; None: later."""

    @property
    def deadline(self) -> float | None:
        """When to ask for it even if nothing happens."""
        return None

    def forget(self) -> None:  # noqa: B027 - most have nothing to give back
        """Record that nobody waits for it any more."""


class Stream(abc.ABC):
    """A response that goes on, until the client or the process ends.

    :ivar kind: its media type.
    """

    kind: str

    @abc.abstractmethod
    def take(self) -> bytes:
        """Return what has come since the last call."""

    @property
    @abc.abstractmethod
    def pending(self) -> bool:
        """Whether there is anything to take."""


Answer = Reply | Later | Stream


class Refused(Exception):
    """A request that cannot be done.

    :param status: the status code of the answer.
    :param reason: what is wrong, and what would do.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def as_json(value: Any, status: int = 200, *, kind: str = JSON) -> Reply:
    """Return a response with a value as its content."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return Reply(status, text.encode() + b"\n", kind)


def refusal(status: int, reason: str, *headers: tuple[str, str]) -> Reply:
    """Return a response that says why there is no other."""
    body = json.dumps({"error": reason}).encode() + b"\n"
    return Reply(status, body, JSON, headers)


def failure() -> Reply:
    """Return what answers a request whose answer could not be made."""
    return refusal(500, "this has failed: the log of the process says why")
