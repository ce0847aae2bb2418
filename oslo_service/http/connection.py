# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client's connection: what may happen next on it."""

import enum

from oslo_service.http import body_policy
from oslo_service.http.limits import Limits
from oslo_service.http.parser import Parser
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Body, Request

__all__ = ("Connection", "Phase")


class Phase(enum.Enum):
    """How far a connection is; it only goes on to one that is further down."""

    #: Requests are read and answered.
    OPEN = enum.auto()
    #: Nothing is read any more: the client is to be told of its error, after the
    #: answers to what came before.
    REJECTING = enum.auto()
    #: Everything has been said. What arrives is thrown away, until the deadline
    #: or the end (RFC 9112, 9.6).
    LINGERING = enum.auto()
    #: There is nothing left to do but to close.
    CLOSED = enum.auto()


# Looking a member up in its class is slow in Python 3.11.
_OPEN, _REJECTING, _LINGERING, _CLOSED = Phase


class Connection:
    """The state of a connection, between bytes and requests.

    It has no socket and no clock. Who has them tells it what arrived
    (:meth:`receive`, :meth:`receive_eof`), asks whether there is something to do
    (:meth:`next_request`, :attr:`phase`) or to read (:meth:`wants_data`), and
    tells it what became of a request (:meth:`answered`).

    :param limits: what the client may do.
    :param now: the time, in seconds of any monotonic clock.
    :ivar phase: how far it is.
    :ivar error: why it is, or was, in the phase ``REJECTING``.
    :ivar deadline: until when something must happen; None: no limit.
    :ivar requests: those that wait; their bodies may be incomplete.
    :ivar current: the one that is being answered.
    :ivar input_open: more can arrive.
    """

    __slots__ = (
        "_draining",
        "_limits",
        "_lingers_until",
        "_parser",
        "_timeout",
        "current",
        "deadline",
        "error",
        "input_open",
        "phase",
        "requests",
    )

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._timeout = limits.timeout
        self._parser = Parser(limits)
        self.requests = self._parser.requests
        self.current: Request | None = None
        self.phase = _OPEN
        self.error: ProtocolError | None = None
        # The client may end its side, and the server may stop, in any phase.
        self.input_open = True
        self._draining = False
        self._lingers_until = 0.0
        self.deadline: float | None
        self.extend_deadline(now)

    def extend_deadline(self, now: float) -> None:
        """Record that the client does something.

        :param now: the time, as in all methods here: see :class:`Connection`.
        """
        timeout = self._timeout
        self.deadline = None if timeout is None else now + timeout

    # In

    def receive(self, data: bytes, now: float) -> bytes:
        """Record what has arrived.

        :param data: at least a byte; the end is :meth:`receive_eof`.
        :param now: the time.
        :returns: what to send at once: the interim response for which a client
            may wait before it sends a body.
        """
        if self.phase is not _OPEN:
            if self.phase is _LINGERING:
                self._linger(now)
            return b""
        parser = self._parser
        if (head := parser.repeated) is not None and (request := head.repeat(data)):
            self.requests.append(request)
            return b""  # the application has all the time it wants
        began = parser.in_head
        try:
            parser.feed(data)
        except ProtocolError as error:
            self._reject(error)
        requests, waits = self.requests, self.current is None
        if waits and requests and requests[0].body is None:
            return b""  # the application has all the time it wants
        # A head has until its deadline as a whole: a byte does not extend it.
        if not (began and parser.in_head):
            self.extend_deadline(now)
            if parser.in_head and self._draining:
                self._shorten_deadline(now)
        body = requests[0].body if waits and requests else None
        return b"" if body is None else self._early_continue(body)

    def _early_continue(self, body: Body) -> bytes:
        """Return what asks for the next body, where that is read before it is used."""
        if not body_policy.fits(body, self._limits):
            return b""
        return body_policy.continue_response(self.requests[0])

    def receive_eof(self) -> None:
        """Record that nothing more will arrive."""
        self.input_open = False
        if self.current is None and not self._is_ready():
            self.phase = _CLOSED

    def expire(self, now: float) -> None:
        """Record that the deadline has passed.

        A client whose request has begun is answered with 408 (RFC 9110, 15.5.9).

        :param now: the time.
        """
        if self.current is not None or self._is_ready():
            self.extend_deadline(now)  # The application has all the time it wants.
        elif self.phase is _LINGERING or not (self._parser.in_head or self.requests):
            self.phase = _CLOSED
        elif self.phase is _OPEN:
            self.requests.clear()
            self._reject(ProtocolError(408, "the request did not arrive in time"))

    def _reject(self, error: ProtocolError) -> None:
        self.error = error
        self.phase = _REJECTING

    def drain(self, now: float) -> None:
        """Record that the server stops: there is one more request at most.

        One that is on its way is waited for, if only for a moment.

        :param now: the time.
        """
        self._draining = True
        if self.phase is _LINGERING:
            self._lingers_until = min(self._lingers_until, now + self._limits.linger)
        if self.current is None and not self.requests:
            self._shorten_deadline(now)

    def _shorten_deadline(self, now: float) -> None:
        end = now + self._limits.linger
        self.deadline = end if self.deadline is None else min(end, self.deadline)

    # Out

    def wants_data(self) -> bool:
        """Whether to read: not while requests wait to be answered."""
        if not self.input_open:
            return False
        if self.phase is _LINGERING:
            return True
        if self.phase is not _OPEN or self._parser.finished:
            return False
        return not (self.requests and self._is_ready())

    def _is_ready(self) -> bool:
        if not self.requests:
            return False
        first = self.requests[0]
        return first.body is None or body_policy.is_ready(first, self._limits)

    def next_request(self) -> Request | None:
        """Return the request that the application is to answer now."""
        requests = self.requests
        if not requests or self.current is not None:
            return None
        if requests[0].body is not None and not self._is_ready():
            return None
        self.current = request = requests.pop(0)
        return request

    def postpone(self, request: Request) -> None:
        """Record that the current request is to be answered later."""
        self.current = None
        self.requests.insert(0, request)

    def will_close(self) -> bool:
        """Whether the answer to the current request is the last one."""
        request = self.current
        return (
            request is None
            or not request.keep_alive
            or self._draining
            or not (self.input_open or self._is_ready())
            or (
                request.body is not None
                and not body_policy.can_skip(request, self._limits)
            )
        )

    def answered(self, now: float, last: bool, unread: bool = False) -> bytes:
        """Record that the current request has been answered.

        :param now: the time.
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
        timeout = self._timeout
        self.deadline = None if timeout is None else now + timeout
        if self._draining and not self.requests:
            self._shorten_deadline(now)
        if not self.input_open and not self._is_ready():
            self.phase = _CLOSED
            return b""
        body = self.requests[0].body if self.requests else None
        return b"" if body is None else self._early_continue(body)

    def flushed(self, now: float) -> None:
        """Record that what waited has been sent, after which nothing follows."""
        self._begin_to_linger(now)

    def error_sent(self, now: float) -> None:
        """Record that the client has been told of its error."""
        self._finish(now, linger=True)

    def _finish(self, now: float, *, linger: bool) -> None:
        """End: at once, or when the client has seen what was sent.

        Closing a socket with unread data in it resets the connection, and the
        client may lose the answer (RFC 9112, 9.6).
        """
        self.requests.clear()
        self._parser.finished = True
        if linger and self.input_open:
            self.phase = _LINGERING
            self._begin_to_linger(now)
        else:
            self.phase = _CLOSED

    def _begin_to_linger(self, now: float) -> None:
        limits = self._limits
        limit = limits.linger if self._draining else limits.linger_total
        self._lingers_until = now + limit
        self._linger(now)

    def _linger(self, now: float) -> None:
        self.deadline = min(now + self._limits.linger_idle, self._lingers_until)

    def close(self) -> None:
        """Forget everything. Idempotent."""
        self.phase = _CLOSED
        self._parser.close()
