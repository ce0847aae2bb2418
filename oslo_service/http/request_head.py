# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The head of a request as a whole: what the parser leaves to be checked."""

from oslo_service.http import fields, target
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Body, Request

__all__ = ("check",)


def check(request: Request) -> None:
    """Check what the parser does not.

    :raises ProtocolError: with the first thing that is wrong.
    """
    version, found = request.version, request.fields
    if version not in ("1.1", "1.0"):
        status = 400 if version == "0.9" else 505
        raise ProtocolError(status, f"HTTP/{version} is not spoken here")
    if version == "1.1" and "HTTP_HOST" not in found:
        raise ProtocolError(400, "there is no Host (RFC 9112, 3.2)")
    if request.method == "CONNECT":
        raise ProtocolError(501, "this is no proxy")
    request.path, request.query, host = target.split(request.method, request.target)
    if host:
        # Whatever the Host field says (RFC 9112, 3.2.2).
        found["HTTP_HOST"] = host
    host = found.get("HTTP_HOST", "")
    if host and not fields.check_host(host):
        raise ProtocolError(400, f"{host!r} is no host")
    if "HTTP_TRANSFER_ENCODING" in found:
        request.body = _chunked(version, found["HTTP_TRANSFER_ENCODING"])
    elif "CONTENT_LENGTH" in found and (length := int(found["CONTENT_LENGTH"])):
        request.body = Body(length)
    if "HTTP_EXPECT" in found and version == "1.1":
        _check_expectation(request, found["HTTP_EXPECT"])


def _check_expectation(request: Request, expected: str) -> None:
    if expected.lower() != "100-continue":
        raise ProtocolError(417, f"Expect: {expected!r}")
    request.expects_100 = request.body is not None


def _chunked(version: str, coding: str) -> Body:
    if version != "1.1":
        raise ProtocolError(400, f"HTTP/{version} has no Transfer-Encoding")
    codings = [one.strip().lower() for one in coding.split(",")]
    if codings.count("chunked") != 1:
        raise ProtocolError(400, f"Transfer-Encoding: {coding!r} (RFC 9112, 6.1)")
    if len(codings) != 1:
        raise ProtocolError(501, f"Transfer-Encoding: {coding!r}")
    return Body(None)
