# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A response: its head, and the framing of its body (RFC 9112, 6)."""

import functools
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from oslo_service.http.request import Request

__all__ = ("Response", "ResponseSink", "error_response")

Headers = Sequence[tuple[str, str]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_STATUS = re.compile(r"[2-5][0-9]{2}(?: .*)?", re.ASCII | re.DOTALL)
_NO_CONTENT = ("204", "304")
_OURS = ("content-length", "connection", "date", "transfer-encoding")
_LAST_CHUNK = b"0\r\n\r\n"
# More digits than a length has.
_DIGITS = 19
# Above this, joining head and body costs more than sending them together.
_SMALL = 16384


class ResponseSink(Protocol):
    """Where a response goes."""

    @property
    def will_close(self) -> bool:
        """Whether the connection cannot be used any further."""

    def send(self, *parts: bytes) -> None:
        """Send, or keep what the client is not ready for.

        :raises OSError: the client is gone.
        """

    def throttle(self) -> None:
        """Block the calling task while too much waits to be sent.

        :raises OSError: the client is gone, or does not read.
        """


@functools.lru_cache(maxsize=1024)
def _field(name: str) -> tuple[str, str]:
    """Check the name of a field.

    :returns: how its line begins, and what the server has to do with it: its
        name in lower case, or nothing.
    :raises ValueError: it is no name.
    """
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header field")
    lowered = name.lower()
    return name + ": ", lowered if lowered in _OURS else ""


@functools.lru_cache(maxsize=256)
def _status_line(status: str) -> tuple[str, bool]:
    """Check a status.

    :returns: the status line, and whether there is no content with it.
    :raises ValueError: it is none.
    """
    if not _STATUS.fullmatch(status):
        raise ValueError(f"{status!r} is no status, such as '200 OK'")
    return "HTTP/1.1 " + status, status[:3] in _NO_CONTENT


@functools.lru_cache(maxsize=1024)
def _length(value: str) -> int:
    """Parse a Content-Length.

    :raises ValueError: it is none.
    """
    if not (value.isdecimal() and value.isascii() and len(value) < _DIGITS):
        raise ValueError(f"{value!r} is no Content-Length")
    return int(value)


@functools.lru_cache(maxsize=2)
def _date(second: int) -> str:
    """Format the Date field (RFC 9110, 6.6.1): always in English."""
    at = time.gmtime(second)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.tm_wday]
    month = (
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
    )[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {time.strftime('%T', at)} GMT"


class Response:
    """What an application answers to one request.

    :param request: the request.
    :param sink: where it goes.
    :ivar close: the connection ends with it.
    :ivar status: the status line, once there is one.
    :ivar begun: some of it has been sent.
    :ivar full: nothing that is added to the body is sent any more.
    :ivar finished: all of it has been sent.
    :ivar length: how many bytes of the body have been sent.
    :ivar complaint: what the application did wrong with the body, or None.
    """

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_declared",
        "_headers",
        "_request",
        "_sink",
        "_status_line",
        "begun",
        "close",
        "complaint",
        "finished",
        "full",
        "length",
        "status",
    )

    def __init__(self, request: Request, sink: ResponseSink) -> None:
        self._request = request
        self._sink = sink
        self.close = False
        self.status = ""
        self._headers: Headers = ()
        self._declared: int | None = None
        self._chunked = self._bodiless = False
        self.begun = self.full = self.finished = False
        self.length = 0
        self.complaint: str | None = None

    def start(
        self, status: str, headers: Headers, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Begin: this is WSGI's ``start_response``."""
        if exc_info:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the traceback
        elif self.status:
            raise RuntimeError("start_response() is called twice, without exc_info")
        self._status_line = _status_line(status)
        self.status = status
        self._headers = headers
        return self.write

    def write(self, data: bytes) -> None:
        """Send some of the body: this is WSGI's ``write``."""
        if not isinstance(data, bytes):
            raise TypeError(f"a body is made of bytes, not of {type(data).__name__}")
        if self.finished:
            raise RuntimeError("the response is over: nothing can be added to it")
        if not data:
            return
        head = b"" if self.begun else self._head(None)
        body = self._cut(data)
        if self._chunked and body:
            self._sink.send(head, b"%x\r\n" % len(body), body, b"\r\n")
        elif head or body:
            self._sink.send(head, body)
        self._sink.throttle()

    def send_all(self, parts: Sequence[bytes]) -> None:
        """Send the body, all of which is here, and end."""
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self.begun:
            self.write(body)
            self.finish()
            return
        if not isinstance(body, bytes):
            raise TypeError(f"a body is made of bytes, not of {type(body).__name__}")
        head = self._head(len(body))
        if self._declared == len(body) and not self._bodiless:
            self.length = len(body)
        else:
            body = self._cut(body)
            self._check_length()
        if len(body) <= _SMALL:
            self._sink.send(head + body)
        else:
            self._sink.send(head, body)
        self.finished = True

    def begin_sized_body(self, size: int) -> int:
        """Begin a body of so many bytes that is sent by other means.

        :returns: how many are to be sent.
        """
        head = self._head(size)
        self._sink.send(head)
        if self._bodiless:
            return 0
        allowed = size if self._declared is None else min(size, self._declared)
        if allowed < size:
            self._cut_excess()
        self.length = allowed
        self._check_length()
        return allowed

    def finish(self) -> None:
        """End the body."""
        if not self.begun:
            self.send_all((b"",))
            return
        if self._chunked:
            self._sink.send(_LAST_CHUNK)
        self._check_length()
        self.finished = True

    def _check_length(self) -> None:
        declared = self._declared
        if declared is not None and not self._bodiless and self.length < declared:
            self.close = True
            self.complaint = (
                f"{self.length} bytes were sent, and Content-Length is {declared}"
            )

    def _cut_excess(self) -> None:
        self.full = True
        self.complaint = (
            f"the body is longer than its Content-Length, {self._declared}: it is cut"
        )

    def _cut(self, data: bytes) -> bytes:
        """Return what of ``data`` may be sent."""
        if self._bodiless:
            return b""
        declared = self._declared
        if declared is not None and self.length + len(data) > declared:
            data = data[: declared - self.length]
            self._cut_excess()
        self.length += len(data)
        return data

    def _head(self, length: int | None) -> bytes:
        """Return the head, and decide how the end of the body is told.

        :param length: of the body, where that is known.
        """
        if not self.status:
            raise RuntimeError("the application has not called start_response()")
        status_line, no_content = self._status_line
        lines = [status_line]
        date: str | None = None
        for name, value in self._headers:
            begin, ours = _field(name)
            if not ours:
                lines.append(begin + value)
            elif ours == "content-length":
                self._declare(value)
            elif ours == "date":
                date = value
            elif ours == "connection":
                self.close = self.close or "close" in value.lower()
            else:
                raise ValueError(f"{name} is not the application's business")
        lines.append("Date: " + (date or _date(int(time.time()))))
        self._frame(lines, length, no_content=no_content)
        lines.append("\r\n")
        head = "\r\n".join(lines)
        ends = len(lines)
        if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
            raise ValueError("a status or header field has a line break, or a NUL")
        encoded = head.encode("latin-1")
        self.begun = True
        # From now on the word that a client may wait for would be part of this.
        self._request.expects_100 = False
        return encoded

    def _frame(self, lines: list[str], length: int | None, *, no_content: bool) -> None:
        """Decide how the end of the body, and of the connection, are told."""
        version = self._request.version
        self._bodiless = self.full = no_content or self._request.method == "HEAD"
        if self._declared is None and not no_content:
            # An empty answer to HEAD does not tell how long the other one is.
            self._declared = length or (None if self._bodiless else length)
        if self._declared is not None:
            if self.status[:3] != "204":
                lines.append("Content-Length: " + str(self._declared))
        elif not self._bodiless:
            self._chunked = version == "1.1"
            if self._chunked:
                lines.append("Transfer-Encoding: chunked")
            else:
                self.close = True
        if self.close or self._sink.will_close:
            self.close = True
            lines.append("Connection: close")
        elif version == "1.0":
            lines.append("Connection: keep-alive")

    def _declare(self, value: str) -> None:
        length = _length(value)
        if self._declared is not None and self._declared != length:
            raise ValueError("there are two different Content-Lengths")
        self._declared = length


def error_response(status: str, text: str = "") -> bytes:
    """Return a whole response that is the server's own, after which it closes."""
    body = text.encode("utf-8", "backslashreplace")
    kind = "Content-Type: text/plain; charset=utf-8\r\n" if body else ""
    return (
        f"HTTP/1.1 {status}\r\n{kind}Date: {_date(int(time.time()))}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode("ascii") + body
