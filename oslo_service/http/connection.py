# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client's connection: what may happen next on it."""

from oslo_service.http.limits import Limits
from oslo_service.http.parser import Parser
from oslo_service.http.protocol_error import Refusal
from oslo_service.http.request import Request

__all__ = ("Connection",)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """The state of a connection, between bytes and requests.

    It has no socket and no clock. Who has them tells it what arrived
    (:meth:`receive`, :meth:`receive_end`), asks whether there is something to
    do (:meth:`next_request`, :attr:`refusal`), to read (:attr:`wants_data`) or
    nothing ever again (:attr:`over`), and tells it what became of a request
    (:meth:`answered`).

    :param limits: what the client may do.
    :param now: the time, in seconds of any monotonic clock.
    :ivar deadline: until when something must happen; None: no limit.
    :ivar refusal: why the client is not heard any further; its status is to
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
        "lingers",
        "over",
        "refusal",
        "requests",
    )

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._timeout = limits.timeout
        self._parser = Parser(limits)
        self.requests = self._parser.requests
        self._at_end = self._draining = False
        self.current: Request | None = None
        self.refusal: Refusal | None = None
        self.over = self.lingers = self.closing = False
        self.deadline: float | None
        self.extend(now)

    def extend(self, now: float) -> None:
        """Take in that the client does something."""
        timeout = self._timeout
        self.deadline = None if timeout is None else now + timeout

    # In

    def receive(self, data: bytes, now: float) -> bytes:
        """Take in what has arrived.

        :returns: what to send at once: the word that a client may wait for
            before it sends a body.
        """
        if self.closing:
            return b""
        parser = self._parser
        began = parser.in_head
        try:
            parser.feed(data)
        except Refusal as refusal:
            self._refuse(refusal)
        # A head has until its deadline as a whole: a byte does not extend it.
        if not (began and parser.in_head):
            self.extend(now)
            if parser.in_head and self._draining:
                self._shorten(now)
        return self._invite() if self.requests and self.current is None else b""

    def _invite(self) -> bytes:
        """Give what asks for the next body, where that is read before it is used."""
        request = self.requests[0]
        return self.go_ahead(request) if self._fits(request) else b""

    def receive_end(self) -> None:
        """Take in that nothing more will arrive."""
        self._at_end = True
        if self.current is None and not self._answerable():
            self._end()

    def expire(self, now: float) -> bool:
        """Take in that the deadline has passed.

        :returns: whether there is something to do.
        """
        if self.current is not None:
            self.extend(now)  # The application has all the time it wants.
            return False
        if self.lingers or not (self._parser.in_head or self.requests):
            self._end()
        elif self.refusal is None:
            self.requests.clear()
            self._refuse(Refusal(408, "the request did not arrive in time"))
        return True

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.closing = True

    def _end(self) -> None:
        self.over = self.closing = True

    def lose(self) -> None:
        """Take in that the client cannot be reached any more."""
        self.requests.clear()
        self._end()

    def drain(self, now: float) -> None:
        """Take in that the server stops: there is one more request at most.

        One that is on its way is waited for, if only for a moment.
        """
        self._draining = True
        if self.current is None and not self.requests:
            self._shorten(now)

    def _shorten(self, now: float) -> None:
        end = now + self._limits.linger
        self.deadline = end if self.deadline is None else min(end, self.deadline)

    # Out

    @property
    def hears(self) -> bool:
        """Whether more can arrive."""
        return not self._at_end

    @property
    def wants_data(self) -> bool:
        """Whether to read: not while requests wait to be answered."""
        if self._at_end:
            return False
        if self.lingers:
            return True
        if self.refusal is not None or self._parser.finished:
            return False
        return not self._answerable()

    def _answerable(self) -> bool:
        """Tell whether a request is far enough for the application."""
        requests = self.requests
        if not requests:
            return False
        body = requests[0].body
        if body is None or body.complete or body.size >= self._limits.buffered_body:
            return True
        return requests[0].expects_100 and not self._fits(requests[0])

    def _fits(self, request: Request) -> bool:
        body = request.body
        return (
            body is not None
            and body.left is not None
            and body.size + body.left <= self._limits.buffered_body
        )

    def go_ahead(self, request: Request) -> bytes:
        """Give what tells the client to send the body, where it waits."""
        if not request.expects_100:
            return b""
        request.expects_100 = False
        return b"" if request.body and request.body.size else CONTINUE

    def next_request(self) -> Request | None:
        """Give the request that the application is to answer now."""
        if self.current is None and self._answerable():
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
        """Tell whether what of the body has not arrived can be thrown away."""
        body = request.body
        if body is None or body.complete:
            return True
        return (
            not request.expects_100
            and body.left is not None
            and body.left <= self._limits.discarded_body
        )

    def answered(self, now: float, *, last: bool, unread: bool = False) -> bytes:
        """Take in that the current request has been answered.

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
        self.extend(now)
        if self._draining and not self.requests:
            self._shorten(now)
        if self._at_end and not self._answerable():
            self._end()
            return b""
        return self._invite() if self.requests else b""

    def all_sent(self, now: float) -> None:
        """Take in that what waited has been sent, after which nothing follows."""
        self.deadline = now + self._limits.linger

    def refused(self, now: float) -> None:
        """Take in that the refusal has been sent."""
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
