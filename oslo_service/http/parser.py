# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Bytes into requests: httptools, and what it leaves to its users."""

from collections.abc import Sequence
from typing import Any, NoReturn

import httptools

from oslo_service.http import request_head
from oslo_service.http.limits import Limits
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.repeated_head import RepeatedHead
from oslo_service.http.request import Request
from oslo_service.http.request_lines import RequestLines
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
# What is between the name of a field and its value, and is counted as they are.
_IN_FIELD = 2
# What may be around a request line, a field and a chunk, and is not counted.
_AROUND_LINE, _AROUND_FIELD, _AROUND_CHUNK = 14, 2, 16
_TOO_MANY = "too many header fields, or too long ones"
# How many bytes may come, besides the longest line, without there being anything to
# see in them: white space, extensions of chunks.
_SLACK = 1024
# After how many heads that are all different no other is expected to come again.
_PATIENCE = 4


class Parser:
    """Parses what one client sends.

    :param limits: what it may send.
    :ivar requests: those whose heads have arrived, the oldest first.
    :ivar in_head: a head has begun, and has not ended.
    :ivar repeated: the head of a request that was all that came last: what repeats it
        need not be parsed.
    :ivar finished: what else arrives is not to be looked at.
    :ivar surplus: something else has arrived.
    """

    __slots__ = (
        "_counts",
        "_data",
        "_error",
        "_fields",
        "_in_vain",
        "_limits",
        "_lines",
        "_lines_begin",
        "_most_unparsed",
        "_parser",
        "_parts",
        "_request",
        "_resuming",
        "_shortest_limit",
        "_unparsed",
        "_url",
        "finished",
        "in_head",
        "repeated",
        "requests",
        "surplus",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._shortest_limit = limits.shortest
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
        # The target of a head, and its fields, or those of a trailer, so far; and
        # whether they may be too long, and are to be counted.
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._counts = False
        self.repeated: RepeatedHead | None = None
        # How many heads in a row have been kept, and have not come again.
        self._in_vain = 0
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
        if (head := self.repeated) is not None:
            self._in_vain = 0 if head.common else self._in_vain + 1
            self.repeated = None
        self._unparsed += len(data)
        self._data = data
        begins = not (self.in_head or self._request)
        self._lines_begin = 0 if begins else -1
        # No line of a head is longer than what has come, all together.
        self._counts = not begins or len(data) > self._shortest_limit
        rest = self._feed(data)
        while rest and not self.finished:
            rest = self._feed(rest)
        self._data, self._lines = b"", None
        if self._unparsed:
            self._check_unparsed()
        elif self._lines_begin == 1 and self._in_vain < _PATIENCE:
            self.repeated = RepeatedHead.of(
                self.requests[-1], data, self._shortest_limit
            )

    def _check_unparsed(self) -> None:
        seen = _parsed(self._url, self._fields) if self.in_head else 0
        unparsed = self._unparsed - seen
        if unparsed > self._most_unparsed:
            last = self.requests[-1] if self.requests else self._request
            chunked = last is not None and last.body and last.body.remaining is None
            # It may be in any of those that have come with it.
            self.requests.clear()
            status = 400 if chunked and not self.in_head else 431
            raise ProtocolError(status, "there is a line that is too long")
        if unparsed < 0 or not (self.in_head or self._request):
            self._unparsed = 0

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
        self.in_head = True

    def on_url(self, part: bytes) -> None:
        """Record some of the target."""
        self._url += part
        if self._counts and len(self._url) > self._limits.url:
            self._reject(414, f"the target is longer than {self._limits.url} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Record a field of the head, or of a trailer."""
        self._fields.append((name, value))
        if self._counts:
            self._count(name, value)

    def _count(self, name: bytes, value: bytes) -> None:
        found, size = self._fields, len(name) + len(value) + _IN_FIELD
        long = len(found) > self._limits.headers or size > self._limits.header_line
        if (long or _size(found) > self._limits.head) and not self._resuming:
            self._reject(431, _TOO_MANY)
        if not self.in_head:
            # A trailer says nothing that an application could see.
            self._unparsed -= size + _AROUND_FIELD

    def on_headers_complete(self) -> None:
        """Check the head as a whole."""
        self.in_head = False
        found, self._fields = self._fields, []
        url, self._url = self._url, b""
        if self._resuming:
            return
        if len(found) > self._limits.headers:
            self._reject(431, _TOO_MANY)
        parser = self._parser
        method = parser.get_method()
        version = self._version(method, url)
        try:
            request = request_head.parse(method, url, version, found)
        except ProtocolError as error:
            self._error = error
            raise
        if not (parser.should_keep_alive() and self._limits.keep_alive):
            request.keep_alive = False
        self.requests.append(request)
        if request.body is None and self._unparsed <= self._most_unparsed:
            self._unparsed = 0  # as is nearly always so
        else:
            self._unparsed -= _parsed(url, found) + len(method) + _AROUND_LINE
        if request.body is None and not parser.should_upgrade():
            self._end(request)
        else:
            self._request = request
            self._counts = True  # a trailer, and another head, may follow

    def _version(self, method: bytes, url: bytes) -> str:
        """Return the version of HTTP that the request line names."""
        if self._lines_begin == 0:
            # Where it usually is; no target begins like that.
            begin = len(method) + len(url) + 1
            if self._data[begin : begin + 11] == b" HTTP/1.1\r\n":
                self._lines_begin = 1
                return "1.1"
        if not self._is_http(method, url):
            self._reject(400, "this is another protocol")
        version: str = self._parser.get_http_version()
        return version

    def _is_http(self, method: bytes, url: bytes) -> bool:
        """Whether the request line says so."""
        parts, self._parts = self._parts, None
        if self._lines is None:
            before = b"".join(part for part in parts or () if part is not None)
            begin = max(0, self._lines_begin)
            self._lines = RequestLines(before + self._data, begin)
            self._lines_begin = -1
        return self._lines.next_is_http(method, url)

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
        """End a request that has a body."""
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
            self._fields = []
        if not request.keep_alive:
            self.finished = True


def _size(found: Sequence[tuple[bytes, bytes]]) -> int:
    """Return the size of fields, as it is limited."""
    return sum(len(name) + len(value) + _IN_FIELD for name, value in found)


def _parsed(url: bytes, found: Sequence[tuple[bytes, bytes]]) -> int:
    """Return how many bytes of a head have been seen."""
    return len(url) + _size(found) + len(found) * _AROUND_FIELD
