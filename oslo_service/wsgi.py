# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A WSGI server that runs as a service, on every driver.

:class:`Server` serves an application; :class:`Loader` makes one from a
PasteDeploy file; :class:`Router` maps requests to applications.
"""

import logging
import socket as sockets
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from oslo_config import cfg

from oslo_service import backend, opts, sslutils
from oslo_service._common import submodules, times
from oslo_service._common.fork_safety import OwnLock
from oslo_service._common.public_names import set_module, set_modules
from oslo_service._common.service_base import ServiceBase
from oslo_service.applications.loader import ConfigNotFound, Loader, PasteAppNotFound
from oslo_service.serving import parameters
from oslo_service.serving.parameters import InvalidInput
from oslo_service.sockets import listening
from oslo_service.supervisor import current
from oslo_service.supervisor.workers import inheritance

if TYPE_CHECKING:
    from oslo_service.applications.router import Request, Router
    from oslo_service.http.gateway import Application, AroundRequest

__all__ = (
    "ConfigNotFound",
    "InvalidInput",
    "Loader",
    "PasteAppNotFound",
    "Request",
    "Router",
    "Server",
    "list_opts",
    "register_opts",
)

set_modules(globals())
submodules.offer("webob", "dec", "exc")
submodules.offer("routes", "middleware")

LOG = logging.getLogger(__name__)

_LONGEST_URL = 8192


def __getattr__(name: str) -> Any:
    # They need WebOb and Routes, which take their time to import.
    if name in ("Request", "Router"):
        from oslo_service.applications import router

        return set_module(getattr(router, name), __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def list_opts() -> list[tuple[str | None, list[Any]]]:
    """Return the options for oslo-config-generator: (group, options) pairs."""
    return opts.listed((None, opts.wsgi_opts), ("oslo_service", opts.request_opts))


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of the server; idempotent.

    :param conf: the configuration.
    """
    opts.register_wsgi_opts(conf)


