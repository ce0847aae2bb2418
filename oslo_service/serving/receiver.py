# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Receiving from one client."""

from typing import Any

from oslo_service.http.connection import Connection, Phase
from oslo_service.http.tls import TLS
from oslo_service.serving.poller import Poller
from oslo_service.serving.sender import Sender

__all__ = ("Receiver",)

# Looking a member up in its class is slow in Python 3.11.
_LINGERING = Phase.LINGERING
# How much is read at a time.
_CHUNK = 65536


class Receiver:
    """Reads what is there, as the edges that a poller reports demand.

    Only the task that serves the session reads; any may set the flags.

    :param socket: the client's, non-blocking.
    :param fd: its descriptor.
    :param poller: reports edges.
    :param tls: what arrives goes through it, where there is one.
    :param sender: gets what is to be sent at once.
    :param connection: gets what arrives.
    :ivar ready: there may be something to read.
    :ivar hung_up: the end of the stream may be among it.
    """

    __slots__ = (
        "_connection",
        "_fd",
        "_poller",
        "_rearms",
        "_sender",
        "_socket",
        "_tls",
        "hung_up",
        "ready",
    )

    def __init__(
        self,
        socket: Any,
        fd: int,
        poller: Poller,
        tls: TLS | None,
        sender: Sender,
        connection: Connection,
    ) -> None:
        self._socket = socket
        self._fd = fd
        self._poller = poller
        self._rearms = poller.rearms
        self._tls = tls
        self._sender = sender
        self._connection = connection
        # Two flags, set by whoever polls while another task reads.
        self.ready = self.hung_up = False

    def receive(self, now: float) -> bool:
        """Read once. Non-blocking.

        :param now: the time, as :data:`~oslo_service._common.clock.now` gives it.
        :returns: whether there was something, or the end.
        :raises OSError: there is nobody to read from.
        """
        # Before it is read: an edge of what comes meanwhile is not to be lost.
        self.ready = False
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            self._poller.drained(self._fd)
            return False
        ended = not data
        if self.hung_up or len(data) == _CHUNK:
            self.ready = True
        elif self._rearms and not ended:
            # All that was there: what comes now is an edge. It may have been
            # the end, where one was reported.
            self._poller.drained(self._fd)
        # What is thrown away need not be read; after close_notify it cannot be.
        if self._tls is not None and self._connection.phase is not _LINGERING:
            data, ended = self._decrypt(self._tls, data)
        if data:
            interim = self._connection.receive(data, now)
            if interim:
                self._sender.send(interim)
        if ended:
            self.ready = False
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
