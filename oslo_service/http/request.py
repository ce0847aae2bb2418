# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A request, as far as it has arrived."""

import collections
from typing import Any

__all__ = ("Body", "Request")


class Body:
    """The content of a request.

    :ivar buffered: how many bytes are here and have not been taken.
    :ivar complete: nothing will follow.
    :ivar remaining: how many bytes are still to come; None where that is not known.
    :ivar discarding: what arrives is thrown away.
    """

    __slots__ = ("_chunks", "buffered", "complete", "discarding", "remaining")

    def __init__(self, length: int | None) -> None:
        self._chunks: collections.deque[bytes] = collections.deque()
        self.buffered = 0
        self.remaining = length
        self.complete = False
        self.discarding = False

    def add(self, data: bytes) -> None:
        """Record what has arrived."""
        if self.remaining is not None:
            self.remaining -= len(data)
        if not self.discarding:
            self._chunks.append(data)
            self.buffered += len(data)

    def take(self, size: int) -> bytes:
        """Return up to ``size`` bytes that are here."""
        chunk = self._chunks.popleft()
        if len(chunk) > size:
            self._chunks.appendleft(chunk[size:])
            chunk = chunk[:size]
        self.buffered -= len(chunk)
        return chunk

    def take_all(self) -> bytes:
        """Return everything that is here."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self.buffered = 0
        return data

    def discard(self) -> None:
        """Throw away what is here, and what will come."""
        self.discarding = True
        self.take_all()


class Request:
    """A request whose head has arrived.

    :ivar method: as sent.
    :ivar target: as sent.
    :ivar path: the part of the target before the query, as sent.
    :ivar query: the part of it after the question mark.
    :ivar version: ``1.0`` or ``1.1``.
    :ivar fields: the header fields by their names in the WSGI environment.
    :ivar body: None where there is none.
    :ivar keep_alive: whether the client may send another one.
    :ivar expects_100: it waits for a word before it sends the body.
    :ivar common: what the environment has in common with that of others with the same
        head, once one has been made; None: there are no others.
    :ivar response: what answers it, once it is with the application.
    """

    __slots__ = (
        "body",
        "common",
        "expects_100",
        "fields",
        "keep_alive",
        "method",
        "path",
        "query",
        "response",
        "target",
        "version",
    )

    # Unset until then.
    response: Any

    def __init__(
        self, method: str, target: str, version: str, fields: dict[str, str]
    ) -> None:
        self.method = method
        self.target = self.path = target
        self.query = ""
        self.version = version
        self.fields = fields
        self.body: Body | None = None
        self.keep_alive = True
        self.expects_100 = False
        self.common: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.target} HTTP/{self.version}"