class Server(ServiceBase):
    """Serves a WSGI application over HTTP/1.1.

    Making one binds and listens, so that workers that are forked later share
    the socket; nothing is accepted before :meth:`start`. It also decides for
    good which driver the process runs on.

    Where systemd passes sockets to the process, sd_listen_fds(3), the server
    takes the one that has its ``name``, else the one that is bound to the address
    that it is given, and does not bind at all. Then ``backlog`` and
    ``socket_mode`` are what the socket's unit says.

    :param conf: the configuration; the options of the server, and of TLS where
        that is used, are registered on it.
    :param name: for the log, the names of tasks, and a socket that is passed.
    :param app: the application.
    :param host: a name or address to listen on; None: this machine's own.
    :param port: 0 takes any free one.
    :param pool_size: how many calls of the application run at a time; None:
        option ``wsgi_default_pool_size``.
    :param protocol: kept for compatibility: None, or what was the default
        once, ``eventlet.wsgi.HttpProtocol``.
    :param backlog: how many clients the system keeps waiting to be accepted.
    :param use_ssl: speak TLS, with the options of group ``ssl``.
    :param max_url_len: the longest request target, in bytes; None: 8192.
    :param logger_name: of the logger that gets the access log, at level INFO.
    :param socket_family: ``AF_INET``, ``AF_INET6`` or ``AF_UNIX``; None:
        whatever ``host`` has.
    :param socket_file: the path to listen on, for ``AF_UNIX``.
    :param socket_mode: the permissions of that file, such as ``0o660``.
    :param around_request: called with the environment of each request, in its
        thread; returns a context manager that is entered before the application is
        called, and left when its response is over.
    :raises InvalidInput: a parameter, an option, or a socket that is passed,
        that does not work.
    :raises OSError: it cannot listen there.
    :raises UnsupportedBackendError: the driver cannot be used here.
    :ivar host: the address, or path, that it listens on.
    :ivar port: the port; None for a path.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        name: str,
        app: "Application",
        host: str | None = "0.0.0.0",  # noqa: S104 - as ever
        port: int = 0,
        pool_size: int | None = None,
        protocol: Any = None,
        backlog: int = 128,
        use_ssl: bool = False,
        max_url_len: int | None = None,
        logger_name: str = "eventlet.wsgi.server",
        socket_family: int | None = None,
        socket_file: str | None = None,
        socket_mode: int | None = None,
        *,
        around_request: "AroundRequest | None" = None,
    ) -> None:
        super().__init__(conf)
        register_opts(conf)
        host = "localhost" if host is None else host
        parameters.check_numbers(
            pool_size=pool_size, max_url_len=max_url_len, backlog=backlog
        )
        parameters.check_protocol(protocol)
        parameters.check_address(host, port)
        parameters.check_functions(app=app, around_request=around_request)
        self.conf: cfg.ConfigOpts = conf
        self.name = name
        self.app = app
        self.default_pool_size: int = conf.wsgi_default_pool_size
        self.pool_size = pool_size or self.default_pool_size
        self.client_socket_timeout: int | None = conf.client_socket_timeout or None
        self._max_url_len = max_url_len or _LONGEST_URL
        self._logger = logging.getLogger(logger_name)
        self._around_request = around_request
        self._tls = self._make_context() if use_ssl else None
        self._driver = backend.commit(conf)
        self._log_format = self._checked_log_format()
        self._listening_socket = self._make_listening_socket(
            host, port, backlog, socket_family or 0, socket_file, socket_mode
        )
        self.host, self.port = self._listening_socket.host, self._listening_socket.port
        self._engine: Any = None
        self._lock = OwnLock()

    # What it listens with

    @property
    def socket(self) -> Any:
        """The listening socket."""
        return self._listening_socket.socket

    def _make_listening_socket(
        self,
        host: str,
        port: int,
        backlog: int,
        family: int,
        path: str | None,
        mode: int | None,
    ) -> listening.ListeningSocket:
        path = parameters.check_path(path, mode) if family == sockets.AF_UNIX else None
        try:
            address = listening.Address(host, port, backlog, family, path, mode)
            return listening.ListeningSocket(
                self._driver, self.name, address, self._set_socket_opts
            )
        except ValueError as exc:
            raise InvalidInput(str(exc)) from None

    def _set_socket_opts(self, _socket: Any) -> Any:
        """Set what the listening socket, and those of the clients, are to have.

        :param _socket: a socket of the network; those of clients inherit its options.
        :returns: the socket to use.
        """
        _socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        _socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
        if hasattr(sockets, "TCP_KEEPIDLE"):
            _socket.setsockopt(
                sockets.IPPROTO_TCP, sockets.TCP_KEEPIDLE, self.conf.tcp_keepidle
            )
        return _socket

    def _make_context(self) -> sslutils.LiveContext:
        if not sslutils.is_enabled(self.conf):
            raise InvalidInput(
                "use_ssl needs a certificate: set [ssl] cert_file and [ssl] key_file"
            )
        made = sslutils.LiveContext(self.conf)
        inheritance.add(made)
        return made

    def _renew_certificate(self) -> None:
        try:
            if self._tls is not None:
                self._tls.renew()
        except RuntimeError:
            LOG.exception("%s goes on with the certificate that it had", self.name)

    def _checked_log_format(self) -> str:
        template: str = self.conf.wsgi_log_format
        try:
            _setup().check_format(template)
        except ValueError as exc:
            raise InvalidInput(f"wsgi_log_format: {exc}") from None
        return template

    def _renew_log_format(self) -> None:
        try:
            self._log_format = self._checked_log_format()
        except InvalidInput:
            LOG.exception("%s goes on with the log format that it had", self.name)

    # The service

    def start(self) -> None:
        """Accept clients; does not wait.

        It is by the options of now, and with the certificate that their files have
        now: one that does not work is logged, and the one before stays.

        :raises OSError: it was stopped, and cannot listen there again.
        """
        with self._lock:
            if self._engine is not None and not self._engine.stopping:
                return
            supervisor = current.known()
            stopping = supervisor is not None and supervisor.stopping
            listener = self._listening_socket.duplicate(reopen=not stopping)
            if listener is None:
                LOG.info("%s does not start: the process is stopping", self.name)
                return
            self.host, self.port = (
                self._listening_socket.host,
                self._listening_socket.port,
            )
            self._renew_certificate()
            self._renew_log_format()
            engine = _setup().serve(
                self._driver,
                listener,
                self._session_factory(),
                pool_size=self.pool_size,
                shared=self._is_shared,
                name=self.name,
                slow=times.bounded(self.conf.oslo_service.slow_request),
                timeout=times.bounded(self.conf.oslo_service.request_timeout),
            )
            engine.start()
            self._engine = engine

    @property
    def _is_shared(self) -> bool:
        supervisor = current.known()
        return supervisor is not None and supervisor.has_parent

    def _session_factory(self) -> Any:
        """Return what makes sessions, by the options of today."""
        conf = self.conf
        timeout = self.client_socket_timeout = conf.client_socket_timeout or None
        named, tls = self.port is not None, self._tls
        supervisor = current.known()
        limit = None if supervisor is None else supervisor.request_limit
        return _setup().session_factory(
            self.app,
            host=self.host if named else "localhost",
            port=self.port if named else (443 if tls else 80),
            limits=_setup().Limits(
                url=self._max_url_len,
                header_line=conf.max_header_line,
                timeout=None if timeout is None else times.bounded(timeout),
                keep_alive=conf.wsgi_keep_alive,
            ),
            encrypt=None if tls is None else tls.encrypt,
            logger=self._logger,
            log_format=self._log_format,
            debug=conf.wsgi_server_debug,
            multiprocess=self._is_shared,
            parallel=self._driver.capabilities.parallel,
            around=self._around_request,
            count=None if limit is None else limit.count,
        )

    def stop(self) -> None:
        """Refuse new clients, and finish what has begun; does not wait.

        Clients are told that their connections end. Where the process restarts
        its services, the socket stays, and new clients wait for the start.
        """
        LOG.info("%s stops", self.name)
        supervisor = current.known()
        for_good = supervisor is None or not supervisor.restarts_in_place
        with self._lock:  # a start() that has begun is let finish
            self._listening_socket.release(close=for_good)
            if self._engine is not None:
                self._engine.stop(for_good=for_good)

    def wait(self) -> None:
        """Block until it was stopped, and everything that had begun is finished."""
        if self._engine is not None:
            LOG.debug("%s waits for %d requests", self.name, self._engine.running)
            self._engine.wait()

    def reset(self) -> None:
        """Take up what has changed: the certificate, the size of the pool.

        A certificate that does not work is logged, and the one before stays.
        """
        self._renew_certificate()
        if self._engine is not None:
            self._engine.resize(self.pool_size)

    @property
    def _pool(self) -> "_Pool":
        # Tests of projects look at its size.
        stopped = self._engine is not None and self._engine.stopping
        return _Pool(size=0 if stopped else self.pool_size)


class _Pool(NamedTuple):
    """How many calls of the application may run now."""

    size: int


def _setup() -> ModuleType:
    """Import the engine; not earlier, so that nobody else needs the parser.

    :raises ImportError: names what to install.
    """
    try:
        from oslo_service.serving import assembly
    except ImportError as exc:
        raise ImportError(
            f"wsgi.Server cannot be used: {exc}; install it with:"
            " pip install 'oslo.service[wsgi]'"
        ) from exc
    return assembly
