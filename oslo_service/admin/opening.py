# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Opening the endpoint that the options ask for."""

import atexit
import logging
from collections.abc import Callable, Iterator

from oslo_config import cfg

from oslo_service._common.fork_safety import PerProcess
from oslo_service.admin import addresses, answering
from oslo_service.admin.addresses import Address
from oslo_service.admin.endpoint import Endpoint
from oslo_service.admin.interest_list import InterestList
from oslo_service.admin.server import AdminServer, Listener
from oslo_service.sockets import open_sockets
from oslo_service.sockets.binding import BoundSocket
from oslo_service.supervisor import events, subscribers
from oslo_service.supervisor.loop import Supervisor

__all__ = ("open_endpoint",)

LOG = logging.getLogger(__name__)

# The supervisor whose endpoint is open: a process has one.
_opened: PerProcess[Supervisor | None] = PerProcess(lambda: None)


def open_endpoint(supervisor: Supervisor, conf: cfg.ConfigOpts) -> bool:
    """Open it, unless it is open: it is served while a task waits for a launcher.

    An address that cannot be listened on is logged: the service goes on without it.

    :param supervisor: the supervisor that is shown, and told.
    :param conf: has the options.
    :returns: whether it is open.
    """
    if _opened.get() is supervisor and supervisor.added_sources:
        return True
    _opened.set(supervisor)
    listeners = list(_listeners(supervisor, conf))
    if not listeners:
        return False
    try:
        interest = InterestList(supervisor.driver.original("select"))
    except OSError as exc:
        LOG.error("There is no admin endpoint: %s", exc)  # noqa: TRY400 - likewise
        for listener in listeners:
            listener.close(BoundSocket.close)
        return False
    # Only now, when it is served, are events heard for it, and questions answered.
    answering.begin()
    endpoint = Endpoint(supervisor)
    forget = subscribers.subscribe(_Hearer(endpoint, conf).hear)
    answer = endpoint.routes.answer
    supervisor.add_source(AdminServer(listeners, answer, forget, interest))
    return True


class _Hearer:
    """Hears events; warns when the configuration has another address by now.

    :param endpoint: is told of the events.
    :param conf: has the options.
    """

    def __init__(self, endpoint: Endpoint, conf: cfg.ConfigOpts) -> None:
        self._endpoint = endpoint
        self._conf = conf
        self._known = self._read()
        self._opened = dict(self._known)

    def _read(self) -> dict[str, object]:
        group = self._conf.oslo_service
        return {one: group[one] for one in ("admin_socket", "admin_address")}

    def hear(self, event: events.Event) -> None:
        """Take note of an event."""
        self._endpoint.hear(event)
        if isinstance(event, events.ReloadFinished):
            before, self._known = self._known, self._read()
            for option, text in self._known.items():
                if text not in (before[option], self._opened[option]):
                    self._warn(option, text)

    def _warn(self, option: str, text: object) -> None:
        LOG.warning(
            "[oslo_service] %s has changed from %s to %s: that takes effect when the"
            " program is started again",
            *(option, self._opened[option] or "unset", text or "unset"),
        )


def _listeners(supervisor: Supervisor, conf: cfg.ConfigOpts) -> Iterator[Listener]:
    group = conf.oslo_service
    for option, find in (
        ("admin_socket", Address.of_socket),
        ("admin_address", addresses.parse),
    ):
        text = group[option]
        if text:
            bound = _bind(supervisor, option, text, find)
            if bound is not None:
                yield Listener(bound, trusted=option == "admin_socket")


def _bind(
    supervisor: Supervisor, option: str, text: str, find: Callable[[str], Address]
) -> BoundSocket | None:
    try:
        bound = find(text).listen(supervisor.driver.original("socket"))
    except (OSError, ValueError) as exc:
        LOG.error(  # noqa: TRY400 - where in the library it was tells nobody anything
            "[oslo_service] %s = %s has no effect, and the service goes on without: %s",
            *(option, text, getattr(exc, "strerror", None) or exc),
        )
        return None
    open_sockets.add_until_end(bound)
    atexit.register(bound.remove_file)
    LOG.info("The admin endpoint listens on %s", text)
    return bound
