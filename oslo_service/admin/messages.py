# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Requests to the endpoint, and its responses."""

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
#: The media type of what probes are answered: draft-inadarei-api-health-check.
HEALTH = "application/health+json"


class Ask(Record):
    """A request, as handlers see it.

    :ivar method: the method, as sent.
    :ivar path: the path, without the query.
    :ivar query: the parameters by name; of the same name, the last one.
    :ivar fields: the header fields by their names in a WSGI environment.
    :ivar body: the content.
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
        """Return the response; None: it is not known yet.

        :param now: the time, in seconds.
        """

    @property
    def deadline(self) -> float | None:
        """When to call :meth:`reply` even if nothing happens; None: never."""
        return None

    def forget(self) -> None:  # noqa: B027 - most have nothing to give back
        """Record that no client waits for it any longer."""


class Stream(abc.ABC):
    """A response that goes on until the client or the process ends.

    :ivar kind: its media type.
    """

    kind: str

    @abc.abstractmethod
    def take(self) -> bytes:
        """Return the content since the last call."""

    @property
    @abc.abstractmethod
    def pending(self) -> bool:
        """Whether :meth:`take` would return anything."""


Answer = Reply | Later | Stream


class Refused(Exception):
    """A request that is refused.

    :param status: the status code of the response.
    :param reason: what is wrong, and what would be right.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def as_json(value: Any, status: int = 200, *, kind: str = JSON) -> Reply:
    """Return a response with a value as its content."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return Reply(status, text.encode() + b"\n", kind)


def refusal(status: int, reason: str, *headers: tuple[str, str]) -> Reply:
    """Return the response to a request that is refused.

    :param headers: further header fields.
    """
    body = json.dumps({"error": reason}).encode() + b"\n"
    return Reply(status, body, JSON, headers)


def failure() -> Reply:
    """Return the response to a request that could not be answered."""
    return refusal(500, "this has failed: the log of the process says why")
