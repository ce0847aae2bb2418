# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A client of the back door, as lines to read and a stream to write to."""

import collections
from typing import Any

from oslo_service.backend.base import Driver

__all__ = ("ClientStream",)

_CHUNK = 65536
_MAX_LINE = 1 << 20
# How much is kept until the end of a line: in characters, or in pieces.
_FLUSH_ABOVE = 8192
# How many pieces that other tasks have written are kept.
_MAX_PIECES = 1 << 16
# How long a client may read nothing of what it is sent, in seconds.
_WRITE_TIMEOUT = 60.0
# What Ctrl-D sends where the terminal does not turn it into an end of the input.
_END_OF_TRANSMISSION = b"\x04"
# How the first line of a browser ends: any web page can make it send what it likes.
_HTTP = (b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0")


class ClientStream:
    """A client, which belongs to the task that makes this.

    Any task may write; what other tasks have written is sent with what that one
    writes, since only one task at a time may wait for a descriptor.

    :param driver: the driver that the task runs on.
    :param socket: the socket, connected and non-blocking.
    :ivar disconnected: whether the client has gone.
    """

    def __init__(self, driver: Driver, socket: Any) -> None:
        self._driver = driver
        self._socket = socket
        self._task = driver.current_ident()
        self._flags = getattr(driver.original("socket"), "MSG_NOSIGNAL", 0)
        self._received = bytearray()
        self._written: collections.deque[str] = collections.deque(maxlen=_MAX_PIECES)
        self.disconnected = False

    # A text stream, as print() takes it

    def write(self, text: str) -> int:
        """Write; a line is sent when it is complete."""
        self._written.append(text)
        if (
            "\n" in text
            or len(self._written) > _FLUSH_ABOVE
            or len(text) > _FLUSH_ABOVE
        ):
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what has been written.

        :raises ConnectionError: the client has gone, or does not read.
        """
        if self._driver.current_ident() != self._task:
            return
        while self._written:
            text = "".join(self._pop_written())
            self._send(text.encode("utf-8", "backslashreplace"))

    def _pop_written(self) -> list[str]:
        return [self._written.popleft() for _ in range(len(self._written))]

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest, self._flags) :]
            except BlockingIOError:
                self._wait_writable()
            except OSError as exc:
                self.disconnected = True
                raise ConnectionError("the client has gone") from exc

    def _wait_writable(self) -> None:
        ready = self._driver.wait_ready((), [self._socket.fileno()], _WRITE_TIMEOUT)
        if not ready[1]:
            self.disconnected = True
            raise ConnectionError(
                f"the client has read nothing for {_WRITE_TIMEOUT:g} s"
            )

    # Lines

    def read_line(self, prompt: str = "") -> str:
        """Return the next line, without its end.

        :raises EOFError: there is no further one.
        """
        self.write(prompt)
        self.flush()
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > _MAX_LINE:
                self.write(f"A line has {_MAX_LINE} bytes at most.\n")
                raise EOFError
            self._receive()
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        line = line.rstrip(b"\r")
        if line.startswith(_END_OF_TRANSMISSION) or line.endswith(_HTTP):
            raise EOFError
        return line.decode("utf-8", "replace")

    def _receive(self) -> None:
        if self._received.startswith(_END_OF_TRANSMISSION):
            raise EOFError
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            self._driver.wait_ready([self._socket.fileno()])
            return
        except OSError as exc:
            self.disconnected = True
            raise EOFError from exc
        if not data:
            raise EOFError
        self._received += data
