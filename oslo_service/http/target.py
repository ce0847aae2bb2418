# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The target of a request, in its forms (RFC 9112, 3.2)."""

from oslo_service.http.protocol_error import ProtocolError

__all__ = ("split",)


def split(method: str, target: str) -> tuple[str, str, str]:
    """Take a target apart.

    :returns: the path as sent, the query, and the host where the target has
        one.
    :raises ProtocolError: it is none that a server understands.
    """
    if "#" in target:
        raise ProtocolError(400, f"{target!r} has a fragment")
    host, rest = "", target
    if target[0] == "/":
        pass  # as it is nearly always
    elif target == "*":
        if method != "OPTIONS":
            raise ProtocolError(400, f"{method} has the target '*'")
    else:
        scheme, mark, remote = target.partition("://")
        if not mark or scheme.lower() not in ("http", "https"):
            raise ProtocolError(400, f"{target!r} is no target that is served here")
        end = min(
            (at for at in (remote.find("/"), remote.find("?")) if at >= 0),
            default=len(remote),
        )
        host, rest = remote[:end], remote[end:]
        if not host or "@" in host:
            raise ProtocolError(400, f"{target!r} has no plain host")
        if not rest.startswith("/"):
            rest = "/" + rest
    path, _, query = rest.partition("?")
    return path, query, host
