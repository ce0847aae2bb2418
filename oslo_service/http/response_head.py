# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The head of a response: its lines, and what they say about the end of the body."""

import enum
import functools
import re
import time
from collections.abc import Sequence

from oslo_service.http import fields
from oslo_service.http.request import Request

__all__ = ("Framing", "Headers", "StatusLine", "encode", "format_date", "status_line")

Headers = Sequence[tuple[str, str]]
StatusLine = tuple[str, bool]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_STATUS = re.compile(r"[2-5][0-9]{2}(?: .*)?", re.ASCII | re.DOTALL)
_NO_CONTENT = ("204", "304")
_OURS = ("content-length", "connection", "date", "transfer-encoding")
# More digits than a length has.
_DIGITS = 19


class Framing(enum.Enum):
    """How a client finds the end of the body (RFC 9112, 6.3)."""

    #: There is none, whatever the head says.
    NO_BODY = enum.auto()
    #: The head says how long it is.
    LENGTH = enum.auto()
    #: Each part is preceded by its length.
    CHUNKED = enum.auto()
    #: It ends where the connection does.
    CLOSE = enum.auto()


# Looking a member up in its class is slow in Python 3.11.
_NO_BODY, _LENGTH, _CHUNKED, _CLOSE = Framing


@functools.lru_cache(maxsize=1024)
def _field(name: str) -> tuple[str, str]:
    """Check the name of a field.

    :returns: how its line begins, and what the server has to do with it: its
        name in lower case, or nothing.
    :raises ValueError: it is no name.
    """
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header field")
    lowered = name.lower()
    return name + ": ", lowered if lowered in _OURS else ""


@functools.lru_cache(maxsize=256)
def status_line(status: str) -> StatusLine:
    """Check a status.

    :returns: the status line, and whether there is no content with it.
    :raises ValueError: it is none.
    """
    if not _STATUS.fullmatch(status):
        raise ValueError(f"{status!r} is no status, such as '200 OK'")
    # The space is there also where no phrase follows (RFC 9112, 4).
    line = f"HTTP/1.1 {status}" if len(status) > 3 else f"HTTP/1.1 {status} "
    return line, status[:3] in _NO_CONTENT


@functools.lru_cache(maxsize=1024)
def _length(value: str) -> int:
    """Parse a Content-Length.

    :raises ValueError: it is none.
    """
    if not (value.isdecimal() and value.isascii() and len(value) < _DIGITS):
        raise ValueError(f"{value!r} is no Content-Length")
    return int(value)


@functools.lru_cache(maxsize=2)
def format_date(second: int) -> str:
    """Format the Date field (RFC 9110, 6.6.1): always in English."""
    at = time.gmtime(second)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.tm_wday]
    month = (
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
    )[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {time.strftime('%T', at)} GMT"


def encode(
    status: StatusLine,
    headers: Headers,
    request: Request,
    length: int | None,
    close: bool,
) -> tuple[bytes, Framing, int | None, bool]:
    """Return a head, and what it says.

    :param status: as :func:`status_line` returns it.
    :param headers: the application's.
    :param request: what it answers.
    :param length: of the body, where that is known.
    :param close: whether the connection cannot be used any further.
    :returns: the head; the framing of the body; its length, where that is the
        framing; and whether the connection ends with it.
    :raises ValueError: a field is none, or not the application's business.
    """
    lines = [status[0]]
    declared: int | None = None
    date: str | None = None
    for name, value in headers:
        begin, ours = _field(name)
        if not ours:
            lines.append(begin + value)
        elif ours == "content-length":
            before, declared = declared, _length(value)
            if before is not None and before != declared:
                raise ValueError("there are two different Content-Lengths")
        elif ours == "date":
            date = value
        elif ours == "connection":
            close = close or fields.names_close(value)
        else:
            raise ValueError(f"{name} is not the application's business")
    lines.append("Date: " + (date or format_date(int(time.time()))))
    if declared is None or status[1] or request.method == "HEAD":
        framing, declared = _frame(lines, status, request, declared, length)
    else:
        framing = _LENGTH
        lines.append("Content-Length: " + str(declared))
    if close or framing is _CLOSE:
        close = True
        lines.append("Connection: close")
    elif request.version == "1.0":
        lines.append("Connection: keep-alive")
    return _join(lines), framing, declared, close


def _frame(
    lines: list[str],
    status: StatusLine,
    request: Request,
    declared: int | None,
    length: int | None,
) -> tuple[Framing, int | None]:
    """Say in a line how the end of the body is told; return how, and its length."""
    line, no_content = status
    bodiless = no_content or request.method == "HEAD"
    if declared is None and not no_content:
        # An empty answer to HEAD does not tell how long the other one is.
        declared = length or (None if bodiless else length)
    if declared is not None and not (no_content and line.startswith("204", 9)):
        lines.append("Content-Length: " + str(declared))
    if bodiless:
        return _NO_BODY, None
    if declared is not None:
        return _LENGTH, declared
    if request.version != "1.1":
        return _CLOSE, None
    lines.append("Transfer-Encoding: chunked")
    return _CHUNKED, None


def _join(lines: list[str]) -> bytes:
    lines.append("\r\n")
    head = "\r\n".join(lines)
    ends = len(lines)
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise ValueError("a status or header field has a line break, or a NUL")
    return head.encode("latin-1")
