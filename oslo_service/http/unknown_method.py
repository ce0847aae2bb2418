# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Requests whose method the parser does not know, and what is no request at all."""

import bisect
import re
from typing import NoReturn

import httptools

from oslo_service.http.protocol_error import ProtocolError

__all__ = ("Parts", "UnknownMethod", "add_part", "last_request")

# The first one is None where it cannot be told where a request began, within chunks.
Parts = list[bytes | None]

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_BEGIN = re.compile(_TOKEN + rb"(?: [!-~]*(?: [!-~]*)?)?\r?")
_LINE = re.compile(_TOKEN + rb" [!-~]+ HTTP/[0-9]\.[0-9]")


class UnknownMethod:
    """Takes the place of a parser: waits for the rest of the request line.

    :param limit: the longest line to wait for.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = b""

    def feed_data(self, data: bytes | memoryview) -> None:
        """Record some of the line.

        :raises ProtocolError: it is clear what it is: a request with a method that
            is not known here (RFC 9110, 9.1), or none.
        """
        self._line += data
        line, ended, _ = self._line.partition(b"\r\n")
        if len(line) > self._limit:
            self._refuse(400)
        if ended:
            self._refuse(501 if _LINE.fullmatch(line) else 400)
        if not _BEGIN.fullmatch(line):
            self._refuse(400)

    def _refuse(self, status: int) -> NoReturn:
        begin = self._line[:40].decode("latin-1")
        raise ProtocolError(status, f"no method that is known: {begin!r}")


class _Counter:
    """Counts the requests that begin."""

    begun = 0

    def on_message_begin(self) -> None:
        """Count one more."""
        self.begun += 1


def _count(data: bytes) -> int:
    counter = _Counter()
    try:
        httptools.HttpRequestParser(counter).feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        pass
    return counter.begun


def add_part(
    parts: Parts | None, data: bytes | memoryview, end: int | None, ended: bool
) -> Parts:
    """Return what has come of a head that has begun, with what may stand before it.

    :param parts: what had come when ``data`` came; None: there was no head.
    :param end: where in the data the body ends that had begun; None: that is not
        known.
    :param ended: that head has ended since, and another begun.
    """
    if parts is None:
        return [None if end is None else bytes(data[end:])]
    parts.append(bytes(data))
    return [last_request(parts)] if ended and parts[0] is not None else parts


def last_request(parts: Parts) -> bytes:
    """Return what is there of the last request that begins.

    The parser does not say where that is. It is asked again and again, for a client
    that is going to be refused, or one that is seldom: it sends half heads.
    """
    data = b"".join(part for part in parts if part is not None)
    lengths = range(len(data) + 1)
    end = bisect.bisect_left(lengths, _count(data), key=lambda end: _count(data[:end]))
    return data[end - 1 :]
