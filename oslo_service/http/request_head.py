# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The head of a request as a whole: what the parser leaves to be checked."""

from collections.abc import Iterable

from oslo_service.http import fields, target
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Body, Request

__all__ = ("framing_of", "parse")


def parse(
    method: bytes, url: bytes, version: str, lines: Iterable[tuple[bytes, bytes]]
) -> Request:
    """Return the request whose head that is.

    :param lines: the names and values of its fields.
    :raises ProtocolError: with the first thing that is wrong.
    """
    found = _fields(lines)
    name = found.get("HTTP_HOST")
    if version != "1.1":
        _check_version(version)
    elif name is None:
        raise ProtocolError(400, "there is no Host (RFC 9112, 3.2)")
    request = Request(method.decode(), url.decode("latin-1"), version, found)
    if host := target.split(request):
        # Whatever the Host field says (RFC 9112, 3.2.2).
        found["HTTP_HOST"] = name = host
    if name is not None and not fields.HOSTS[name]:
        raise ProtocolError(400, f"{name!r} is no host")
    if "HTTP_TRANSFER_ENCODING" in found:
        request.body = _chunked(version, found["HTTP_TRANSFER_ENCODING"])
    elif "CONTENT_LENGTH" in found and (length := int(found["CONTENT_LENGTH"])):
        request.body = Body(length)
    if "HTTP_EXPECT" in found and version == "1.1":
        _check_expectation(request, found["HTTP_EXPECT"])
    # Earlier parsers know no list, nor a tab, there.
    if "HTTP_CONNECTION" in found and fields.CLOSES[found["HTTP_CONNECTION"]]:
        request.keep_alive = False
    return request


def _fields(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the fields by their names in the WSGI environment."""
    found: dict[str, str] = {}
    known = fields.KEYS.get
    for name, value in lines:
        key = known(name) or fields.KEYS[name]
        if key is None:
            continue
        # The parser lets no white space be there but spaces and tabs.
        text = value.rstrip().decode("latin-1")
        if key not in found:
            found[key] = text
        elif not fields.add(found, key, text):
            raise ProtocolError(400, f"{key} is there twice")
    return found


def _check_version(version: str) -> None:
    if version != "1.0":
        status = 400 if version == "0.9" else 505
        raise ProtocolError(status, f"HTTP/{version} is not spoken here")


def _check_expectation(request: Request, expected: str) -> None:
    expectations = fields.elements(expected)
    if any(one != "100-continue" for one in expectations):
        raise ProtocolError(417, f"Expect: {expected!r}")
    request.expects_100 = bool(expectations) and request.body is not None


def _chunked(version: str, coding: str) -> Body:
    if version != "1.1":
        raise ProtocolError(400, f"HTTP/{version} has no Transfer-Encoding")
    codings = [one.strip(" \t").lower() for one in coding.split(",")]
    if "" in codings:
        raise ProtocolError(400, f"Transfer-Encoding: {coding!r} has an empty element")
    if codings.count("chunked") != 1:
        raise ProtocolError(400, f"Transfer-Encoding: {coding!r} (RFC 9112, 6.1)")
    if len(codings) != 1:
        raise ProtocolError(501, f"Transfer-Encoding: {coding!r}")
    return Body(None)


def framing_of(request: Request) -> bytes:
    """Return a head that has the same body and the same end as a request's."""
    length = request.fields.get("CONTENT_LENGTH")
    framing = (
        "Transfer-Encoding: chunked"
        if length is None
        else (f"Content-Length: {length}")
    )
    connection = "keep-alive" if request.keep_alive else "close"
    return (
        f"POST / HTTP/1.1\r\nHost:\r\n{framing}\r\nConnection: {connection}\r\n\r\n"
    ).encode("ascii")
