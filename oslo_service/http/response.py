# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A response: when its head is sent, and what of its body (RFC 9112, 6)."""

import enum
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from oslo_service.http import response_head
from oslo_service.http.request import Request
from oslo_service.http.response_head import STATUS_LINES, Framing, Headers

__all__ = ("Phase", "Response", "ResponseSink", "error_response")

_LAST_CHUNK = b"0\r\n\r\n"
# Above this, joining head and body costs more than sending them together.
_SMALL = 16384


class ResponseSink(Protocol):
    """Where a response goes."""

    def will_close(self) -> bool:
        """Whether the connection cannot be used any further."""

    def send(self, data: bytes) -> None:
        """Send, or keep what the client is not ready for.

        :param data: some of the response, as it goes over the connection.
        :raises OSError: the client is gone.
        """

    def send_parts(self, *parts: bytes) -> None:
        """Send, or keep, several parts, which are not put together.

        :raises OSError: the client is gone.
        """

    def throttle(self) -> None:
        """Block the calling task while too much waits to be sent.

        :raises OSError: the client is gone, or does not read.
        """


class Phase(enum.Enum):
    """How far a response is; it only goes on to one that is further down."""

    #: Nothing has been sent: another head may replace this one.
    WAITING = enum.auto()
    #: The head has been sent; what is added to the body is.
    SENDING = enum.auto()
    #: What is added to the body is not sent: all that there may be has been.
    FULL = enum.auto()
    #: The end has been sent: nothing can be added.
    FINISHED = enum.auto()


# Looking a member up in its class is slow in Python 3.11.
_WAITING, _SENDING, _FULL, _FINISHED = Phase
_NO_BODY, _CHUNKED = Framing.NO_BODY, Framing.CHUNKED


