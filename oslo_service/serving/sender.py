# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Sending to one client."""

import collections
import os
import socket as sockets
import struct
from collections.abc import Callable
from typing import Any

from oslo_service.http.gateway import ClientGone
from oslo_service.http.tls import TLS
from oslo_service.serving.poller import Poller

__all__ = ("Sender",)

# How much of a file is sent at a time.
_FILE = 1 << 20
# Abort the connection: socket(7), SO_LINGER.
_RESET = struct.pack("ii", 1, 0)


class Sender:
    """Sends at once what the socket takes, and keeps the rest in order.

    It is non-blocking, and thread-safe: what waits goes on while an application
    is at work.

    :param socket: the client's, non-blocking.
    :param tls: what is sent goes through it, where there is one.
    :param lock: of native threads.
    :ivar pending: how many bytes wait to be sent.
    :ivar gone: why there is nobody to send to; None: there is.
    """

    __slots__ = (
        "_lock",
        "_poller",
        "_socket",
        "_tls",
        "_unsent",
        "_wants_write",
        "gone",
        "pending",
    )

    def __init__(self, socket: Any, poller: Poller, tls: TLS | None, lock: Any) -> None:
        self._socket = socket
        self._poller = poller
        self._tls = tls
        self._lock = lock
        # Made when something waits: hardly ever.
        self._unsent: collections.deque[memoryview] | None = None
        self._wants_write = False
        self.pending = 0
        self.gone: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether what is sent goes through TLS."""
        return self._tls is not None

    def mark_gone(self, reason: str) -> ClientGone:
        """Record that the client cannot be reached any more; return what to raise."""
        self.gone = self.gone or reason
        return ClientGone(self.gone)

    def check(self) -> None:
        """Check that there may be somebody to send to.

        :raises ClientGone: there is not.
        """
        if self.gone is not None:
            raise ClientGone(self.gone)

    def send(self, data: bytes) -> None:
        """Send, or keep what the client is not ready for.

        :raises ClientGone: there is nobody to send to.
        """
        lock = self._lock
        lock.acquire()  # which takes half the time of "with"
        try:
            if self.gone is not None:
                raise ClientGone(self.gone)
            if self._tls is not None:
                data = self._tls.send(data)
            try:
                sent = 0 if self._unsent else self._socket.send(data)
            except OSError as exc:
                sent = self._nothing_sent(exc)
            if sent != len(data):
                self._keep((data,), sent)
        finally:
            lock.release()

    def send_parts(self, *parts: bytes) -> None:
        """Send, or keep, several parts, which are not put together.

        :raises ClientGone: there is nobody to send to.
        """
        if self._tls is not None:
            self.send(b"".join(parts))
            return
        lock = self._lock
        lock.acquire()
        try:
            if self.gone is not None:
                raise ClientGone(self.gone)
            try:
                sent = 0 if self._unsent else self._socket.sendmsg(parts)
            except OSError as exc:
                sent = self._nothing_sent(exc)
            self._keep(parts, sent)
        finally:
            lock.release()

    def send_last(self, data: bytes, reason: str, claim: Callable[[], bool]) -> bool:
        """Send what nobody else can add to.

        :param reason: why others cannot.
        :param claim: returns whether it may be sent; called while nobody else sends.
        :returns: whether it is sent, or kept.
        """
        with self._lock:
            if self.gone is not None or not claim():
                return False
            self.gone = reason
            self._enqueue(data if self._tls is None else self._tls.send(data))
        return True

    def own_host(self) -> str | None:
        """Return the address at which the client has reached the server, or None."""
        try:
            return str(self._socket.getsockname()[0]).removeprefix("::ffff:")
        except OSError:
            return None

    def send_raw(self, data: bytes) -> None:
        """Send what is encrypted already, or belongs to TLS itself."""
        with self._lock:
            self._enqueue(data)

    def _enqueue(self, data: bytes) -> None:
        sent = 0 if self._unsent else self._send_now(data)
        if sent < len(data):
            self._keep((data,), sent)

    def _keep(self, parts: tuple[bytes, ...], sent: int) -> None:
        """Keep of the parts what has not been sent."""
        for part in parts:
            if sent >= len(part):
                sent -= len(part)
                continue
            if self._unsent is None:
                self._unsent = collections.deque()
            self._unsent.append(memoryview(part)[sent:])
            self.pending += len(part) - sent
            sent = 0
        if self._unsent and not self._wants_write:
            self._wants_write = True
            self._poller.want_write(self._socket.fileno(), True)

    def _send_now(self, data: bytes | memoryview) -> int:
        try:
            sent: int = self._socket.send(data)
        except OSError as exc:
            return self._nothing_sent(exc)
        return sent

    def _nothing_sent(self, error: OSError) -> int:
        """Return how much has been sent where that has failed: nothing yet.

        :raises ClientGone: nothing more will be.
        """
        if isinstance(error, BlockingIOError):
            return 0
        raise self.mark_gone(f"the client is gone: {error}") from None

    def flush(self) -> bool:
        """Send what waits; return whether nothing does any more.

        :raises ClientGone: there is nobody to send to.
        """
        with self._lock:
            unsent = self._unsent
            while unsent:
                sent = self._send_now(unsent[0])
                if not sent:
                    self._poller.want_write(self._socket.fileno(), True)
                    return False
                self.pending -= sent
                if sent == len(unsent[0]):
                    unsent.popleft()
                else:
                    unsent[0] = unsent[0][sent:]
            self._unsent = None
            if self._wants_write:
                self._wants_write = False
                self._poller.want_write(self._socket.fileno(), False)
        return True

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Have the system send a part of a file, when nothing waits.

        :returns: how many bytes it has sent; 0: the client is not ready.
        :raises EOFError: there is no such part.
        :raises OSError: it cannot; of the file or of the client, that is not said.
        """
        try:
            sent = os.sendfile(self._socket.fileno(), fd, offset, min(count, _FILE))
        except BlockingIOError:
            return 0
        if not sent:
            raise EOFError("the file became shorter while it was sent")
        return sent

    def shut_down(self) -> None:
        """Tell the client that nothing follows. All that was to be sent is gone.

        :raises OSError: there is nobody to tell.
        """
        self._socket.shutdown(sockets.SHUT_WR)

    def close_notify(self) -> None:
        """Have TLS tell the client that nothing follows; it may have to wait."""
        if self._tls is not None and (alert := self._tls.close_notify()):
            self.send_raw(alert)

    def close(self, *, reset: bool) -> None:
        """Close the socket.

        :param reset: the client is to learn that something is missing; else what
            was sent arrives.
        """
        lock = self._lock
        lock.acquire()  # another task may be sending what waits
        try:
            self._unsent = None
            self._wants_write = False
            self.pending = 0
            self.gone = self.gone or "the connection is closed"
            if reset:
                self._have_reset()
            self._socket.close()
        finally:
            lock.release()

    def _have_reset(self) -> None:
        try:
            self._socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _RESET)
        except OSError:
            pass  # nobody is there to be told
