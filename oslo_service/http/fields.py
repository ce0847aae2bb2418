# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Header fields of a request, as WSGI names them."""

import functools
import re

__all__ = ("add", "check_host", "elements", "key_of", "names_close")

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


@functools.lru_cache(maxsize=1024)
def key_of(name: bytes) -> str | None:
    """Return the name of a field in the WSGI environment (RFC 3875, 4.1.18).

    :returns: None for a name that would pass for another one there: an
        underscore is a dash then.
    """
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    return key if key in _PLAIN else "HTTP_" + key


def add(fields: dict[str, str], key: str, value: str) -> bool:
    """Add a value to a field that is there already (RFC 9110, 5.3).

    :returns: False: there may be one only.
    """
    if key in _ONCE:
        return False
    separator = "; " if key == "HTTP_COOKIE" else ","
    fields[key] = f"{fields[key]}{separator}{value}"
    return True


def elements(value: str) -> list[str]:
    """Return what a list consists of, in lower case (RFC 9110, 5.6.1)."""
    parts = (part.strip(" \t").lower() for part in value.split(","))
    return [part for part in parts if part]


@functools.lru_cache(maxsize=256)
def names_close(connection: str) -> bool:
    """Whether a Connection field ends the connection (RFC 9112, 9.6)."""
    return "close" in elements(connection)


@functools.lru_cache(maxsize=256)
def check_host(host: str) -> bool:
    """Whether a Host field is one."""
    return _HOST.fullmatch(host) is not None
