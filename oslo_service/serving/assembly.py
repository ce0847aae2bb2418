# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Putting a server together: the only module here that a facade imports."""

import contextvars
import functools
import logging
from collections.abc import Callable
from typing import Any

from oslo_service.backend.base import Driver, HttpServer
from oslo_service.http import environ
from oslo_service.http.access_log import AccessLog, check_format
from oslo_service.http.gateway import Application, AroundRequest, Gateway
from oslo_service.http.limits import Limits
from oslo_service.http.tls import Encrypt
from oslo_service.serving import metering
from oslo_service.serving.engine import Engine
from oslo_service.serving.served import Served
from oslo_service.serving.server_config import ServerConfig
from oslo_service.serving.session import Session
from oslo_service.serving.watching_engine import WatchingEngine

__all__ = ("Limits", "check_format", "serve", "session_factory")

# What stands for every address of the machine.
_UNSPECIFIC = frozenset(("0.0.0.0", "::"))  # noqa: S104 - it is looked for


def session_factory(
    application: Application,
    *,
    host: str,
    port: int,
    limits: Limits,
    encrypt: Encrypt | None,
    logger: logging.Logger,
    log_format: str,
    debug: bool,
    multiprocess: bool,
    parallel: bool,
    around: AroundRequest | None = None,
    count: Callable[[], object] | None = None,
) -> Callable[[Any, Any, Engine], Session]:
    """Return what makes a session of a client's socket, its address, and an engine.

    :param application: a WSGI application.
    :param host: what applications are told as the server's name.
    :param port: what they are told as its port.
    :param limits: what clients may do.
    :param encrypt: makes what a new connection is encrypted with; None: none is.
    :param logger: gets the access log.
    :param log_format: see :func:`.access_log.check_format`.
    :param debug: whether clients see tracebacks.
    :param multiprocess: whether other processes serve the application, too.
    :param parallel: as in :class:`.Gateway`.
    :param around: likewise.
    :param count: called after each request.
    """
    config = ServerConfig(
        gateway=Gateway(
            application,
            AccessLog(logger, log_format),
            debug=debug,
            around=around,
            meter=metering.meter(),
            parallel=parallel,
        ),
        limits=limits,
        encrypt=encrypt,
        environ=environ.of_server(
            host, str(port), tls=encrypt is not None, multiprocess=multiprocess
        ),
        unspecific=host in _UNSPECIFIC,
        context_variables=contextvars.copy_context(),
        count=count,
    )
    return functools.partial(Session, config)


def serve(
    driver: Driver,
    listener: Any,
    connect: Callable[[Any, Any, Any], Served],
    *,
    pool_size: int,
    shared: bool,
    name: str,
    slow: float,
    timeout: float,
) -> HttpServer:
    """Return what serves a listening socket: the driver's own, else an engine.

    The parameters are those of :meth:`.Driver.serve`, and of :class:`.WatchingEngine`.
    """
    own = driver.serve(listener, connect, pool_size=pool_size, shared=shared, name=name)
    if own is not None:
        return own
    make: Callable[..., Engine] = Engine
    if slow or timeout:
        make = functools.partial(WatchingEngine, slow=slow, timeout=timeout)
    return make(
        driver, listener, connect, pool_size=pool_size, shared=shared, name=name
    )
