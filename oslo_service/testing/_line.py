# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What connects a process that a driver has prepared to the one that started it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

__all__ = ("Line",)


class Line:
    """What connects it to the process that started it."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._stream = self._socket.makefile("rw", encoding="utf-8")

    def orders(self) -> Iterator[Any]:
        """Give what it is told to do, until there is nothing more."""
        for line in self._stream:
            yield json.loads(line)

    def answer(self, what: Any) -> None:
        """Say something."""
        self._stream.write(json.dumps(what, default=str) + "\n")
        self._stream.flush()