class Response:
    """What an application answers to one request.

    :param request: the request.
    :param sink: where it goes.
    :ivar phase: how far it is.
    :ivar close: the connection ends with it.
    :ivar status: the status line, once there is one.
    :ivar length: how many bytes of the body have been sent.
    :ivar complaint: what the application did wrong with the body, or None.
    """

    __slots__ = (
        "_declared",
        "_framing",
        "_headers",
        "_request",
        "_sink",
        "_status_line",
        "close",
        "complaint",
        "length",
        "phase",
        "status",
    )

    def __init__(self, request: Request, sink: ResponseSink) -> None:
        self._request = request
        self._sink = sink
        self.phase = _WAITING
        self.close = False
        self.status = ""
        self._headers: Headers = ()
        self._framing = _NO_BODY
        # The length that the client was told, where that is the framing.
        self._declared: int | None = None
        self.length = 0
        self.complaint: str | None = None

    def start(
        self, status: str, headers: Headers, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Begin: this is WSGI's ``start_response`` (PEP 3333).

        :param status: the code and the reason, such as ``"200 OK"``.
        :param headers: names and values.
        :param exc_info: as sys.exc_info() gives it: of what has failed, for which
            this response takes the place of an earlier one.
        :returns: :meth:`write`.
        :raises RuntimeError: it has begun, and nothing has failed.
        :raises ValueError: the status is none.
        :raises BaseException: what has failed, where some has been sent already.
        """
        if exc_info:
            try:
                if self.phase is not _WAITING:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the traceback
        elif self.phase is _FULL:
            return self.write  # nobody sees anything of it
        elif self.status:
            raise RuntimeError("start_response() is called twice, without exc_info")
        self._status_line = STATUS_LINES.get(status) or STATUS_LINES[status]
        self.status = status
        self._headers = headers
        return self.write

    def write(self, data: bytes) -> None:
        """Send some of the body: this is WSGI's ``write`` (PEP 3333).

        Blocks while the client is not ready for more.

        :param data: what is more than the Content-Length is not sent.
        :raises TypeError: it is not made of bytes.
        :raises ValueError: a header field is none, or not the application's business.
        :raises RuntimeError: the response is over.
        :raises OSError: the client is gone, or does not read.
        """
        if type(data) is not bytes:
            data = _as_bytes(data)
        if self.phase is _FINISHED:
            raise RuntimeError("the response is over: nothing can be added to it")
        if not data:
            return
        head = self._head(None) if self.phase is _WAITING else b""
        body = self._cut(data)
        if self._framing is _CHUNKED and body:
            self._sink.send_parts(b"%b%x\r\n" % (head, len(body)), body, b"\r\n")
        elif head:
            self._sink.send_parts(head, body)
        elif body:
            self._sink.send(body)
        self._sink.throttle()

    def overrule(self, status: str) -> bool:
        """Have nothing sent, as the client is answered by others, with that status.

        :param status: as in :meth:`start`, for the log.
        :returns: False: something has been sent.
        """
        if self.phase is not _WAITING:
            return False
        self.phase = _FULL
        self.status = status
        return True

    def allow_excess(self) -> None:
        """Record that it is no fault if there was more than the Content-Length."""
        if self.length == self._declared:
            self.complaint = None

    def field(self, name: str) -> str | None:
        """Return the value of a header field that the application has set, or None.

        :param name: in lower case.
        """
        for known, value in self._headers:
            if known.lower() == name:
                return value
        return None

    def send_all(self, parts: Sequence[bytes]) -> None:
        """Send the body, all of which is here, and end.

        :param parts: what it is made of.
        :raises TypeError: one is not made of bytes.
        :raises OSError: the client is gone, or does not read.
        """
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self.phase is not _WAITING:
            self.write(body)
            self.finish()
            return
        if type(body) is not bytes:
            body = _as_bytes(body)
        length = len(body)
        head = self._head(length)
        if self._declared == length:
            self.length = length
        else:
            body = self._cut(body)
            self._check_length()
        if length <= _SMALL:
            self._sink.send(head + body)
        else:
            self._sink.send_parts(head, body)
        self.phase = _FINISHED

    def begin_sized_body(self, size: int) -> int:
        """Begin a body of so many bytes that is sent by other means.

        :param size: how many there are.
        :returns: how many are to be sent.
        """
        head = self._head(size)
        self._sink.send(head)
        if self._framing is _NO_BODY:
            return 0
        allowed = size if self._declared is None else min(size, self._declared)
        if allowed < size:
            self._note_excess()
        self.length = allowed
        self._check_length()
        return allowed

    def finish(self) -> None:
        """End the body."""
        if self.phase is _WAITING:
            self.send_all((b"",))
            return
        if self._framing is _CHUNKED:
            self._sink.send(_LAST_CHUNK)
        self._check_length()
        self.phase = _FINISHED

    def _head(self, length: int | None) -> bytes:
        """Return the head, which is to be sent next.

        :param length: of the body, where that is known.
        """
        if not self.status:
            raise RuntimeError("the application has not called start_response()")
        head, self._framing, self._declared, self.close = response_head.encode(
            self._status_line,
            self._headers,
            self._request,
            length,
            self.close or self._sink.will_close(),
        )
        self.phase = _FULL if self._framing is _NO_BODY else _SENDING
        # From now on an interim response would be part of this one.
        self._request.expects_100 = False
        return head

    def _cut(self, data: bytes) -> bytes:
        """Return what of ``data`` may be sent."""
        if self._framing is _NO_BODY:
            return b""
        declared = self._declared
        if declared is not None and self.length + len(data) > declared:
            data = data[: declared - self.length]
            self._note_excess()
        self.length += len(data)
        return data

    def _note_excess(self) -> None:
        self.phase = _FULL
        self.complaint = (
            f"the body is longer than its Content-Length, {self._declared}: it is cut"
        )

    def _check_length(self) -> None:
        declared = self._declared
        if declared is not None and self.length < declared:
            self.close = True
            self.complaint = (
                f"{self.length} bytes were sent, and Content-Length is {declared}"
            )


def _as_bytes(part: object) -> bytes:
    """Return a part of a body; what others would change is copied.

    :raises TypeError: it is none.
    """
    if isinstance(part, (bytes, bytearray, memoryview)):
        return bytes(part)
    raise TypeError(f"a body is made of bytes, not of {type(part).__name__}")


def error_response(status: str, text: str = "", *, bodiless: bool = False) -> bytes:
    """Return a whole response that is the server's own, after which it closes.

    :param status: the code and the reason.
    :param text: the body.
    :param bodiless: it answers HEAD: the head is all of it.
    """
    body = text.encode("utf-8", "backslashreplace")
    kind = "Content-Type: text/plain; charset=utf-8\r\n" if body else ""
    return (
        f"HTTP/1.1 {status}\r\n{kind}{response_head.date_line()}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode("ascii") + (b"" if bodiless else body)
