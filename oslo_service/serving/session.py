# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client: bytes between its socket and the state of its connection."""

import dataclasses
import logging
import ssl
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.backend.base import Driver
from oslo_service.http import environ, response
from oslo_service.http.connection import Connection
from oslo_service.http.gateway import ClientGone, Gateway
from oslo_service.http.limits import Limits
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Body, Request
from oslo_service.http.tls import TLS
from oslo_service.serving.engine import Engine
from oslo_service.serving.leader_followers import ServingTask
from oslo_service.serving.sender import Sender

__all__ = ("Server", "Session")

LOG = logging.getLogger(__name__)

# How much is read at a time.
_READ = 65536


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """What all sessions of a server have in common.

    :ivar context: gives what new connections are encrypted with; None where
        they are not.
    :ivar environ: what is the same in the environment of every request.
    """

    driver: Driver
    gateway: Gateway
    limits: Limits
    context: Callable[[], ssl.SSLContext] | None
    environ: environ.Environ

    def connect(self, socket: Any, address: Any, engine: Engine) -> "Session":
        """Make a session of an accepted socket."""
        return Session(self, engine, socket, address)


class Session:
    """One client, from its arrival to its end.

    Whoever has ``lock`` reads, and runs the application.
    """

    __slots__ = (
        "_connection",
        "_engine",
        "_expired",
        "_fd",
        "_queued",
        "_sender",
        "_server",
        "_shut",
        "_socket",
        "_tls",
        "address",
        "bucket",
        "deadline_moved",
        "hung_up",
        "lock",
        "notified",
        "readable",
        "send",
    )

    def __init__(
        self, server: Server, engine: Engine, socket: Any, address: Any
    ) -> None:
        self._server = server
        self._engine = engine
        self._socket = socket
        self._fd = socket.fileno()
        self.address = address
        self.lock = engine.new_lock()
        self._connection = Connection(server.limits, clock.now())
        self._tls = None if server.context is None else TLS(server.context())
        self._sender = Sender(socket, engine.poller, self._tls, engine.new_lock())
        #: Sends, or keeps, parts of a response.
        self.send = self._sender.send
        self.notified = self.readable = self.hung_up = self.deadline_moved = False
        self._expired = self._queued = self._shut = False
        self.bucket: int | None = None

    @property
    def deadline(self) -> float | None:
        """When the client will have been silent for too long."""
        return None if self._fd < 0 else self._connection.deadline

    @property
    def server_environ(self) -> environ.Environ:
        """What is the same for every request to the server."""
        return self._server.environ

    # For the engine

    def note_input(self, *, hung_up: bool) -> None:
        """Record that there is something to read; the end may be among it."""
        self.readable = True
        self.hung_up = self.hung_up or hung_up

    def expire(self) -> None:
        """Record that the deadline may have passed."""
        self._expired = True

    def serve(self, task: ServingTask) -> None:
        """Go on until there is nothing to do."""
        if self._fd < 0:
            return
        try:
            self._go_on(task)
        except ssl.SSLError as exc:
            LOG.debug("%s: %s", self.address, exc)
            self._close(reset=False)  # there may be an alert on its way
        except OSError as exc:
            LOG.debug("%s: %s", self.address, exc)
            self._close(reset=True)
        except Exception:
            LOG.exception("%s: the connection ends after a failure", self.address)
            self._close(reset=True)

    def _go_on(self, task: ServingTask) -> None:
        connection = self._connection
        if self._expired:
            self._check_deadline()
        while not self._sender.pending or self._flush():
            if self._queued:
                request = connection.current
            else:
                request = connection.next_request() if connection.requests else None
            if request is not None:
                if not self._answer(request, task):
                    return
            elif connection.closing:
                if not self._end():
                    return
            elif not (self.readable and connection.wants_data and self._receive()):
                self._idle()
                return
            if self.readable:  # who sends without end is not the only one
                self._engine.requeue(self)
                return

    def _idle(self) -> None:
        if self._engine.stopping:
            self._connection.drain(clock.now())
            self.deadline_moved = True

    def _end(self) -> bool:
        """Take a step towards the end; return whether there may be another."""
        connection = self._connection
        if connection.over:
            if self._tls is not None and not self._shut:
                self._shut_down()
                return True
            self._close(reset=False)
            return False
        if connection.error is not None and not self._shut:
            self._send_protocol_error(connection.error)
            return True
        return self.readable and self._receive()

    def _check_deadline(self) -> None:
        self._expired = False
        connection, now = self._connection, clock.now()
        if connection.deadline is None or now < connection.deadline:
            return
        if self._sender.pending and connection.current is None:
            raise self._sender.mark_gone("the client does not read")
        connection.expire(now)

    # In

    def _receive(self) -> bool:
        """Read what is there; return whether there was something, or the end."""
        # Before it is read: an edge of what comes meanwhile is not to be lost.
        self.readable = False
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            self._engine.poller.drained(self._fd)
            return False
        ended = not data
        if len(data) == _READ or self.hung_up:
            self.readable = True
        elif not ended:
            # All that was there: what comes now is an edge. It may have been
            # the end, where one was reported.
            self._engine.poller.drained(self._fd)
        if self._tls is not None:
            data, ended = self._decrypt(self._tls, data)
        if data:
            interim = self._connection.receive(data, clock.now())
            if interim:
                self._sender.send(interim)
        if ended:
            self.readable = False
            self._connection.receive_eof()
        return True

    def _decrypt(self, tls: TLS, data: bytes) -> tuple[bytes, bool]:
        try:
            plain = tls.receive(data)
        finally:
            # The handshake's part, or an alert.
            if reply := tls.take_output():
                self._sender.send_raw(reply)
        return plain, tls.ended or not data

    def await_body(self, request: Request, body: Body) -> None:
        """Block the application until there is more of the body."""
        connection = self._connection
        if go_ahead := connection.continue_response(request):
            self._sender.send(go_ahead)
        while not (body.buffered or body.complete):
            if connection.error is not None:
                raise ClientGone(str(connection.error), connection.error)
            if not connection.input_open:
                raise self._sender.mark_gone(
                    "the client left in the middle of the body"
                )
            try:
                received = self._receive()
            except OSError as exc:
                raise self._sender.mark_gone(f"the client is gone: {exc}") from None
            if not received and not self._wait(write=False):
                late = ProtocolError(408, "the body did not arrive in time")
                raise ClientGone(str(late), late)

    def _wait(self, *, write: bool) -> bool:
        timeout = self._server.limits.timeout
        return self._engine.poller.wait_for(self._fd, write=write, timeout=timeout)

    # The application

    def _answer(self, request: Request, task: ServingTask) -> bool:
        """Have a request answered; return whether to go on now."""
        connection, engine = self._connection, self._engine
        self._queued = not engine.acquire_slot(self, task)
        if self._queued:
            return False
        began = clock.now()
        close = True
        try:
            close = self._server.gateway.answer(request, self)
        finally:
            now = clock.now()
            engine.release_slot(now - began)
        if self._sender.gone is not None:
            raise ClientGone(self._sender.gone)
        interim = connection.answered(now, last=close, unread=self.readable)
        if interim:
            self._sender.send(interim)
        if connection.lingers:
            self._shut_down()
        if connection.requests:
            engine.requeue(self)
            return False
        return True

    def _send_protocol_error(self, error: ProtocolError) -> None:
        LOG.info("%s: protocol error, %s", self.address, error)
        self._sender.send(response.error_response(error.status_text))
        self._connection.error_sent(clock.now())
        self._shut_down()

    # Out

    @property
    def will_close(self) -> bool:
        """Whether the client can be told now that the connection ends."""
        return self._engine.stopping or self._connection.will_close

    def _flush(self) -> bool:
        """Send what waits; return whether all of it is gone."""
        sender = self._sender
        before = sender.pending
        sent = sender.flush()
        if sender.pending != before:
            self._connection.extend_deadline(clock.now())
        if sent and self._shut:
            sender.shut_down()
            self._connection.flushed(clock.now())
            self.deadline_moved = True
        return sent

    def send_pending(self) -> None:
        """Send what waits while the application is at work."""
        if self._sender.pending:
            try:
                self._sender.flush()
            except OSError:
                pass  # the application is told when it sends

    def throttle(self) -> None:
        """Block the application while too much waits to be sent."""
        if self._sender.pending > self._server.limits.buffered_response:
            self._await_sent(self._server.limits.buffered_response // 2)

    def _await_sent(self, size: int) -> None:
        """Block the application until no more than that waits to be sent."""
        while not self._sender.flush() and self._sender.pending > size:
            self._await_client()

    def _await_client(self) -> None:
        if not self._wait(write=True):
            raise self._sender.mark_gone("the client does not read")

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Have the system send a part of a file; not where it is encrypted."""
        if self._tls is not None:
            return 0
        self._await_sent(0)
        sent = 0
        while sent < count:
            try:
                now = self._sender.send_file(fd, offset + sent, count - sent)
            except OSError:
                break
            if not now:
                self._await_client()
            sent += now
        return sent

    # The end

    def abort(self) -> None:
        """End the connection so that the client knows: something is missing."""
        self._sender.mark_gone("the response was aborted")

    def _shut_down(self) -> None:
        """Tell the client that nothing follows, once everything is sent."""
        self._shut = self.deadline_moved = True
        self._sender.close_notify()
        if not self._sender.pending:
            self._sender.shut_down()

    def _close(self, *, reset: bool) -> None:
        fd, self._fd = self._fd, -1
        self._connection.close()
        self._engine.forget(fd, self)
        self._sender.close(reset=reset)
