# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client: from its arrival to its end, between its socket and the gateway."""

import collections
import enum
import logging
import ssl
from typing import Any

from oslo_service._common import clock
from oslo_service._common.frames import Stack
from oslo_service.http import connection as connections
from oslo_service.http import response
from oslo_service.http.connection import Connection
from oslo_service.http.gateway import ClientGone
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Request
from oslo_service.http.tls import TLS
from oslo_service.serving import slow_requests
from oslo_service.serving.application_client import ApplicationClient
from oslo_service.serving.engine import Engine
from oslo_service.serving.leader_followers import ServingTask
from oslo_service.serving.receiver import Receiver
from oslo_service.serving.sender import Sender
from oslo_service.serving.server_config import ServerConfig

__all__ = ("Session",)

LOG = logging.getLogger(__name__)


class Phase(enum.Enum):
    """How far a session is."""

    #: It reads, and answers.
    OPEN = enum.auto()
    #: The client has been told, or will be when all is sent, that nothing follows.
    SHUT = enum.auto()
    #: The socket is closed.
    CLOSED = enum.auto()


# Looking a member up in its class is slow in Python 3.11.
_OPEN, _SHUT, _CLOSED = Phase
_CONNECTION_OPEN, _REJECTING, _LINGERING, _CONNECTION_CLOSED = connections.Phase


