# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What connects a process that a driver has prepared to the one that started it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

__all__ = ("Channel",)


class Channel:
    """What connects it to the process that started it: one JSON value a line."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._stream = self._socket.makefile("rw", encoding="utf-8")

    def requests(self) -> Iterator[Any]:
        """Return what it is told to do, until there is nothing more."""
        for line in self._stream:
            yield json.loads(line)

    def reply(self, what: Any) -> None:
        """Send a value."""
        self._stream.write(json.dumps(what, default=str) + "\n")
        self._stream.flush()
