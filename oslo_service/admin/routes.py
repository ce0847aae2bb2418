# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Routing a request to the handler of its path."""

import logging
from collections.abc import Callable

from oslo_service.admin.messages import Answer, Ask, Refused, failure, refusal

__all__ = ("Handler", "Routes")

LOG = logging.getLogger(__name__)

Handler = Callable[[Ask], Answer]


class Routes:
    """The paths of the endpoint, with their handlers."""

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str, Handler]] = {}
        self._public: set[str] = set()

    def get(self, path: str, handler: Handler, *, public: bool = False) -> None:
        """Add a path with a handler.

        :param public: whether clients that do not come through the control socket get
            an answer, too.
        """
        self._handlers.setdefault(path, {})["GET"] = handler
        if public:
            self._public.add(path)

    def post(self, path: str, handler: Handler) -> None:
        """Add the path of an order, with its handler."""
        self._handlers.setdefault(path, {})["POST"] = handler

    def answer(self, ask: Ask) -> Answer:
        """Answer any request; never raises."""
        known = self._handlers if ask.trusted else self._public
        if ask.path not in known:
            there = ", ".join(sorted(known))
            return refusal(404, f"there is no {ask.path}; there are: {there}")
        methods = self._handlers[ask.path]
        handler = methods.get("GET" if ask.method == "HEAD" else ask.method)
        if handler is None:
            allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
            reason = f"{ask.path} does not know {ask.method}, but: {allowed}"
            return refusal(405, reason, ("Allow", allowed))
        try:
            return handler(ask)
        except Refused as exc:
            return refusal(exc.status, str(exc))
        except Exception:
            LOG.exception("%s %s could not be answered", ask.method, ask.path)
            return failure()
