# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A head that comes again on the same connection, with another target."""

from typing import Any, Optional

from oslo_service.http.request import Request

__all__ = ("RepeatedHead",)

_END = b"\r\n\r\n"


class RepeatedHead:
    """A head, and what has been found in it.

    Clients send the same fields again and again. What the parser would say of the
    same bytes, it is not asked again; it need not have seen them, as it is where it
    was when such a request has ended.

    :param request: what the parser has made of the head; it has no body.
    :param data: what the parser was given: that head and nothing else.
    :param longest: up to this length, of all together, nothing is too long.
    :ivar common: as in :class:`.Request`; empty until it has been repeated.
    """

    __slots__ = ("_begin", "_end", "_first", "_last", "_longest", "_request", "common")

    def __init__(self, request: Request, data: bytes, longest: int) -> None:
        self._request = request
        self.common: dict[str, Any] = {}
        # Where in the data the target begins and ends, and what is around it.
        self._first = first = len(request.method) + 1
        self._last = last = first + len(request.target) - len(data)
        self._begin, self._end = data[:first], data[last:]
        self._longest = longest

    @classmethod
    def of(
        cls, request: Request, data: bytes, longest: int
    ) -> Optional["RepeatedHead"]:
        """Return a head that can be repeated, or None.

        :param request: the first that the parser has made of the data.
        :param data: what the parser was given, from where the request began.
        """
        if request.body is not None or not request.keep_alive:
            return None
        if request.target[0] != "/":  # it may have named the host
            return None
        # Nothing follows, neither another request nor an empty line before it.
        whole = data.find(_END) + len(_END) == len(data)
        return cls(request, data, longest) if whole else None

    def repeat(self, data: bytes) -> Request | None:
        """Return the request that this is, where it has the same head."""
        first, last = self._first, self._last
        if data[last:] != self._end or data[:first] != self._begin:
            return None
        target = data[first:last].decode("latin-1")
        plain = target.isascii() and target.isprintable() and target[:1] == "/"
        if not plain or " " in target or "#" in target or len(data) > self._longest:
            return None
        known = self._request
        request = Request(known.method, target, known.version, known.fields)
        request.common = self.common
        if "?" in target:
            request.path, _, request.query = target.partition("?")
        return request
