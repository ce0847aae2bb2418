# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client's connection: what may happen next on it."""

from oslo_service.http.limits import Limits
from oslo_service.http.parser import Parser
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Request

__all__ = ("Connection",)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """The state of a connection, between bytes and requests.

    It has no socket and no clock. Who has them tells it what arrived
    (:meth:`receive`, :meth:`receive_eof`), asks whether there is something to
    do (:meth:`next_request`, :attr:`error`), to read (:attr:`wants_data`) or
    nothing ever again (:attr:`over`), and tells it what became of a request
    (:meth:`answered`).

    :param limits: what the client may do.
    :param now: the time, in seconds of any monotonic clock.
    :ivar deadline: until when something must happen; None: no limit.
    :ivar error: why the client is not heard any further; its status is to
        be sent after the answers to what came before.
    :ivar requests: those that wait; their bodies may be incomplete.
    :ivar over: there is nothing left to do but to close.
    :ivar lingers: what arrives is thrown away, until the deadline or the end.
    :ivar closing: one of these three.
    """

    __slots__ = (
        "_at_end",
        "_draining",
        "_limits",
        "_parser",
        "_timeout",
        "closing",
        "current",
        "deadline",
        "error",
        "lingers",
        "over",
        "requests",
    )

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._timeout = limits.timeout
        self._parser = Parser(limits)
        self.requests = self._parser.requests
        self._at_end = self._draining = False
        self.current: Request | None = None
        self.error: ProtocolError | None = None
        self.over = self.lingers = self.closing = False
        self.deadline: float | None
        self.extend_deadline(now)

    def extend_deadline(self, now: float) -> None:
        """Record that the client does something."""
        timeout = self._timeout
        self.deadline = None if timeout is None else now + timeout

    # In

    def receive(self, data: bytes, now: float) -> bytes:
        """Record what has arrived.

        :returns: what to send at once: the word that a client may wait for
            before it sends a body.
        """
        if self.closing:
            return b""
        parser = self._parser
        began = parser.in_head
        try:
            parser.feed(data)
        except ProtocolError as error:
            self._reject(error)
        # A head has until its deadline as a whole: a byte does not extend it.
        if not (began and parser.in_head):
            self.extend_deadline(now)
            if parser.in_head and self._draining:
                self._shorten_deadline(now)
        return self._early_continue() if self.requests and self.current is None else b""

    def _early_continue(self) -> bytes:
        """Return what asks for the next body, where that is read before it is used."""
        request = self.requests[0]
        return self.continue_response(request) if self._fits(request) else b""

    def receive_eof(self) -> None:
        """Record that nothing more will arrive."""
        self._at_end = True
        if self.current is None and not self._is_ready():
            self._end()

    def expire(self, now: float) -> bool:
        """Record that the deadline has passed.

        :returns: whether there is something to do.
        """
        if self.current is not None:
            self.extend_deadline(now)  # The application has all the time it wants.
            return False
        if self.lingers or not (self._parser.in_head or self.requests):
            self._end()
        elif self.error is None:
            self.requests.clear()
            self._reject(ProtocolError(408, "the request did not arrive in time"))
        return True

    def _reject(self, error: ProtocolError) -> None:
        self.error = error
        self.closing = True

    def _end(self) -> None:
        self.over = self.closing = True

    def lose(self) -> None:
        """Record that the client cannot be reached any more."""
        self.requests.clear()
        self._end()

    def drain(self, now: float) -> None:
        """Record that the server stops: there is one more request at most.

        One that is on its way is waited for, if only for a moment.
        """
        self._draining = True
        if self.current is None and not self.requests:
            self._shorten_deadline(now)

    def _shorten_deadline(self, now: float) -> None:
        end = now + self._limits.linger
        self.deadline = end if self.deadline is None else min(end, self.deadline)

    # Out

    @property
    def input_open(self) -> bool:
        """Whether more can arrive."""
        return not self._at_end

    @property
    def wants_data(self) -> bool:
        """Whether to read: not while requests wait to be answered."""
        if self._at_end:
            return False
        if self.lingers:
            return True
        if self.error is not None or self._parser.finished:
            return False
        return not self._is_ready()

    def _is_ready(self) -> bool:
        """Whether a request is far enough for the application."""
        requests = self.requests
        if not requests:
            return False
        body = requests[0].body
        if body is None or body.complete or body.buffered >= self._limits.buffered_body:
            return True
        return requests[0].expects_100 and not self._fits(requests[0])

    def _fits(self, request: Request) -> bool:
        body = request.body
        return (
            body is not None
            and body.remaining is not None
            and body.buffered + body.remaining <= self._limits.buffered_body
        )

    def continue_response(self, request: Request) -> bytes:
        """Return what tells the client to send the body, where it waits."""
        if not request.expects_100:
            return b""
        request.expects_100 = False
        return b"" if request.body and request.body.buffered else CONTINUE

    def next_request(self) -> Request | None:
        """Return the request that the application is to answer now."""
        if self.current is None and self._is_ready():
            self.current = self.requests.pop(0)
            return self.current
        return None

    @property
    def will_close(self) -> bool:
        """Whether the answer to the current request is the last one."""
        request = self.current
        return (
            request is None
            or not request.keep_alive
            or self._draining
            or self._at_end
            or (request.body is not None and not self._can_skip(request))
        )

    def _can_skip(self, request: Request) -> bool:
        """Whether what of the body has not arrived can be thrown away."""
        body = request.body
        if body is None or body.complete:
            return True
        return (
            not request.expects_100
            and body.remaining is not None
            and body.remaining <= self._limits.discarded_body
        )

    def answered(self, now: float, *, last: bool, unread: bool = False) -> bytes:
        """Record that the current request has been answered.

        :param last: the client was told that the connection ends.
        :param unread: there may be data that has not been received.
        :returns: what to send at once, as in :meth:`receive`.
        """
        request, self.current = self.current, None
        body = None if request is None else request.body
        if last:
            incomplete = body is not None and not body.complete
            self._finish(now, linger=unread or incomplete or self._parser.surplus)
            return b""
        if body is not None and not body.complete:
            body.discard()
        self.extend_deadline(now)
        if self._draining and not self.requests:
            self._shorten_deadline(now)
        if self._at_end and not self._is_ready():
            self._end()
            return b""
        return self._early_continue() if self.requests else b""

    def flushed(self, now: float) -> None:
        """Record that what waited has been sent, after which nothing follows."""
        self.deadline = now + self._limits.linger

    def error_sent(self, now: float) -> None:
        """Record that the error has been sent."""
        self._finish(now, linger=True)

    def _finish(self, now: float, *, linger: bool) -> None:
        """End: at once, or when the client has seen what was sent.

        Closing a socket with unread data in it resets the connection, and the
        client may lose the answer (RFC 9112, 9.6).
        """
        self.requests.clear()
        self._parser.finished = True
        if linger and not self._at_end:
            self.lingers = self.closing = True
            self.deadline = now + self._limits.linger
        else:
            self._end()

    def close(self) -> None:
        """Forget everything."""
        self._end()
        self._parser.close()
