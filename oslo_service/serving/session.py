# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client: bytes between its socket and the state of its connection."""

import collections
import dataclasses
import logging
import os
import socket as sockets
import ssl
import struct
from collections.abc import Callable
from typing import Any

from oslo_service import _clock
from oslo_service.backend.base import Driver
from oslo_service.http import environ, response
from oslo_service.http.connection import Connection
from oslo_service.http.gateway import ClientGone, Gateway
from oslo_service.http.limits import Limits
from oslo_service.http.refusal import Refusal
from oslo_service.http.request import Body, Request
from oslo_service.http.tls import TLS
from oslo_service.serving.engine import Engine
from oslo_service.serving.lead import Member

__all__ = ("Server", "Session")

LOG = logging.getLogger(__name__)

# How much is read, and how much of a file is sent, at a time.
_READ, _FILE = 65536, 1 << 20
_RESET = struct.pack("ii", 1, 0)


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

    Whoever has ``gate`` reads, and runs the application; sending is guarded
    by a lock of its own, so that what waits to be sent goes on while the
    application is at work.
    """

    __slots__ = (
        "_connection",
        "_engine",
        "_expired",
        "_fd",
        "_gone",
        "_member",
        "_queued",
        "_sending",
        "_server",
        "_shut",
        "_socket",
        "_tls",
        "_unsent",
        "_waits_to_write",
        "address",
        "again",
        "gate",
        "hung_up",
        "hurried",
        "looked_at",
        "readable",
        "unsent_size",
    )

    def __init__(
        self, server: Server, engine: Engine, socket: Any, address: Any
    ) -> None:
        self._server = server
        self._engine = engine
        self._socket = socket
        self._fd = socket.fileno()
        self.address = address
        lock = engine.new_lock
        self.gate, self._sending = lock(), lock()
        self._connection = Connection(server.limits, _clock.now())
        self._tls = None if server.context is None else TLS(server.context())
        # Allocated when something waits: hardly ever.
        self._unsent: collections.deque[memoryview] | None = None
        self.unsent_size = 0
        self._waits_to_write = False
        self.again = self.readable = self.hung_up = self.hurried = False
        self._expired = self._queued = self._shut = False
        self._gone: str | None = None
        self.looked_at: int | None = None

    @property
    def deadline(self) -> float | None:
        """When the client will have been silent for too long."""
        return None if self._fd < 0 else self._connection.deadline

    @property
    def server_environ(self) -> environ.Environ:
        """What is the same for every request to the server."""
        return self._server.environ

    # For the engine

    def expire(self) -> None:
        """Take in that the deadline may have passed."""
        self._expired = True

    def serve(self, member: Member) -> None:
        """Go on until there is nothing to do."""
        if self._fd < 0:
            return
        try:
            self._go_on(member)
        except (OSError, ssl.SSLError) as exc:
            LOG.debug("%s: %s", self.address, exc)
            self._close(reset=True)

    def _go_on(self, member: Member) -> None:
        connection = self._connection
        if self._expired:
            self._look_at_clock()
        while self._unsent is None or self._flush():
            if self._queued:
                request = connection.current
            else:
                request = connection.next_request() if connection.requests else None
            if request is not None:
                if not self._answer(request, member):
                    return
            elif connection.closing:
                if not self._end():
                    return
            elif not (self.readable and connection.wants_data and self._receive()):
                if self._engine.stopping:
                    connection.drain(_clock.now())
                    self.hurried = True
                return

    def _end(self) -> bool:
        """Take a step towards the end; tell whether there may be another."""
        connection = self._connection
        if connection.over:
            self._close(reset=self._gone is not None)
            return False
        if connection.refusal is not None and not self._shut:
            self._refuse(connection.refusal)
            return True
        return self.readable and self._receive()

    def _look_at_clock(self) -> None:
        self._expired = False
        connection, now = self._connection, _clock.now()
        if connection.deadline is None or now < connection.deadline:
            return
        if self._unsent and connection.current is None:
            raise self._lose("the client does not read")
        connection.expire(now)

    # In

    def _receive(self) -> bool:
        """Read what is there; tell whether there was something, or the end."""
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            self.readable = False
            self._engine.poller.drained(self._fd)
            return False
        ended = not data
        if len(data) < _READ and not ended and not self.hung_up:
            # All that was there: what comes now is an edge. It may have been
            # the end, where one was reported.
            self.readable = False
            self._engine.poller.drained(self._fd)
        if self._tls is not None:
            data, ended = self._decrypt(self._tls, data)
        if data:
            interim = self._connection.receive(data, _clock.now())
            if interim:
                self.send(interim)
        if ended:
            self.readable = False
            self._connection.receive_end()
        return True

    def _decrypt(self, tls: TLS, data: bytes) -> tuple[bytes, bool]:
        try:
            plain = tls.receive(data)
        except ssl.SSLError:
            if alert := tls.to_send():
                self._socket.send(alert)
            raise
        with self._sending:
            self._put((tls.to_send(),))
        return plain, tls.ended or not data

    def await_body(self, request: Request, body: Body) -> None:
        """Block the application until there is more of the body."""
        connection = self._connection
        if go_ahead := connection.go_ahead(request):
            self.send(go_ahead)
        timeout = self._server.limits.timeout
        while not (body.size or body.complete):
            if connection.refusal is not None:
                raise ClientGone(f"the body is malformed: {connection.refusal}")
            if not connection.hears:
                raise ClientGone("the client left before the end of the body")
            try:
                received = self._receive()
            except OSError as exc:
                raise self._lose(f"the client is gone: {exc}") from None
            if not received and not self._wait((self._fd,), (), timeout):
                raise ClientGone("the body did not arrive in time")

    def _wait(self, read: Any, write: Any, timeout: float | None) -> bool:
        ready = self._server.driver.wait_ready(read, write, timeout)
        return bool(ready[0] or ready[1])

    # The application

    def _answer(self, request: Request, member: Member) -> bool:
        """Have a request answered; tell whether there was a place."""
        connection, engine = self._connection, self._engine
        self._queued = not engine.enter(self, member)
        if self._queued:
            return False
        began = _clock.now()
        close = True
        try:
            close = self._server.gateway.answer(request, self)
        finally:
            now = _clock.now()
            engine.leave(now - began)
        connection.answered(now, last=close, unread=self.readable)
        if connection.lingers:
            self._shut_down()
        return True

    def _refuse(self, refusal: Refusal) -> None:
        LOG.info("%s: refused, %s", self.address, refusal)
        self.send(response.error(refusal.status, refusal.phrase))
        self._connection.refused(_clock.now())
        self._shut_down()

    # Out

    @property
    def will_close(self) -> bool:
        """Whether the client can be told now that the connection ends."""
        return self._engine.stopping or self._connection.will_close

    def send(self, *parts: bytes) -> None:
        """Send, or keep what the client is not ready for.

        :raises ClientGone: there is nobody to send to.
        """
        if self._gone is not None:
            raise ClientGone(self._gone)
        with self._sending:
            if self._tls is not None:
                parts = (self._tls.send(b"".join(parts)),)
            self._put(parts)

    def _put(self, parts: tuple[bytes, ...]) -> None:
        """Send, or keep, what is ready to be sent; the caller has the lock."""
        if not self._unsent:
            try:
                if len(parts) == 1:
                    sent = self._socket.send(parts[0]) if parts[0] else 0
                else:
                    sent = self._socket.sendmsg(parts)
            except BlockingIOError:
                sent = 0
            except OSError as exc:
                raise self._lose(f"the client is gone: {exc}") from None
        else:
            sent = 0
        for part in parts:
            if sent >= len(part):
                sent -= len(part)
                continue
            if self._unsent is None:
                self._unsent = collections.deque()
            self._unsent.append(memoryview(part)[sent:])
            self.unsent_size += len(part) - sent
            sent = 0
        if self._unsent and not self._waits_to_write:
            self._waits_to_write = True
            self._engine.poller.want_write(self._fd, True)

    def _flush(self) -> bool:
        """Send what waits; tell whether all of it is gone."""
        with self._sending:
            unsent = self._unsent
            while unsent:
                try:
                    sent = self._socket.send(unsent[0])
                except BlockingIOError:
                    self._engine.poller.want_write(self._fd, True)
                    return False
                except OSError as exc:
                    raise self._lose(f"the client is gone: {exc}") from None
                self.unsent_size -= sent
                self._connection.extend(_clock.now())
                if sent == len(unsent[0]):
                    unsent.popleft()
                else:
                    unsent[0] = unsent[0][sent:]
            self._unsent = None
            if self._waits_to_write:
                self._waits_to_write = False
                self._engine.poller.want_write(self._fd, False)
        if self._shut:
            self._shut_down()
        return True

    def pump(self) -> None:
        """Send what waits while the application is at work."""
        if self._unsent and self._fd >= 0:
            try:
                self._flush()
            except OSError:
                pass  # the application is told when it sends

    def throttle(self) -> None:
        """Block the application while too much waits to be sent."""
        if self.unsent_size > self._server.limits.buffered_response:
            self._await_sent(self._server.limits.buffered_response // 2)

    def _await_sent(self, size: int) -> None:
        """Block the application until no more than that waits to be sent."""
        timeout = self._server.limits.timeout
        while not self._flush() and self.unsent_size > size:
            if not self._wait((), (self._fd,), timeout):
                raise self._lose("the client does not read")

    def send_file(self, fd: int, offset: int, count: int) -> bool:
        """Have the system send a part of a file; not where it is encrypted."""
        if self._tls is not None:
            return False
        self._await_sent(0)
        while count:
            try:
                sent = os.sendfile(self._fd, fd, offset, min(count, _FILE))
            except BlockingIOError:
                if not self._wait((), (self._fd,), self._server.limits.timeout):
                    raise self._lose("the client does not read") from None
                continue
            except OSError as exc:
                raise self._lose(f"the client is gone: {exc}") from None
            if not sent:
                raise EOFError("the file became shorter while it was sent")
            offset += sent
            count -= sent
        return True

    def _lose(self, reason: str) -> ClientGone:
        """Take in that the client cannot be reached any more."""
        self._gone = reason
        self._connection.lose()
        return ClientGone(reason)

    # The end

    def abort(self) -> None:
        """End the connection so that the client knows: something is missing."""
        self._lose("the response was aborted")

    def _shut_down(self) -> None:
        """Tell the client that nothing follows, once everything is sent."""
        self._shut = self.hurried = True
        if self._unsent:
            return
        if self._tls is not None and (farewell := self._tls.end()):
            self._socket.send(farewell)
        self._socket.shutdown(sockets.SHUT_WR)

    def _close(self, *, reset: bool = False) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._unsent = None
        self.unsent_size = 0
        self._connection.close()
        self._engine.forget(fd, self)
        try:
            if reset:
                self._socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _RESET)
            elif self._tls is not None and not self._shut:
                if farewell := self._tls.end():
                    self._socket.send(farewell)
        except OSError:
            pass  # nobody is there to be told
        self._socket.close()
