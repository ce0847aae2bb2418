# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The WSGI environment of a request (PEP 3333; RFC 3875, 4.1)."""

import io
import sys
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from oslo_service.http.file_wrapper import FileWrapper
from oslo_service.http.request import Body, Request

__all__ = ("BodySource", "of_request", "of_server", "remote")

Environ = dict[str, Any]

_CHUNK = 65536


class BodySource(Protocol):
    """Where the rest of a body comes from."""

    def await_body(self, request: Request, body: Body) -> None:
        """Block the calling task until more of the body is here, or its end.

        :param request: the request.
        :param body: that of the request.
        :raises OSError: nothing more will arrive.
        """

    def own_host(self) -> str | None:
        """Return the address at which the client has reached the server.

        :returns: None where the server is called what it listens on.
        """


class _Input(io.RawIOBase):
    """The content of a request that has not arrived as a whole."""

    def __init__(self, request: Request, body: Body, source: BodySource) -> None:
        self._request = request
        self._body = body
        self._source = source

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Return what is here; wait where that is nothing."""
        body = self._body
        while not body.buffered:
            if body.complete:
                return 0
            self._source.await_body(self._request, body)
        data = body.take(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def of_server(host: str, port: str, *, tls: bool, multiprocess: bool) -> Environ:
    """Return what is the same for every request to a server.

    What is not is there as well, so that a copy has room for it.

    :param host: ``SERVER_NAME``, as the Host field may be missing.
    :param port: ``SERVER_PORT``, in digits.
    :param tls: whether clients use it.
    :param multiprocess: whether other processes serve the application, too.
    :returns: the variables of PEP 3333, and of RFC 3875, 4.1, as far as they are
        known.
    """
    return {
        "REQUEST_METHOD": "",
        "SCRIPT_NAME": "",
        "PATH_INFO": "",
        "RAW_PATH_INFO": "",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "GATEWAY_INTERFACE": "CGI/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if tls else "http",
        "wsgi.input": None,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
    }


def remote(address: Any) -> tuple[str, str]:
    """Return what a client is called in the environment: its host, and its port.

    :param address: as accept() gives it; a UNIX socket's have none.
    """
    if not isinstance(address, tuple):
        return "unix", ""
    return address[0], str(address[1])


def of_request(
    server: Environ, client: tuple[str, str], request: Request, source: BodySource
) -> Environ:
    """Return the environment of a request (PEP 3333; RFC 3875, 4.1).

    :param server: as :func:`of_server` returns it; it is copied.
    :param client: as :func:`remote` returns it.
    :param request: its head is here.
    :param source: where the rest of its body comes from.
    """
    path, body, common = request.path, request.body, request.common
    if common is None:
        environ = _of_head(server, client, request, source)
    else:
        if not common:
            common.update(_of_head(server, client, request, source))
        environ = common.copy()
    environ["RAW_PATH_INFO"] = path
    environ["QUERY_STRING"] = request.query
    if path == "*":
        # The server as a whole; a path would have to begin with a slash.
        path = ""
    elif "%" in path:
        path = unquote_to_bytes(path).decode("latin-1")
    environ["PATH_INFO"] = path
    if body is None:
        environ["wsgi.input"] = io.BytesIO()
    elif body.complete:
        environ["wsgi.input"] = io.BytesIO(body.take_all())
    else:
        raw = _Input(request, body, source)
        environ["wsgi.input"] = io.BufferedReader(raw, _CHUNK)
    return environ


def _of_head(
    server: Environ, client: tuple[str, str], request: Request, source: BodySource
) -> Environ:
    """Return the environment of a request, but for what the target and the body say."""
    environ = server | request.fields
    environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client
    environ["REQUEST_METHOD"] = request.method
    if request.version != "1.1":
        environ["SERVER_PROTOCOL"] = "HTTP/1.0"
    if "HTTP_HOST" not in environ and (own := source.own_host()) is not None:
        environ["SERVER_NAME"] = own
    return environ
