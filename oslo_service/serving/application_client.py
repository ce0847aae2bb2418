# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client, as an application sees it: what blocks, and for how long."""

from typing import Any

from oslo_service._common import clock
from oslo_service.http import environ
from oslo_service.http.body_policy import continue_response
from oslo_service.http.connection import Connection
from oslo_service.http.gateway import ClientGone
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Body, Request
from oslo_service.serving.engine import Engine
from oslo_service.serving.receiver import Receiver
from oslo_service.serving.sender import Sender
from oslo_service.serving.server_config import ServerConfig

__all__ = ("ApplicationClient",)


class ApplicationClient:
    """The client to whom an application answers (:class:`.gateway.Client`).

    It is used by the task that runs the application, and blocks no other.

    :ivar address: as accept() gives it.
    :ivar remote: what it is called in the environment.
    :ivar send: sends, or keeps, some of a response.
    :ivar send_parts: likewise, of several parts.
    """

    __slots__ = (
        "_connection",
        "_engine",
        "_fd",
        "_limits",
        "_receiver",
        "_sender",
        "_unspecific",
        "address",
        "remote",
        "send",
        "send_parts",
        "server_environ",
    )

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        receiver: Receiver,
        sender: Sender,
        *,
        fd: int,
        address: Any,
        config: ServerConfig,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._receiver = receiver
        self._sender = sender
        self._fd = fd
        self._limits = config.limits
        self._unspecific = config.unspecific
        self.address = address
        self.remote = environ.remote(address)
        self.server_environ = config.environ
        self.send = sender.send
        self.send_parts = sender.send_parts

    def will_close(self) -> bool:
        """Whether the client can be told now that the connection ends."""
        return self._engine.stopping or self._connection.will_close()

    def own_host(self) -> str | None:
        """Return the address at which the client has reached the server."""
        return self._sender.own_host() if self._unspecific else None

    def await_body(self, request: Request, body: Body) -> None:
        """Block until there is more of the body, or its end."""
        connection = self._connection
        if interim := continue_response(request):
            self.send(interim)
        while not (body.buffered or body.complete):
            self._sender.check()
            if connection.error is not None:
                raise ClientGone(str(connection.error), connection.error)
            if not connection.input_open:
                raise self._sender.mark_gone(
                    "the client left in the middle of the body"
                )
            try:
                received = self._receiver.receive(clock.now())
            except OSError as exc:
                raise self._sender.mark_gone(f"the client is gone: {exc}") from None
            if not received and not self._wait(write=False):
                late = ProtocolError(408, "the body did not arrive in time")
                raise ClientGone(str(late), late)

    def throttle(self) -> None:
        """Block while too much waits to be sent."""
        limit = self._limits.buffered_response
        if self._sender.pending > limit:
            self._await_sent(limit // 2)

    def _await_sent(self, rest: int) -> None:
        """Block until no more than that waits to be sent."""
        while not self._sender.flush() and self._sender.pending > rest:
            self._await_writable()

    def _await_writable(self) -> None:
        if not self._wait(write=True):
            raise self._sender.mark_gone("the client does not read")

    def _wait(self, *, write: bool) -> bool:
        return self._engine.poller.wait_for(
            self._fd, write=write, timeout=self._limits.timeout
        )

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Have the system send a part of a file; not where it is encrypted."""
        if self._sender.encrypted:
            return 0
        self._await_sent(0)
        sent = 0
        while sent < count:
            try:
                now = self._sender.send_file(fd, offset + sent, count - sent)
            except OSError:
                break
            if not now:
                self._await_writable()
            sent += now
        return sent

    def abort(self) -> None:
        """End the connection so that the client knows: something is missing."""
        self._sender.mark_gone("the response was aborted")
