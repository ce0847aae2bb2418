# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Opening the endpoint that the options ask for."""

import atexit
import logging
from collections.abc import Callable, Iterator

from oslo_config import cfg

from oslo_service._common.process_state import PerProcess
from oslo_service.admin import addresses, answering, resources
from oslo_service.admin.addresses import Address
from oslo_service.admin.server import AdminServer, Listener
from oslo_service.sockets import open_sockets
from oslo_service.sockets.binding import BoundSocket
from oslo_service.supervisor import subscribers
from oslo_service.supervisor.loop import Supervisor

__all__ = ("open_endpoint",)

LOG = logging.getLogger(__name__)

# Of what there is one.
_opened: PerProcess[Supervisor | None] = PerProcess(lambda: None)


def open_endpoint(supervisor: Supervisor, conf: cfg.ConfigOpts) -> None:
    """Open it, unless it is open: it is served whenever anybody waits for a launcher.

    A place that cannot be had is logged: the service goes on without.

    :param supervisor: what is shown, and told.
    :param conf: has the options.
    """
    if _opened.get() is supervisor and supervisor.guests:
        return
    _opened.set(supervisor)
    listeners = list(_listeners(supervisor, conf))
    if listeners:
        answering.begin()
        endpoint = resources.Endpoint(supervisor)
        forget = subscribers.subscribe(endpoint.hear)
        select = supervisor.driver.original("select")
        try:
            server = AdminServer(listeners, endpoint.routes.answer, forget, select)
        except OSError as exc:
            LOG.error("There is no admin endpoint: %s", exc)  # noqa: TRY400 - likewise
            for listener in listeners:
                listener.close(BoundSocket.close)
        else:
            supervisor.receive(server)


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
    open_sockets.add_last(bound)
    atexit.register(bound.remove_file)
    LOG.info("The admin endpoint listens on %s", text)
    return bound