class Session:
    """One client (:class:`.served.Served`)."""

    __slots__ = (
        "_client",
        "_config",
        "_connection",
        "_engine",
        "_expired",
        "_fd",
        "_phase",
        "_sender",
        "_timed_out",
        "bucket",
        "deadline_moved",
        "input",
        "notified",
        "turn",
    )

    def __init__(
        self, config: ServerConfig, socket: Any, address: Any, engine: Engine
    ) -> None:
        self._config = config
        self._engine = engine
        self._fd = fd = socket.fileno()
        self._phase = _OPEN
        self._connection = connection = Connection(config.limits, clock.now())
        tls = None if config.encrypt is None else TLS(config.encrypt)
        poller = engine.poller
        self._sender = sender = Sender(socket, poller, tls, engine.new_lock())
        self.input = receiver = Receiver(socket, fd, poller, tls, sender, connection)
        self._client = ApplicationClient(
            engine,
            connection,
            receiver,
            sender,
            fd=fd,
            address=address,
            config=config,
        )
        self.turn = collections.deque((None,))
        # Flags, each of which another task may set at any time.
        self.notified = self.deadline_moved = self._expired = False
        # Set once, while the application is at work.
        self._timed_out = False
        self.bucket: int | None = None

    # For the engine

    @property
    def deadline(self) -> float | None:
        """When the client will have been silent for too long."""
        return None if self._phase is _CLOSED else self._connection.deadline

    def expire(self) -> None:
        """Record that the deadline may have passed."""
        self._expired = self.deadline_moved = True

    def send_pending(self) -> None:
        """Send what waits while the application is at work."""
        if self._sender.pending:
            try:
                if self._sender.flush() and self._timed_out:
                    self._sender.shut_down()
            except OSError:
                pass  # the application is told when it sends

    @property
    def current(self) -> Request | None:
        """The request that is with the application."""
        return self._connection.current

    def report_long_call(
        self, call: Request, seconds: float, stack: Stack, *, too_long: bool
    ) -> None:
        """Log where the application is; answer the client in its place."""
        if too_long and slow_requests.answer(call, self._sender):
            self._timed_out = True
        address, answered = self._client.address, self._timed_out
        slow_requests.report(call, address, seconds, stack, answered=answered)

    def serve(self, task: ServingTask) -> None:
        """Go on until there is nothing to do."""
        if self._phase is _CLOSED:
            return
        try:
            if self._expired:
                self._check_deadline()
            self._go_on(task)
        except ssl.SSLError as exc:
            LOG.debug("%s: %s", self._client.address, exc)
            self._close(reset=False)  # there may be an alert on its way
        except OSError as exc:
            LOG.debug("%s: %s", self._client.address, exc)
            self._close(reset=True)
        except BaseException as exc:
            # Also where the task is killed: no other takes up what it began.
            self._close(reset=True)
            if not isinstance(exc, Exception):
                raise
            LOG.exception(
                "%s: the connection ends after a failure", self._client.address
            )

    # Serving

    def _go_on(self, task: ServingTask) -> None:
        connection, receiver, sender = self._connection, self.input, self._sender
        while not sender.pending or self._flush():
            received = False
            if receiver.ready and connection.wants_data():
                received = receiver.receive(task.now)
            request = connection.next_request() if connection.requests else None
            if request is not None:
                if not self._answer(request, task):
                    return
            elif connection.phase is not _CONNECTION_OPEN:
                if not self._end():
                    return
            elif not received:
                if self._engine.stopping:
                    self._drain()
                return
            elif receiver.ready:  # who sends without end is not the only one
                self._engine.requeue(self)
                return

    def _check_deadline(self) -> None:
        self._expired = False
        connection, now = self._connection, clock.now()
        if connection.deadline is None or now < connection.deadline:
            return
        if self._sender.pending and connection.current is None:
            raise self._sender.mark_gone("the client does not read")
        connection.expire(now)

    def _flush(self) -> bool:
        """Send what waits; return whether all of it is gone."""
        sender = self._sender
        before = sender.pending
        sent = sender.flush()
        if sender.pending != before:
            self._connection.extend_deadline(clock.now())
        if sent and self._phase is _SHUT:
            sender.shut_down()
            self._connection.flushed(clock.now())
            self.deadline_moved = True
        return sent

    def _answer(self, request: Request, task: ServingTask) -> bool:
        """Have a request answered; return whether to go on now."""
        engine, config, connection = self._engine, self._config, self._connection
        if not engine.acquire_slot(self, task):
            connection.postpone(request)
            return False
        began, close = task.now, True
        try:
            # What one request leaves in context variables, no other sees.
            run = config.context_variables.copy().run
            close = run(config.gateway.answer, request, self._client, began)
        finally:
            task.now = now = clock.now()
            engine.release_slot(self, now - began, task)
            if config.count is not None:
                config.count()
        unread = self.input.ready
        if self._timed_out:
            close = unread = True
        elif self._sender.gone is not None:
            raise ClientGone(self._sender.gone)
        if interim := connection.answered(now, close, unread):
            self._sender.send(interim)
        if connection.phase is not _CONNECTION_OPEN:
            if connection.phase is _LINGERING:
                self._shut_down()
            return True
        if connection.requests or self.input.ready:  # others are served before
            self._engine.requeue(self)
        return False

    def _drain(self) -> None:
        self._connection.drain(clock.now())
        self.deadline_moved = True

    # The end

    def _end(self) -> bool:
        """Take a step towards the end; return whether there may be another."""
        connection = self._connection
        if connection.phase is _CONNECTION_CLOSED:
            if self._sender.encrypted and self._phase is not _SHUT:
                self._shut_down()
                return True
            self._close(reset=False)
            return False
        if connection.phase is _REJECTING and connection.error is not None:
            self._send_protocol_error(connection.error)
            return True
        if self._engine.stopping:
            self._drain()
        if self.input.ready:
            self._engine.requeue(self)
        return False

    def _send_protocol_error(self, error: ProtocolError) -> None:
        LOG.info("%s: protocol error, %s", self._client.address, error)
        self._sender.send(response.error_response(error.status_text))
        self._connection.error_sent(clock.now())
        self._shut_down()

    def _shut_down(self) -> None:
        """Tell the client that nothing follows, once everything is sent."""
        self._phase = _SHUT
        self.deadline_moved = True
        self._sender.close_notify()
        if not self._sender.pending:
            self._sender.shut_down()

    def _close(self, *, reset: bool) -> None:
        self._phase = _CLOSED
        self._connection.close()
        self._engine.forget(self._fd, self)
        self._sender.close(reset=reset)
