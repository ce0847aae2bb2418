# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Routing requests to applications.

This imports WebOb and Routes, which take long: it is itself imported at its first use.
"""

from typing import Any

from oslo_service._common import extras

__all__ = ("Request", "Router")

webob = extras.need("webob", "wsgi")
dec = extras.need("webob.dec", "wsgi")
exc = extras.need("webob.exc", "wsgi")
middleware = extras.need("routes.middleware", "wsgi")

_Base: Any = webob.Request


class Request(_Base):  # type: ignore[misc]
    """A request as :class:`Router` makes it; a place for a project's own."""


class Router:
    """Hands a request to the application that a mapper finds for it.

    A route's ``controller`` is that application. It finds what else the route
    says in ``environ["wsgiorg.routing_args"]``, as does WebOb in
    ``request.urlvars``. Where no route matches, the answer is 404.

    :param mapper: a ``routes.Mapper``.
    :ivar map: the mapper.
    """

    def __init__(self, mapper: Any) -> None:
        self.map = mapper
        self._router = middleware.RoutesMiddleware(self._dispatch, mapper)

    @dec.wsgify(RequestClass=Request)  # type: ignore[untyped-decorator]
    def __call__(self, request: Request) -> Any:  # noqa: ARG002 - WebOb wants it
        """Answer a request: ``router(environ, start_response)``."""
        return self._router

    @staticmethod
    @dec.wsgify(RequestClass=Request)  # type: ignore[untyped-decorator]
    def _dispatch(request: Request) -> Any:
        # Called when the mapper has left what it found in the environment.
        _, found = request.environ["wsgiorg.routing_args"]
        controller = found.get("controller")
        return exc.HTTPNotFound() if controller is None else controller
