# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which path is answered by what."""

import logging
from collections.abc import Callable

from oslo_service.admin.replies import Answer, Ask, Refused, failure, refusal

__all__ = ("Handler", "Routes")

LOG = logging.getLogger(__name__)

Handler = Callable[[Ask], Answer]


class Routes:
    """The paths of the endpoint, and who answers."""

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str, Handler]] = {}
        self._public: set[str] = set()

    def get(self, path: str, handler: Handler, *, public: bool = False) -> None:
        """Have a path answered.

        :param public: also to clients that did not come through the control socket.
        """
        self._handlers.setdefault(path, {})["GET"] = handler
        if public:
            self._public.add(path)

    def post(self, path: str, handler: Handler) -> None:
        """Have an order carried out."""
        self._handlers.setdefault(path, {})["POST"] = handler

    def answer(self, ask: Ask) -> Answer:
        """Answer a request, whatever it is."""
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
