# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The server's side of WSGI (PEP 3333)."""

import logging
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from oslo_service._common import clock, forked_child
from oslo_service._common.fork_safety import ThisProcess, this_process
from oslo_service.http import environ as environs
from oslo_service.http import fields
from oslo_service.http import response as responses
from oslo_service.http.access_log import AccessLog
from oslo_service.http.file_wrapper import FileWrapper
from oslo_service.http.protocol_error import ProtocolError
from oslo_service.http.request import Request
from oslo_service.http.response import Phase, Response

__all__ = ("Application", "AroundRequest", "Client", "ClientGone", "Gateway")

LOG = logging.getLogger(__name__)

# Looking a member up in its class is slow in Python 3.11.
_WAITING, _FULL, _FINISHED = Phase.WAITING, Phase.FULL, Phase.FINISHED

Application = Callable[[environs.Environ, Callable[..., Any]], Iterable[bytes]]
AroundRequest = Callable[[environs.Environ], AbstractContextManager[object]]
Meter = Callable[[str, float], object]


class ClientGone(ConnectionError):
    """The client has left, has been silent for too long, or sends nonsense.

    :param error: what it may still be told.
    """

    def __init__(self, reason: str, error: ProtocolError | None = None) -> None:
        super().__init__(reason)
        self.error = error


