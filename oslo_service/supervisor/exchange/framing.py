# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Messages on the pipes between a parent and its workers, as bytes.

A message is a line of JSON, which says what it is, and what it brings: JSON, or
bytes. On a pipe that several write to, it goes in chunks: pipe(7) keeps in one
piece what is no longer than PIPE_BUF.
"""

import select
import struct
from collections.abc import Iterator
from typing import Any

__all__ = ("FRAME", "Assembler", "chunks", "frame", "pack", "unpack")

#: Begins a message among orders, which are a byte each.
FRAME = b"F"

_LENGTH = struct.Struct("=H")

# The worker's number, the message's, whether this is the last of its chunks, and
# how many bytes follow.
_CHUNK = struct.Struct("=II?H")
_ROOM = select.PIPE_BUF - _CHUNK.size


def pack(head: dict[str, Any], value: Any) -> bytes:
    """Return a message.

    :param head: what it is: of strings, numbers and truth values.
    :param value: what it brings: bytes, or what can be JSON.
    :raises TypeError: it cannot; or :exc:`ValueError`.
    """
    if isinstance(value, bytes):
        head = {**head, "bytes": True}
        body = value
    else:
        body = _json(value)
    return _json(head) + b"\n" + body


def _json(value: Any) -> bytes:
    # Not earlier: most processes neither ask nor answer.
    import json

    return json.dumps(value, separators=(",", ":")).encode()


def unpack(message: bytes) -> tuple[dict[str, Any], Any]:
    """Return what a message is, and what it brings."""
    import json

    line, _, body = message.partition(b"\n")
    head = json.loads(line)
    return head, body if head.pop("bytes", False) else json.loads(body)


def frame(message: bytes) -> bytes:
    """Return a message as it stands among orders, to be written in one piece.

    :raises ValueError: it is too long for that.
    """
    room = select.PIPE_BUF - len(FRAME) - _LENGTH.size
    if len(message) > room:
        raise ValueError(
            f"a message to a worker has room for {room} bytes, not for {len(message)}"
        )
    return FRAME + _LENGTH.pack(len(message)) + message


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Return what has come of orders and messages, and the rest, which is cut off.

    :returns: orders, a byte each, and messages with the byte that begins them.
    """
    found, at = [], 0
    while at < len(data):
        begin = at + 1
        if data[at:begin] != FRAME:
            found.append(data[at:begin])
            at = begin
            continue
        begin += _LENGTH.size
        if begin > len(data):
            break
        (length,) = _LENGTH.unpack_from(data, at + 1)
        if begin + length > len(data):
            break
        found.append(FRAME + data[begin : begin + length])
        at = begin + length
    return found, data[at:]


def chunks(worker: int, number: int, message: bytes) -> Iterator[bytes]:
    """Return a message in the pieces in which it is written.

    :param worker: the number of the worker that writes it.
    :param number: another one for each of its messages, below 2**32.
    """
    for begin in range(0, max(len(message), 1), _ROOM):
        part = message[begin : begin + _ROOM]
        last = begin + _ROOM >= len(message)
        yield _CHUNK.pack(worker, number, last, len(part)) + part


class Assembler:
    """Puts messages of several writers together, of which each writes one at a time."""

    def __init__(self) -> None:
        self._rest = b""
        # What has come of the latest message of each writer, and its number.
        self._parts: dict[int, tuple[int, list[bytes]]] = {}

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages that are complete, each with the number of its writer."""
        data = self._rest + data
        found, at = [], 0
        while at + _CHUNK.size <= len(data):
            worker, number, last, length = _CHUNK.unpack_from(data, at)
            begin = at + _CHUNK.size
            if begin + length > len(data):
                break
            at = begin + length
            parts = self._of(worker, number)
            parts.append(data[begin:at])
            if last:
                del self._parts[worker]
                found.append((worker, b"".join(parts)))
        self._rest = data[at:]
        return found

    def _of(self, worker: int, number: int) -> list[bytes]:
        """Return what there is of a message; what another one lacks never comes."""
        known = self._parts.get(worker)
        if known is None or known[0] != number:
            known = self._parts[worker] = number, []
        return known[1]

    def forget(self, worker: int) -> None:
        """Forget what a writer has not finished: it has ended."""
        self._parts.pop(worker, None)
