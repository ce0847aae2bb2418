# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The endpoint: what it shows and does at which path."""

from oslo_service._common import digits
from oslo_service.admin.deferred_replies import Heard
from oslo_service.admin.history import History
from oslo_service.admin.messages import Answer, Ask, Refused, as_json
from oslo_service.admin.metrics.scraping import Metrics
from oslo_service.admin.orders import Orders
from oslo_service.admin.routes import Routes
from oslo_service.admin.views import Views
from oslo_service.supervisor.events import Event
from oslo_service.supervisor.loop import Supervisor

__all__ = ("Endpoint",)


class Endpoint:
    """Everything that the endpoint shows and does, by paths.

    :param supervisor: the supervisor that is shown, and told.
    :ivar routes: the paths, with their handlers.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._history = History()
        heard = Heard()
        views = Views(supervisor)
        metrics = Metrics(supervisor)
        orders = Orders(supervisor, heard)
        self._hearers = (self._history.add, heard.hear)
        self.routes = routes = Routes()
        routes.get("/live", views.live, public=True)
        routes.get("/ready", views.ready, public=True)
        routes.get("/health", views.health, public=True)
        routes.get("/metrics", metrics.show, public=True)
        routes.get("/status", views.status)
        routes.get("/work", views.work)
        routes.get("/stacks", views.stacks)
        routes.get("/loops", views.loops)
        routes.get("/events", self._events)
        routes.post("/reload", orders.reload)
        routes.post("/workers", orders.resize)
        routes.post("/recycle", orders.recycle)
        routes.post("/stop", orders.stop)
        routes.post("/log-level", orders.set_level)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        for hear in self._hearers:
            hear(event)

    def _events(self, ask: Ask) -> Answer:
        last = self._history.last
        follows = "follow" in ask.query or "text/event-stream" in ask.fields.get(
            "HTTP_ACCEPT", ""
        )
        text = ask.query.get("since") or ask.fields.get("HTTP_LAST_EVENT_ID", "")
        since = digits.read(text)
        if text and since is None:
            raise Refused(400, f"since is the number of an event, not {text!r}")
        if follows:
            return self._history.follow(last if since is None else since)
        found = self._history.since(since or 0)
        return as_json({"last": last, "events": found})
