# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Bytes into requests: httptools, and what it leaves to its users."""

from typing import Any, NoReturn

import httptools

from oslo_service.http import fields, request_head
from oslo_service.http.limits import Limits
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Request

__all__ = ("Parser",)

_TOO_LARGE = frozenset(("Content-Length overflow", "Chunk size overflow"))
# How many bytes may come without there being anything to see in them: a line
# that does not end, extensions of chunks.
_MAX_UNPARSED = 131072


class Parser:
    """Parses what one client sends.

    :param limits: what it may send.
    :ivar requests: those whose heads have arrived, the oldest first.
    :ivar in_head: a head has begun, and has not ended.
    :ivar finished: what else arrives is not to be looked at.
    :ivar surplus: something else has arrived.
    """

    __slots__ = (
        "_error",
        "_fields",
        "_fields_left",
        "_head_left",
        "_limits",
        "_parser",
        "_request",
        "_resuming",
        "_unparsed",
        "_url",
        "finished",
        "in_head",
        "requests",
        "surplus",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.requests: list[Request] = []
        self.in_head = self.finished = self.surplus = self._resuming = False
        self._request: Request | None = None
        # httptools loses it where another exception is being handled.
        self._error: ProtocolError | None = None
        self._unparsed = 0
        self._parser: Any = httptools.HttpRequestParser(self)

    def close(self) -> None:
        """Let go of what refers back to this object."""
        self.finished = True
        self._parser = None

    def feed(self, data: bytes) -> None:
        """Parse what has arrived.

        :raises ProtocolError: it is no request that can be accepted. What came
            before has been parsed.
        """
        if self.finished:
            return
        self._unparsed += len(data)
        rest = self._feed(data)
        while rest and not self.finished:
            rest = self._feed(rest)
        if self._unparsed > _MAX_UNPARSED:
            raise ProtocolError(431 if self.in_head else 400, "a line does not end")

    def _feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """Parse, and give what has to be parsed by another parser."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._ignore_upgrade()
            return memoryview(data)[switch.args[0] :]
        except httptools.HttpParserCallbackError:
            if self._error is not None:
                raise self._error from None
            raise
        except httptools.HttpParserError as exc:
            if not self.finished:
                status = 413 if str(exc) in _TOO_LARGE else 400
                raise ProtocolError(status, str(exc)) from None
            self.surplus = True
        return b""

    def _ignore_upgrade(self) -> None:
        """Go on in HTTP/1.1 though the client would rather change over.

        The parser leaves off there, before the body. RFC 9110, 7.8: a server
        may ignore the wish.
        """
        self._parser = httptools.HttpRequestParser(self)
        request = self._request
        if request is not None:
            if request.body is None:
                self._end(request)
            else:
                self._resuming = True
                self._parser.feed_data(_framing_of(request))
                self._resuming = False

    # What httptools calls

    def on_message_begin(self) -> None:
        """Begin a head."""
        if self._resuming:
            return
        self.in_head = True
        self._url = b""
        self._fields: dict[str, str] = {}
        self._head_left = self._limits.head
        self._fields_left = self._limits.headers

    def on_url(self, part: bytes) -> None:
        """Record some of the target."""
        if self._resuming:
            return
        self._url += part
        if len(self._url) > self._limits.url:
            self._reject(414, f"the target is longer than {self._limits.url} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Record a field of the head, or of a trailer."""
        if self._resuming:
            return
        self._unparsed = 0
        size = len(name) + len(value) + 2
        self._head_left -= size
        self._fields_left -= 1
        if (
            self._head_left < 0
            or self._fields_left < 0
            or size > self._limits.header_line
        ):
            self._reject(431, "too many header fields, or too long ones")
        if not self.in_head:
            return  # a trailer says nothing that an application could see
        key = fields.key_of(name)
        if key is None:
            return
        text = value.decode("latin-1").rstrip(" \t")
        if key not in self._fields:
            self._fields[key] = text
        elif not fields.add(self._fields, key, text):
            self._reject(400, f"{key} is there twice")

    def on_headers_complete(self) -> None:
        """Check the head as a whole."""
        if self._resuming:
            return
        self.in_head = False
        self._unparsed = 0
        parser = self._parser
        version = parser.get_http_version()
        method = parser.get_method().decode()
        request = Request(method, self._url.decode("latin-1"), version, self._fields)
        try:
            request_head.check(request)
        except ProtocolError as error:
            self._error = error
            raise
        request.keep_alive = self._limits.keep_alive and parser.should_keep_alive()
        self._request = request
        self.requests.append(request)

    def on_body(self, data: bytes) -> None:
        """Record some of the body."""
        self._unparsed = 0
        if self._request is not None and self._request.body is not None:
            self._request.body.add(data)

    def on_message_complete(self) -> None:
        """End a request."""
        request = self._request
        if request is not None and not self._parser.should_upgrade():
            self._end(request)

    def _reject(self, status: int, reason: str) -> NoReturn:
        self._error = ProtocolError(status, reason)
        raise self._error

    def _end(self, request: Request) -> None:
        self._request = None
        if request.body is not None:
            request.body.complete = True
        if not request.keep_alive:
            self.finished = True


def _framing_of(request: Request) -> bytes:
    """Return a head that has the same body and the same end as a request's."""
    length = request.fields.get("CONTENT_LENGTH")
    framing = (
        "Transfer-Encoding: chunked"
        if length is None
        else (f"Content-Length: {length}")
    )
    connection = "keep-alive" if request.keep_alive else "close"
    return (
        f"POST / HTTP/1.1\r\nHost:\r\n{framing}\r\nConnection: {connection}\r\n\r\n"
    ).encode("ascii")
