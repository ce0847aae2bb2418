# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Answering and logging requests that are in the application for long."""

import functools
import logging
from typing import Any

from oslo_service._common import frames
from oslo_service.http.request import Request
from oslo_service.http.response import Response, error_response
from oslo_service.serving.sender import Sender

__all__ = ("answer", "report")

LOG = logging.getLogger(__name__)

_STATUS = "503 Service Unavailable"


def answer(request: Request, sender: Sender) -> bool:
    """Answer in place of the application, which another task runs.

    Non-blocking. What the application still sends gets nowhere.

    :returns: False: it has begun to answer, or has ended.
    """
    response: Response | None = getattr(request, "response", None)
    if response is None:
        return False
    data = error_response(_STATUS, bodiless=request.method == "HEAD")
    claim = functools.partial(response.overrule, _STATUS)
    try:
        if not sender.send_last(data, "the request took too long", claim):
            return False
        sender.close_notify()
        if not sender.pending:
            sender.shut_down()
    except OSError as exc:
        LOG.debug("%s: %s", request, exc)
    return True


def report(
    request: Request,
    address: Any,
    seconds: float,
    stack: frames.Stack,
    *,
    answered: bool,
) -> None:
    """Log where the application is.

    :param address: the client's.
    :param stack: the application's; empty: it has ended meanwhile.
    """
    LOG.warning(
        "%s of %s is with the application for %.1f s%s, at:\n%s",
        request,
        address,
        seconds,
        " and has been answered with 503" if answered else "",
        frames.text(stack, variables=False) or "  its end\n",
    )
