# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The API: what is answered to a request, and what is in front of that.

The functions at the end are what api-paste.ini names.
"""

import dataclasses
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import routes
import webob
import webob.dec
import webob.exc
from oslo_config import cfg

import options
import store
from oslo_service import wsgi

# More than any item takes, in bytes.
_LONGEST_BODY = 16384
_READING = ("GET", "HEAD")
JSON = "application/json"

Application = Callable[..., Any]


class Items:
    """Answers requests for items: one method for each action of a route.

    :param conf: the configuration.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._stock = store.Store(conf[options.GROUP].database)

    @webob.dec.wsgify(RequestClass=wsgi.Request)
    def __call__(self, request: wsgi.Request) -> webob.Response:
        """Answer a request that the router has found a route for."""
        if self._conf[options.GROUP].read_only and request.method not in _READING:
            raise refusal(webob.exc.HTTPServiceUnavailable, "no changes at present")
        arguments = dict(request.urlvars)
        del arguments["controller"]
        try:
            return getattr(self, arguments.pop("action"))(request, **arguments)
        except store.Taken:
            raise refusal(webob.exc.HTTPConflict, "that name is taken") from None

    def index(self, request: wsgi.Request) -> webob.Response:  # noqa: ARG002
        """List the items."""
        items = [dataclasses.asdict(item) for item in self._stock.items()]
        return answer({"items": items})

    def create(self, request: wsgi.Request) -> webob.Response:
        """Add an item."""
        item = self._stock.add(*described(request))
        return answer(
            dataclasses.asdict(item),
            status=201,
            location=f"{request.application_url}/items/{item.id}",
        )

    def show(self, request: wsgi.Request, number: str) -> webob.Response:  # noqa: ARG002
        """Show an item."""
        item = self._stock.item(int(number))
        if item is None:
            raise missing(number)
        return answer(dataclasses.asdict(item))

    def update(self, request: wsgi.Request, number: str) -> webob.Response:
        """Change an item."""
        item = store.Item(int(number), *described(request))
        if not self._stock.put(item):
            raise missing(number)
        return answer(dataclasses.asdict(item))

    def delete(self, request: wsgi.Request, number: str) -> webob.Response:  # noqa: ARG002
        """Remove an item."""
        if not self._stock.remove(int(number)):
            raise missing(number)
        return webob.Response(status=204)

    def export(self, request: wsgi.Request) -> webob.Response:  # noqa: ARG002
        """Send all items, a line each, however many there are."""

        def lines() -> Iterator[bytes]:
            for item in self._stock.items():
                yield encode(dataclasses.asdict(item))

        return webob.Response(app_iter=lines(), content_type="application/x-ndjson")


def encode(value: object) -> bytes:
    """Make JSON; with the end of a line, for those at a terminal."""
    return json.dumps(value).encode() + b"\n"


def answer(value: object, **response: Any) -> webob.Response:
    """Make a response of a value."""
    return webob.Response(encode(value), content_type=JSON, **response)


def refusal(kind: type[webob.exc.HTTPError], reason: str) -> webob.exc.HTTPError:
    """Make an error that says why, in JSON."""
    return kind(body=encode({"error": reason}), content_type=JSON)


def missing(number: str) -> webob.exc.HTTPError:
    """Make the error about an item that is not there."""
    return refusal(webob.exc.HTTPNotFound, f"there is no item {number}")


def described(request: wsgi.Request) -> tuple[str, int]:
    """Return the name and the quantity that the body of a request tells."""
    if request.content_length is None or request.content_length > _LONGEST_BODY:
        raise refusal(webob.exc.HTTPRequestEntityTooLarge, "that is no short body")
    try:
        told = request.json_body
        name, quantity = told["name"], told["quantity"]
    except (ValueError, TypeError, KeyError):
        name = quantity = None
    if type(name) is not str or type(quantity) is not int or quantity < 0:
        raise refusal(
            webob.exc.HTTPBadRequest,
            'expected {"name": text, "quantity": number}, in JSON',
        )
    return name, quantity


class JsonErrors:
    """A filter that makes the errors JSON that are not, such as the router's.

    :param app: the application behind it.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        """Pass a request on, and replace the response where that takes it."""
        # Asked for JSON, WebOb would make errors in a JSON of its own.
        request.accept = "text/plain"
        response = request.get_response(self._app)
        if response.status_int < 400 or response.content_type == JSON:
            return response
        reason = response.status.partition(" ")[2].lower()
        return answer({"error": reason}, status=response.status)


class Token:
    """A filter that lets nobody change anything who does not know a secret.

    :param app: the application behind it.
    :param token: the secret.
    """

    def __init__(self, app: Application, token: str) -> None:
        self._app = app
        self._token = token.encode()

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> Application:
        """Pass a request on, or refuse it."""
        told = request.headers.get("X-Auth-Token", "").encode("utf-8", "replace")
        if request.method in _READING or hmac.compare_digest(told, self._token):
            return self._app
        raise refusal(webob.exc.HTTPUnauthorized, "X-Auth-Token is wrong or missing")


def make_router(global_conf: dict[str, str]) -> wsgi.Router:  # noqa: ARG001
    """Make the application."""
    mapper, items = routes.Mapper(), Items(cfg.CONF)

    def connect(path: str, **actions: str) -> None:
        for method, action in actions.items():
            mapper.connect(
                *(None, path),
                controller=items,
                action=action,
                conditions={"method": [method]},
                requirements={"number": "[0-9]{1,9}"},
            )

    connect("/items", GET="index", HEAD="index", POST="create")
    connect("/items/{number}", GET="show", PUT="update", DELETE="delete")
    connect("/export", GET="export")
    return wsgi.Router(mapper)


def make_json_errors(
    global_conf: dict[str, str],  # noqa: ARG001
) -> Callable[[Application], JsonErrors]:
    """Make the filter ``errors``."""
    return JsonErrors


def make_token(
    global_conf: dict[str, str],  # noqa: ARG001
    token: str,
) -> Callable[[Application], Token]:
    """Make the filter ``token``."""
    return lambda app: Token(app, token)
