# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How much of a request's body is read before, and after, the application runs."""

from oslo_service.http.limits import Limits
from oslo_service.http.request import Body, Request

__all__ = ("CONTINUE", "can_skip", "continue_response", "fits", "is_ready")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def is_ready(request: Request, limits: Limits) -> bool:
    """Whether enough of a request has arrived for the application to run.

    :param request: its head is here; of the body, what has arrived.
    :param limits: ``buffered_body`` is how many bytes are read before.
    """
    body = request.body
    if body is None or body.complete or body.buffered >= limits.buffered_body:
        return True
    return request.expects_100 and not fits(body, limits)


def fits(body: Body, limits: Limits) -> bool:
    """Whether a body will have arrived as a whole before the application runs.

    :param body: one whose length the client has not told does not.
    :param limits: ``buffered_body`` is how many bytes are read before.
    """
    return (
        body.remaining is not None
        and body.buffered + body.remaining <= limits.buffered_body
    )


def can_skip(request: Request, limits: Limits) -> bool:
    """Whether what of the body has not arrived can be thrown away.

    If not, the connection ends (RFC 9112, 9.3).

    :param request: it has been answered.
    :param limits: ``discarded_body`` is how many bytes may be.
    """
    body = request.body
    if body is None or body.complete:
        return True
    return (
        not request.expects_100
        and body.remaining is not None
        and body.remaining <= limits.discarded_body
    )


def continue_response(request: Request) -> bytes:
    """Return what tells the client, once, to send the body for which it is asked.

    :param request: is told that the client no longer waits.
    :returns: nothing where the client does not wait for that (RFC 9110, 10.1.1).
    """
    if not request.expects_100:
        return b""
    request.expects_100 = False
    return b"" if request.body and request.body.buffered else CONTINUE
