# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The target of a request, in its forms (RFC 9112, 3.2)."""

from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Request

__all__ = ("split",)


def split(request: Request) -> str:
    """Tell the path and the query of a request from its target (RFC 9112, 3.2).

    :param request: gets them, as they are in the target.
    :returns: the host where the target has one.
    :raises ProtocolError: it is none that a server understands.
    """
    target = request.target
    if "#" in target:
        raise ProtocolError(400, f"{target!r} has a fragment")
    host, rest = "", target
    if target[0] != "/":  # as it hardly ever is
        host, rest = _split_host(request.method, target)
    if "?" in rest:
        rest, _, request.query = rest.partition("?")
    request.path = rest
    return host


def _split_host(method: str, target: str) -> tuple[str, str]:
    """Return the host, and what follows it."""
    if method == "CONNECT":
        raise ProtocolError(501, "this is no proxy")
    if target == "*":
        if method != "OPTIONS":
            raise ProtocolError(400, f"{method} has the target '*'")
        return "", target
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
    return host, rest if rest.startswith("/") else "/" + rest
