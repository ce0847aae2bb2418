# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One line a request, in the format that the operator wants."""

import functools
import json
import logging
import time

from oslo_service._common import clock
from oslo_service.http.environ import Environ
from oslo_service.http.request import Request
from oslo_service.http.response import Response

__all__ = ("AccessLog", "check_format")

_SAMPLE: dict[str, object] = {
    "client_ip": "127.0.0.1",
    "client_port": "50000",
    "date_time": "01/Jan/2026 00:00:00",
    "request_line": "GET / HTTP/1.1",
    "status_code": "200",
    "body_length": 0,
    "wall_seconds": 0.0,
}


# Where applications tell the identifier of a request, besides the environment, in
# which oslo.middleware leaves it.
_REQUEST_IDS = ("x-openstack-request-id", "x-request-id")
#: The format that stands for a JSON object.
JSON = "json"


def check_format(template: str) -> None:
    """Try a format out; ``json`` is one, too.

    :param template: the option ``wsgi_log_format``: a text to format by ``%``.
    :raises ValueError: it does not work; with the names that it may use.
    """
    try:
        template % _SAMPLE
    except (KeyError, TypeError, ValueError) as exc:
        raise ValueError(
            f"{template!r} cannot be formatted ({exc!r}); it may use"
            f" {', '.join(f'%({name})s' for name in _SAMPLE)}"
        ) from None


class AccessLog:
    """Writes a line for each request at level INFO, where that is on.

    :param logger: where to.
    :param template: the format, with names as in :func:`check_format`.
    """

    __slots__ = ("_logger", "_template", "enabled")

    def __init__(self, logger: logging.Logger, template: str) -> None:
        self._logger = logger
        self._template = template
        #: Whether lines are written.
        self.enabled = functools.partial(logger.isEnabledFor, logging.INFO)

    def write(
        self,
        began: float,
        environ: Environ,
        request: Request,
        response: Response,
    ) -> None:
        """Write the line of a request that is over."""
        client = environ["REMOTE_ADDR"]
        forwarded = request.fields.get("HTTP_X_FORWARDED_FOR")
        if forwarded:
            client = f"{forwarded.replace(' ', '')},{client}"
        line = str(request)
        status = response.status[:3]
        seconds = clock.now() - began
        if self._template == JSON:
            text = _json_line(environ, response, client, line, status, seconds)
        else:
            text = self._template % {
                "client_ip": client,
                "client_port": environ["REMOTE_PORT"],
                "date_time": time.strftime("%d/%b/%Y %H:%M:%S"),
                "request_line": line,
                "status_code": status,
                "body_length": response.length,
                "wall_seconds": seconds,
            }
        self._logger.info("%s", text)


def _json_line(
    environ: Environ,
    response: Response,
    client: str,
    line: str,
    status: str,
    seconds: float,
) -> str:
    values = {
        "client_ip": client,
        "client_port": environ["REMOTE_PORT"],
        "date_time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "request_line": line,
        "status_code": int(status) if status else None,
        "body_length": response.length,
        "wall_seconds": round(seconds, 7),
    }
    identifier = environ.get("openstack.request_id")
    for name in _REQUEST_IDS:
        identifier = identifier or response.field(name)
    if identifier:
        values["request_id"] = str(identifier)
    return json.dumps(values)
