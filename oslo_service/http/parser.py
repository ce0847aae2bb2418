# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Bytes into requests: httptools, and what it leaves to its users."""

from typing import Any, NoReturn

import httptools

from oslo_service.http import fields, request_head
from oslo_service.http.limits import Limits
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Request
from oslo_service.http.request_lines import RequestLines, begins_with_http
from oslo_service.http.unknown_method import (
    Parts,
    UnknownMethod,
    add_part,
    last_request,
)

__all__ = ("Parser",)

_TOO_LARGE = frozenset(("Content-Length overflow", "Chunk size overflow"))
# What the parser says of methods of other protocols.
_NOT_OURS = "Invalid method for HTTP/x.x request"
# What may be around a request line, a field and a chunk, and is not counted.
_AROUND_LINE, _AROUND_FIELD, _AROUND_CHUNK = 14, 2, 16
# How many bytes may come, besides the longest line, without there being anything to
# see in them: white space, extensions of chunks.
_SLACK = 1024


class Parser:
    """Parses what one client sends.

    :param limits: what it may send.
    :ivar requests: those whose heads have arrived, the oldest first.
    :ivar in_head: a head has begun, and has not ended.
    :ivar finished: what else arrives is not to be looked at.
    :ivar surplus: something else has arrived.
    """

    __slots__ = (
        "_data",
        "_error",
        "_fields",
        "_fields_left",
        "_head_left",
        "_limits",
        "_lines",
        "_lines_begin",
        "_longest_line",
        "_most_unparsed",
        "_parser",
        "_parts",
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
        self._longest_line = limits.header_line
        self.requests: list[Request] = []
        self.in_head = self.finished = self.surplus = self._resuming = False
        self._request: Request | None = None
        # httptools loses it where another exception is being handled.
        self._error: ProtocolError | None = None
        # How many bytes have come of which nothing has been seen.
        self._unparsed = 0
        self._most_unparsed = limits.header_line + _SLACK
        # What is being parsed; where in it a request line may be, at the earliest, or
        # -1 where it does not begin with one; and these lines, once it is looked there.
        self._data = b""
        self._lines_begin = 0
        self._lines: RequestLines | None = None
        # What has come of a head that has not ended, from where a request began.
        self._parts: Parts | None = None
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
        self._data = data
        self._lines_begin = -1 if self.in_head or self._request else 0
        rest = self._feed(data)
        while rest and not self.finished:
            rest = self._feed(rest)
        self._data, self._lines = b"", None
        if self._unparsed:
            self._check_unparsed()

    def _check_unparsed(self) -> None:
        unparsed = self._unparsed - (self._parsed_of_head() if self.in_head else 0)
        if unparsed > self._most_unparsed:
            last = self.requests[-1] if self.requests else self._request
            chunked = last is not None and last.body and last.body.remaining is None
            # It may be in any of those that have come with it.
            self.requests.clear()
            status = 400 if chunked and not self.in_head else 431
            raise ProtocolError(status, "there is a line that is too long")
        if unparsed < 0 or not (self.in_head or self._request):
            self._unparsed = 0

    def _parsed_of_head(self) -> int:
        """Return how many bytes of the current head have been seen."""
        limits = self._limits
        count = limits.headers - self._fields_left
        seen = limits.head - self._head_left + count * _AROUND_FIELD
        return seen + len(self._url)

    def _feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """Parse, and give what has to be parsed by another parser."""
        parts, body = self._parts, None if self._request is None else self._request.body
        # Where in the data the body that has begun ends; None: that is not known.
        end = 0 if body is None else body.remaining
        try:
            self._parser.feed_data(data)
            if self.in_head:
                self._parts = add_part(parts, data, end, self._parts is None)
        except httptools.HttpParserUpgrade as switch:
            self._ignore_upgrade()
            return memoryview(data)[switch.args[0] :]
        except httptools.HttpParserCallbackError:
            if self._error is not None:
                raise self._error from None
            raise
        except httptools.HttpParserInvalidMethodError as exc:
            seen = add_part(parts, data, end, self._parts is None)
            if self.finished or seen[0] is None:
                self._fail(400, str(exc))
            else:
                self._parser = UnknownMethod(self._limits.url + _SLACK)
                self._parser.feed_data(last_request(seen))
        except httptools.HttpParserError as exc:
            text = str(exc)
            refused = 501 if text == _NOT_OURS else 400
            self._fail(413 if text in _TOO_LARGE else refused, text)
        return b""

    def _fail(self, status: int, reason: str) -> None:
        """Refuse what the parser does not take, unless nobody looks at it."""
        if not self.finished:
            raise ProtocolError(status, reason) from None
        self.surplus = True

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
                self._parser.feed_data(request_head.framing_of(request))
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
        size = len(name) + len(value) + 2
        self._head_left = left = self._head_left - size
        self._fields_left = fields_left = self._fields_left - 1
        if left < 0 or fields_left < 0 or size > self._longest_line:
            self._reject(431, "too many header fields, or too long ones")
        if not self.in_head:
            self._unparsed -= size + _AROUND_FIELD
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
        parser = self._parser
        version, name = parser.get_http_version(), parser.get_method()
        if not self._is_http(name):
            self._reject(400, "this is another protocol")
        method = name.decode()
        request = Request(method, self._url.decode("latin-1"), version, self._fields)
        try:
            request_head.check(request)
        except ProtocolError as error:
            self._error = error
            raise
        request.keep_alive = self._limits.keep_alive and parser.should_keep_alive()
        # Earlier parsers know no list, nor a tab, there.
        connection = self._fields.get("HTTP_CONNECTION")
        if connection is not None and fields.names_close(connection):
            request.keep_alive = False
        self._request = request
        self.requests.append(request)
        if request.body is None and self._unparsed <= self._most_unparsed:
            self._unparsed = 0  # as is nearly always so
        else:
            self._unparsed -= self._parsed_of_head() + len(method) + _AROUND_LINE

    def _is_http(self, method: bytes) -> bool:
        """Whether that is what the request line says."""
        parts, self._parts = self._parts, None
        if self._lines_begin == 0 and begins_with_http(self._data):
            self._lines_begin = 1
            return True
        if self._lines is None:
            before = b"".join(part for part in parts or () if part is not None)
            begin = max(0, self._lines_begin)
            self._lines = RequestLines(before + self._data, begin)
        return self._lines.next_is_http(method, self._url)

    def on_body(self, data: bytes) -> None:
        """Record some of the body."""
        self._unparsed -= len(data)
        body = None if self._request is None else self._request.body
        if body is not None:
            body.add(data)
            if body.remaining is None:
                # Extensions may be as long as twice the content.
                self._unparsed -= 2 * len(data) + _AROUND_CHUNK

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
