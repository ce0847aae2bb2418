# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""In the place of systemd: receives what a service says by sd_notify(3)."""

import os
import socket
import time
from types import TracebackType
from typing import Self

__all__ = ("Receiver",)

# The most seconds to wait for a message.
_LIMIT = 30.0


class Receiver:
    """Listens where a service is to send to.

    :ivar environment: what the service needs, so that it does.
    """

    def __init__(self, address: str | None = None) -> None:
        address = address or f"@oslo-service-{os.getpid()}-{id(self)}"
        self.environment = {"NOTIFY_SOCKET": address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        #: Everything that was received, as it came, with the time.
        self.log: list[tuple[float, list[str]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()

    def watch(self, seconds: float) -> None:
        """Have the service think that a watchdog watches it; see sd_notify(3)."""
        self.environment["WATCHDOG_USEC"] = str(int(seconds * 1e6))

    def next(self, timeout: float = _LIMIT) -> list[str]:
        """Return the lines of the next message; none if there is none in time."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            lines = self._socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return []
        self.log.append((time.monotonic(), lines))
        return lines

    def until(self, line: str) -> list[str]:
        """Return the first message with a line that begins so."""
        end = time.monotonic() + _LIMIT
        while (left := end - time.monotonic()) > 0:
            message = self.next(left)
            if any(one.startswith(line) for one in message):
                return message
        raise AssertionError(f"not within {_LIMIT} s: {line!r}, but {self.log}")

    def rest(self) -> list[list[str]]:
        """Return the messages that have come already."""
        return list(iter(lambda: self.next(0.0), []))
