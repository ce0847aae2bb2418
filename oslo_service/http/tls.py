# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""TLS between two streams of bytes: the standard library's, without a socket."""

import ssl
from collections.abc import Callable

__all__ = ("TLS", "Encrypt")

#: Makes the server's side of what comes in, and goes out.
Encrypt = Callable[[ssl.MemoryBIO, ssl.MemoryBIO], ssl.SSLObject]

# What a record has at most (RFC 8446, 5.1).
_RECORD = 16384


class TLS:
    """The server's side of one TLS connection.

    :param encrypt: makes it, with certificate, versions and ciphers.
    :ivar handshake_done: the handshake is over.
    :ivar ended: the client will send nothing more.
    """

    __slots__ = ("_incoming", "_outgoing", "_tls", "ended", "handshake_done")

    def __init__(self, encrypt: Encrypt) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = encrypt(self._incoming, self._outgoing)
        self.handshake_done = self.ended = False

    def receive(self, data: bytes) -> bytes:
        """Record what has arrived.

        :param data: nothing: the stream has ended.
        :returns: what it says.
        :raises ssl.SSLError: it is no TLS, or none that is acceptable; there
            may be an alert to send.
        """
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        incoming, plain = self._incoming, b""
        try:
            if not self.handshake_done:
                self._tls.do_handshake()
                self.handshake_done = True
            # To read where nothing is left would raise what is slow to handle.
            while incoming.pending or incoming.eof:
                part = self._tls.read(_RECORD)
                if not part:
                    self.ended = True
                    break
                plain = plain + part if plain else part  # nearly always one
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.ended = True
        return plain

    def send(self, data: bytes) -> bytes:
        """Return what to send so that the client reads ``data``.

        :raises ssl.SSLError: the connection has been closed, or is broken.
        """
        sent = self._tls.write(data)
        while sent < len(data):
            sent += self._tls.write(memoryview(data)[sent:])
        return self._outgoing.read()

    def take_output(self) -> bytes:
        """Return what is to be sent by itself: the handshake's part, alerts."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def close_notify(self) -> bytes:
        """Return what tells the client that nothing more follows."""
        try:
            self._tls.unwrap()
        except (ssl.SSLError, ValueError):  # it has not been answered yet, or never
            pass
        return self.take_output()