class Client(responses.ResponseSink, environs.BodySource, Protocol):
    """The other side of a connection, for the time of one request.

    :ivar remote: what it is called in the environment.
    """

    remote: tuple[str, str]

    @property
    def server_environ(self) -> environs.Environ:
        """What is the same for every request to the server."""

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Have the system send a part of a file, as far as it can.

        :param fd: the descriptor of the file.
        :param offset: from where on, in bytes.
        :param count: how many bytes at most.
        :returns: how many bytes it has sent.
        :raises ClientGone: the client does not read.
        :raises EOFError: there is no such part.
        """

    def abort(self) -> None:
        """End the connection so that the client knows: something is missing."""


class Gateway:
    """Has an application answer requests.

    :param application: a WSGI application.
    :param access_log: where requests are noted.
    :param debug: whether clients are sent the tracebacks of what fails.
    :param around: returns, for an environment, what is entered before the
        application is called, and left when its response is over.
    :param meter: told of each request, with the status, and the seconds that it took.
    :param parallel: whether there are native threads: a process that the application
        has forked ends with its call, and with them.
    """

    __slots__ = (
        "_access_log",
        "_application",
        "_around",
        "_debug",
        "_meter",
        "_parallel",
        "_process",
    )

    def __init__(
        self,
        application: Application,
        access_log: AccessLog,
        *,
        debug: bool,
        around: AroundRequest | None = None,
        meter: Meter | None = None,
        parallel: bool = True,
    ) -> None:
        self._parallel = parallel
        # A server that starts makes one, in the process that serves.
        self._process = this_process()
        self._meter = meter
        self._application = application
        self._around = around
        self._access_log = access_log
        self._debug = debug

    def answer(self, request: Request, client: Client, began: float) -> bool:
        """Have a request answered; raises nothing.

        :param request: enough of it has arrived: see :func:`.body_policy.is_ready`.
        :param client: who has sent it.
        :param began: when it was ready to be answered, in monotonic seconds.
        :returns: whether the connection ends with that.
        """
        request.response = response = Response(request, client)
        environ = environs.of_request(
            client.server_environ, client.remote, request, client
        )
        try:
            if self._around is None:
                self._run(environ, response, client)
            else:
                self._run_within(self._around(environ), environ, response, client)
        except BaseException as exc:  # noqa: BLE001 - SystemExit, too: the server goes on
            if self._process.left:
                self._end_child(exc)
            if isinstance(exc, ClientGone):
                self._lose_client(exc, request, response, client)
            else:
                self._fail(exc, request, response, client)
        if response.complaint is not None:
            LOG.error("%s: %s", request, response.complaint)
        if self._access_log.enabled():
            self._access_log.write(began, environ, request, response)
        if self._meter is not None:
            self._meter(response.status, clock.now() - began)
        request.response = None  # no cycle
        return response.close

    def _run_within(
        self,
        context: AbstractContextManager[object],
        environ: environs.Environ,
        response: Response,
        client: Client,
    ) -> None:
        with context:
            self._run(environ, response, client)
        if response.phase is not _FINISHED:
            raise RuntimeError("a failure was suppressed before there was a response")

    def _run(
        self, environ: environs.Environ, response: Response, client: Client
    ) -> None:
        process = self._process
        result = self._application(environ, response.start)
        if process.left:
            self._end_child(None)
        if type(result) is list or type(result) is tuple:
            response.send_all(result)
            return  # there is nothing to close
        try:
            if isinstance(result, FileWrapper):
                _send_file(result, response, client, process)
                # A smaller Content-Length asks for a part of the file (PEP 3333).
                response.allow_excess()
            else:
                _send_parts(result, response, process)
            if process.left:
                self._end_child(None)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _lose_client(
        self, exc: ClientGone, request: Request, response: Response, client: Client
    ) -> None:
        LOG.info("%s: %s", request, exc)
        response.close = True
        if exc.error is not None:
            self._send_protocol_error(exc.error, request, response, client)

    def _end_child(self, error: BaseException | None) -> None:
        """End the process, which the application has forked."""
        forked_child.end(error, has_threads=self._parallel)

    def _send_protocol_error(
        self,
        error: ProtocolError,
        request: Request,
        response: Response,
        client: Client,
    ) -> None:
        if response.phase is not _WAITING:
            client.abort()
            return
        response.status, response.phase = error.status_text, _FINISHED
        _send_error(response.status, "", request, client)

    def _fail(
        self, exc: BaseException, request: Request, response: Response, client: Client
    ) -> None:
        LOG.error("%s: the application failed", request, exc_info=exc)
        if response.phase is _FINISHED:
            return  # its close() failed: the client has everything
        response.close = True
        if response.phase is not _WAITING:
            client.abort()
            return
        text = "".join(traceback.format_exception(exc)) if self._debug else ""
        response.status, response.phase = _status_of_failure(request), _FINISHED
        _send_error(response.status, text, request, client)


def _status_of_failure(request: Request) -> str:
    """Return what a client is told where the application fails.

    One that wants a websocket cannot have one: there is no socket in the
    environment, which applications find out when they look for it.
    """
    wanted = request.fields.get("HTTP_UPGRADE", "")
    if "websocket" in fields.elements(wanted):
        return "501 Not Implemented"
    return "500 Internal Server Error"


def _send_error(status: str, text: str, request: Request, client: Client) -> None:
    bodiless = request.method == "HEAD"
    try:
        client.send(responses.error_response(status, text, bodiless=bodiless))
    except ClientGone as exc:
        LOG.info("It cannot be told %s: %s", status, exc)


def _send_parts(
    parts: Iterable[bytes], response: Response, process: ThisProcess
) -> None:
    for part in parts:
        if process.left:
            return
        response.write(part)
        if response.phase is _FULL:
            break  # it may never end by itself
    if not process.left:
        response.finish()


def _send_file(
    result: FileWrapper, response: Response, client: Client, process: ThisProcess
) -> None:
    region = result.region() if response.phase is _WAITING else None
    if region is None:
        _send_parts(result, response, process)
        return
    fd, offset, size = region
    count = response.begin_sized_body(size)
    sent = client.send_file(fd, offset, count) if count else 0
    if sent < count:
        # Reading and sending tells whether the file is to blame or the client.
        if sent:
            result.file.seek(offset + sent)
        count -= sent
        while count and (block := result.file.read(min(count, result.block_size))):
            client.send(block)
            client.throttle()
            count -= len(block)
        if count:
            raise EOFError("the file became shorter while it was sent")
    response.finish()
