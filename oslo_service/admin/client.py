# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A client of the endpoint: its connection, non-blocking."""

import urllib.parse
from typing import Any

from oslo_service.admin.messages import Ask, Later, Reply, Stream
from oslo_service.http import response_head
from oslo_service.http.connection import Connection, Phase
from oslo_service.http.limits import Limits
from oslo_service.http.request import Request
from oslo_service.http.response import error_response
from oslo_service.http.response_head import Framing

__all__ = ("LIMITS", "Client")

#: What a client may ask for. Orders are short.
LIMITS = Limits(
    url=2048,
    header_line=8192,
    headers=64,
    buffered_body=16384,
    discarded_body=16384,
    timeout=10.0,
    linger_total=5.0,
)
# How long a client may take to read a response, or what there is of a stream, in
# seconds.
_SENDING = 30.0
_RECEIVED = 65536


class Client:
    """A client, from its arrival to its end.

    Its owner waits for its descriptor, and tells it when that is ready. Nothing here
    blocks; an ``OSError`` that is raised says that the client is gone.

    :param socket: the socket, connected and non-blocking.
    :param trusted: whether it came through the control socket.
    :param now: the time, in seconds.
    :ivar pending: the response that comes later; None: there is none.
    :ivar active_at: when it has last sent something.
    :ivar answers: how many responses it has had.
    """

    def __init__(self, socket: Any, now: float, *, trusted: bool) -> None:
        self._socket = socket
        self.fd: int = socket.fileno()
        self._trusted = trusted
        self._connection = Connection(LIMITS, now)
        self._out = bytearray()
        self._begun_sending = now
        self._stream: Stream | None = None
        self._chunked = False
        self._shut = False
        self.pending: Later | None = None
        self.active_at = now
        self.answers = 0
        self._silenced = False

    # What to wait for

    @property
    def closed(self) -> bool:
        """Whether there is nothing left to do but to close."""
        return self._connection.phase is Phase.CLOSED and not self._out

    @property
    def standing(self) -> tuple[int, float]:
        """Its rank when there is no room for all: the lowest is dropped first.

        0: it asks nothing. 1: it has had an answer, asks several things, or may be gone
        by now. 2: it waits for its first answer.
        """
        connection, requests = self._connection, self._connection.requests
        asks = bool(requests) and _is_whole(requests[0])
        if not (asks or connection.current is not None or self._out):
            return 0, self.active_at
        had = self.answers + max(0, len(requests) - 1) + self._silenced
        return (1, -had) if had else (2, self.active_at)

    @property
    def waits(self) -> bool:
        """Whether it waits for its first answer (of rank 2)."""
        return self.standing[0] > 1

    @property
    def wants_data(self) -> bool:
        """Whether to wait until it has sent something."""
        return self._stream is not None or self._connection.wants_data()

    @property
    def has_data(self) -> bool:
        """Whether to wait until it takes something."""
        if self._stream is not None and self._stream.pending:
            return True
        return bool(self._out)

    @property
    def deadline(self) -> float | None:
        """When :meth:`expire` is to be called."""
        if self.has_data:
            return self._sends_until
        if self._connection.current is None:
            return self._connection.deadline
        return None if self.pending is None else self.pending.deadline

    # In

    def receive(self, now: float) -> None:
        """Take in what it has sent."""
        try:
            data = self._socket.recv(_RECEIVED)
        except BlockingIOError:
            return
        self.active_at = now
        if self._stream is not None:
            if not data:
                self._end()
            return  # whatever it says, it listens
        if data:
            self._send(self._connection.receive(data, now), now)
        else:
            self._silenced = True
            self._connection.receive_eof()
        self._reject(now)

    def _reject(self, now: float) -> None:
        connection = self._connection
        if connection.phase is Phase.REJECTING and connection.current is None:
            if connection.error is not None and not connection.requests:
                self._send(error_response(connection.error.status_text), now)
                connection.error_sent(now)

    def next_ask(self) -> Ask | None:
        """Return what it asks; one thing at a time."""
        if self._out or self._stream is not None:
            return None
        request = self._connection.next_request()
        return None if request is None else _ask(request, self._trusted)

    @property
    def body_is_whole(self) -> bool:
        """Whether all of what it asks is here."""
        request = self._connection.current
        return request is None or _is_whole(request)

    # Out

    def answer(self, reply: Reply, now: float) -> None:
        """Send a response."""
        connection, request = self._connection, self._connection.current
        self.pending = None
        self.answers += 1
        if request is None:
            return
        head, framing, _, close = self._head(request, reply.status_text, reply)
        self._send(head if framing is Framing.NO_BODY else head + reply.body, now)
        self._send(connection.answered(now, last=close), now)
        self._reject(now)

    def follow(self, stream: Stream, now: float) -> None:
        """Send a stream, for as long as there is anybody."""
        request = self._connection.current
        if request is None:
            return
        self.answers += 1
        head, framing, _, _ = self._head(request, "200 OK", stream)
        self._send(head, now)
        if framing is Framing.NO_BODY:
            self._send(self._connection.answered(now, last=True), now)
            return
        self._chunked = framing is Framing.CHUNKED
        self._stream = stream

    def _head(
        self, request: Request, status: str, what: Reply | Stream
    ) -> tuple[bytes, Framing, int | None, bool]:
        headers = [("Content-Type", what.kind), ("Cache-Control", "no-store")]
        length, close = None, True
        if isinstance(what, Reply):
            headers += what.headers
            length, close = len(what.body), self._connection.will_close()
        line = response_head.STATUS_LINES[status]
        return response_head.encode(line, headers, request, length, close=close)

    def _send(self, data: bytes, now: float) -> None:
        if data and not self._out:
            self._begun_sending = now
        self._out += data

    @property
    def _sends_until(self) -> float:
        # A stream goes on for as long as it is taken, however slowly.
        since = self._begun_sending if self._stream is None else self.active_at
        return since + _SENDING

    def flush(self, now: float) -> None:
        """Send what waits, as far as it is taken."""
        if self._stream is not None and not self._out:
            self._take(self._stream, now)
        if self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                return
            del self._out[:sent]
            self.active_at = now
        if not self._out and self._connection.phase is Phase.LINGERING:
            self._shut_down(now)

    def _take(self, stream: Stream, now: float) -> None:
        data = stream.take()
        if data and self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._send(data, now)

    def _shut_down(self, now: float) -> None:
        if not self._shut:
            self._shut = True
            self._connection.flushed(now)
            self._socket.shutdown(1)  # SHUT_WR

    def expire(self, now: float) -> None:
        """Record that the deadline may have passed."""
        if self.has_data:
            if now >= self._sends_until:
                self._end()
            return
        due = self._connection.deadline
        if self._connection.current is None and due is not None and now >= due:
            self._connection.expire(now)
            self._reject(now)

    def drain(self, now: float) -> None:
        """Answer what has been asked, and nothing more."""
        self._connection.drain(now)

    def _end(self) -> None:
        self._out.clear()
        self._stream = None
        self._connection.close()

    def close(self) -> None:
        """Close the socket."""
        self._end()
        if self.pending is not None:
            self.pending.forget()
        self._socket.close()


def _is_whole(request: Request) -> bool:
    return request.body is None or request.body.complete


def _ask(request: Request, trusted: bool) -> Ask:
    body = b"" if request.body is None else request.body.take_all()
    query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    return Ask(request.method, request.path, query, request.fields, body, trusted)
