# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Messages in a stream of bytes, each after its length."""

import struct
from collections.abc import Callable

__all__ = ("pack", "read")

_LENGTH = struct.Struct("!Q")
_MOST = 1 << 20


def pack(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return _LENGTH.pack(len(message)) + message


def read(receive: Callable[[int], bytes]) -> bytes:
    """Return the next message.

    :param receive: returns so many bytes at most; none at the end.
    :raises ConnectionError: the stream has ended.
    """
    (length,) = _LENGTH.unpack(_read_exactly(receive, _LENGTH.size))
    return _read_exactly(receive, length)


def _read_exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    parts = []
    while size:
        part = receive(min(size, _MOST))
        if not part:
            raise ConnectionError("the stream has ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
