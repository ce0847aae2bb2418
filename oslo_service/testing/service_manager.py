# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""In the place of systemd: receives what a service says by sd_notify(3)."""

import os
import socket
import time
from types import TracebackType
from typing import Self

__all__ = ("ServiceManager",)

# The most seconds to wait for a message.
_LIMIT = 30.0


class ServiceManager:
    """Listens on a socket to which a service sends its messages.

    :param address: the address, with ``@`` for an abstract one; None: one of its own.
    :ivar environment: the variables that make the service send them.
    """

    def __init__(self, address: str | None = None) -> None:
        address = address or f"@oslo-service-{os.getpid()}-{id(self)}"
        self.environment = {"NOTIFY_SOCKET": address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        #: Everything that was received, in order: the time, and the lines.
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
        """Stop listening."""
        self._socket.close()

    def watch(self, seconds: float) -> None:
        """Make the service believe that it has a watchdog: see sd_watchdog_enabled(3).

        :param seconds: the time-out of the watchdog.
        """
        self.environment["WATCHDOG_USEC"] = str(int(seconds * 1e6))

    def next(self, timeout: float = _LIMIT) -> list[str]:
        """Return the lines of the next message; none: it did not come in time."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            lines = self._socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return []
        self.log.append((time.monotonic(), lines))
        return lines

    def until(self, line: str) -> list[str]:
        """Return the next message with a line that begins with ``line``.

        :raises AssertionError: it did not come in time.
        """
        end = time.monotonic() + _LIMIT
        while (left := end - time.monotonic()) > 0:
            message = self.next(left)
            if any(one.startswith(line) for one in message):
                return message
        raise AssertionError(f"not within {_LIMIT} s: {line!r}, but {self.log}")

    def rest(self) -> list[list[str]]:
        """Return the messages that have come already."""
        return list(iter(lambda: self.next(0.0), []))
