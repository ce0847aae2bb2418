# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Header fields of a request, as WSGI names them."""

import re

from oslo_service.http.memo import Memo

__all__ = ("CLOSES", "HOSTS", "KEYS", "add", "elements")

# Fields whose second occurrence would leave open which one counts.
_ONCE = frozenset(("HTTP_HOST", "CONTENT_LENGTH", "CONTENT_TYPE"))
_PLAIN = frozenset(("CONTENT_LENGTH", "CONTENT_TYPE"))

# A registered name, an IPv4 address, or an IP literal; and a port (RFC 9110
# 7.2, RFC 3986 3.2.2). An empty one is refused with the target that it makes (RFC
# 9110, 4.2.1); a comma is in no name, but between two that have been joined.
_HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|\[v[0-9A-Fa-f]+\.[\w.~!$&'()*+,;=:-]+\]"
    r"|(?:[\w.~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?",
    re.ASCII,
)


def _key(name: bytes) -> str | None:
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    return key if key in _PLAIN else "HTTP_" + key


def add(fields: dict[str, str], key: str, value: str) -> bool:
    """Add a value to a field that is there already (RFC 9110, 5.3).

    :param fields: those of a request, by their names in the WSGI environment.
    :param key: the name of one that is there.
    :param value: what a further line has.
    :returns: False: there may be one only.
    """
    if key in _ONCE:
        return False
    separator = "; " if key == "HTTP_COOKIE" else ","
    fields[key] = f"{fields[key]}{separator}{value}"
    return True


def elements(value: str) -> list[str]:
    """Return what a list consists of, in lower case (RFC 9110, 5.6.1).

    :param value: that of a field whose elements have no commas within.
    """
    parts = (part.strip(" \t").lower() for part in value.split(","))
    return [part for part in parts if part]


#: The name of a field in the WSGI environment (RFC 3875, 4.1.18); None for a name that
#: would pass for another one there: an underscore is a dash then.
KEYS: Memo[bytes, str | None] = Memo(_key, 1024)
#: Whether a Connection field ends the connection (RFC 9112, 9.6).
CLOSES: Memo[str, bool] = Memo(lambda field: "close" in elements(field), 256)
#: Whether a Host field is one.
HOSTS: Memo[str, bool] = Memo(lambda host: _HOST.fullmatch(host) is not None, 256)
