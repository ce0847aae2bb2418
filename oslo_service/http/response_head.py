# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The head of a response: its lines, and what they say about the end of the body."""

import enum
import re
import time
from collections.abc import Sequence

from oslo_service.http import fields
from oslo_service.http.memo import Memo
from oslo_service.http.request import Request

__all__ = ("STATUS_LINES", "Framing", "Headers", "StatusLine", "date_line", "encode")

Headers = Sequence[tuple[str, str]]
StatusLine = tuple[str, bool]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_STATUS = re.compile(r"[2-5][0-9]{2}(?: .*)?", re.ASCII | re.DOTALL)
_NO_CONTENT = ("204", "304")
_OURS = ("content-length", "connection", "date", "transfer-encoding")
# How a head ends, nearly always; and by whether the connection does, and the client's
# version.
_END = "\r\n"
_ENDS = {
    (False, "1.1"): _END,
    (False, "1.0"): "Connection: keep-alive\r\n\r\n",
    (True, "1.1"): "Connection: close\r\n\r\n",
    (True, "1.0"): "Connection: close\r\n\r\n",
}
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


def _status_line(status: str) -> StatusLine:
    """Check a status.

    :returns: the status line, and whether there is no content with it.
    :raises ValueError: it is none.
    """
    if not _STATUS.fullmatch(status):
        raise ValueError(f"{status!r} is no status, such as '200 OK'")
    _check(status)
    # The space is there also where no phrase follows (RFC 9112, 4).
    space = "" if len(status) > 3 else " "
    return f"HTTP/1.1 {status}{space}\r\n", status[:3] in _NO_CONTENT


def _length(value: str) -> tuple[int, str]:
    """Parse a Content-Length; return it, and its line.

    :raises ValueError: it is none.
    """
    if not (value.isdecimal() and value.isascii() and len(value) < _DIGITS):
        raise ValueError(f"{value!r} is no Content-Length")
    return int(value), f"Content-Length: {int(value)}\r\n"


def date_line() -> str:
    """Return the line of the Date field of this second."""
    second = int(time.time())
    return _DATES.get(second) or _DATES[second]


def _format_date(second: int) -> str:
    """Format the Date field (RFC 9110, 6.6.1): always in English."""
    at = time.gmtime(second)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.tm_wday]
    month = (
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
    )[at.tm_mon - 1]
    clock = time.strftime("%T", at)
    return f"Date: {day}, {at.tm_mday:02} {month} {at.tm_year} {clock} GMT\r\n"


_FIELDS = Memo(_field, 1024)
_LENGTHS = Memo(_length, 1024)
_DATES = Memo(_format_date, 2)
#: Status lines, by the status that an application gives: the line, and whether there is
#: no content with it. A ValueError is raised where it is none.
STATUS_LINES: Memo[str, StatusLine] = Memo(_status_line, 256)


def encode(
    status: StatusLine,
    headers: Headers,
    request: Request,
    length: int | None,
    close: bool,
) -> tuple[bytes, Framing, int | None, bool]:
    """Return a head, and what it says.

    :param status: as :data:`STATUS_LINES` has it.
    :param headers: the application's.
    :param request: what it answers.
    :param length: of the body, where that is known.
    :param close: whether the connection cannot be used any further.
    :returns: the head; the framing of the body; its length, where that is the
        framing; and whether the connection ends with it.
    :raises ValueError: a field is none, or not the application's business.
    """
    declared: int | None = None
    lines = date = line = ""
    known = _FIELDS.get
    for name, value in headers:
        begin, ours = known(name) or _FIELDS[name]
        if not ours:
            if not value.isprintable():
                _check(value)
            lines += f"{begin}{value}\r\n"
        elif ours == "content-length":
            before = declared
            declared, line = _LENGTHS.get(value) or _LENGTHS[value]
            if before is not None and before != declared:
                raise ValueError("there are two different Content-Lengths")
        elif ours == "date":
            _check(value)
            date = f"Date: {value}\r\n"
        elif ours == "connection":
            close = close or fields.CLOSES[value]
        else:
            raise ValueError(f"{name} is not the application's business")
    framing = _LENGTH
    if declared is None or status[1] or request.method == "HEAD":
        line, framing, declared = _frame(status, request, declared, length)
        close = close or framing is _CLOSE
    end = _ENDS[close, request.version] if close or request.version != "1.1" else _END
    head = f"{status[0]}{lines}{date or date_line()}{line}{end}"
    return head.encode("latin-1"), framing, declared, close


def _frame(
    status: StatusLine, request: Request, declared: int | None, length: int | None
) -> tuple[str, Framing, int | None]:
    """Return the line that says how the end of the body is told; how; its length."""
    no_content = status[1]
    bodiless = no_content or request.method == "HEAD"
    if declared is None and not no_content:
        # An empty answer to HEAD does not tell how long the other one is.
        declared = length or (None if bodiless else length)
    line = ""
    if declared is not None and not (no_content and status[0].startswith("204", 9)):
        line = f"Content-Length: {declared}\r\n"
    if bodiless:
        return line, _NO_BODY, None
    if declared is not None:
        return line, _LENGTH, declared
    if request.version != "1.1":
        return line, _CLOSE, None
    return "Transfer-Encoding: chunked\r\n", _CHUNKED, None


def _check(text: str) -> None:
    """Check what stands in a line of the head.

    :raises ValueError: it would not end there.
    """
    if "\n" in text or "\r" in text or "\0" in text:
        raise ValueError("a status or header field has a line break, or a NUL")
