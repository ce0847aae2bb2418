# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent and a worker say to each other: one byte a message."""

import socket
from types import ModuleType

__all__ = ("READY", "STOPPED", "Channel")

#: A worker says: every start() has returned.
READY = b"r"
#: A worker says: every stop() has returned.
STOPPED = b"s"


class Channel:
    """One end of the line between a parent and a worker.

    Its end of file says little: children of a worker inherit its end.

    :param sock: a connected stream socket, unpatched.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock

    @classmethod
    def pair(cls, sockets: ModuleType) -> "tuple[Channel, Channel]":
        """Make the two ends of a line, with an unpatched socket module."""
        left, right = sockets.socketpair()
        return cls(left), cls(right)

    def fileno(self) -> int:
        """Give the descriptor to wait for until it can be read."""
        return self._socket.fileno()

    def send(self, message: bytes) -> None:
        """Say something; never blocks.

        Nothing is lost that anybody could still read: a full line means that
        the other side has not listened for a long time, a broken one that it
        is gone.
        """
        try:
            self._socket.send(message)
        except OSError:
            pass

    def receive(self) -> list[bytes] | None:
        """Give the messages that have come; None at the end of the line."""
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return [bytes((byte,)) for byte in data] or None

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
