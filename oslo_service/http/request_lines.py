# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which protocol a request line names: the parser knows others, and does not say."""

import re

__all__ = ("RequestLines",)

# RTSP (RFC 7826) and ICE have methods of HTTP, too.
_LINE = re.compile(rb"^([A-Z]+) +([^ \r\n]+) +(HTTP|RTSP|ICE)/", re.MULTILINE)


class RequestLines:
    """The request lines of what has come together.

    :param data: that.
    :param begin: from where in it to look.
    """

    def __init__(self, data: bytes, begin: int) -> None:
        self._data = data
        self._begin = begin
        self._has_others = b" RTSP/" in data or b" ICE/" in data

    def next_is_http(self, method: bytes, target: bytes) -> bool:
        """Whether the next one with this method and target names HTTP."""
        if not self._has_others:
            return True
        for line in _LINE.finditer(self._data, self._begin):
            if line.group(1, 2) == (method, target):
                self._begin = line.end()
                return line[3] == b"HTTP"
        return True
