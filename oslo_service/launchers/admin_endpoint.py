# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The admin endpoint of a process that supervises, where an option asks for it."""

from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.settings import Settings

__all__ = ("open_admin_endpoint", "prepare_worker")


def open_admin_endpoint(supervisor: Supervisor, settings: Settings) -> None:
    """Open the endpoint, where an option asks for it; idempotent. A worker has none."""
    if supervisor.has_parent or not _is_wanted(settings):
        return
    # Not earlier: most processes do not need it.
    from oslo_service.admin import opening

    opening.open_endpoint(supervisor, settings.conf)


def prepare_worker(settings: Settings) -> None:
    """Prepare a worker for the questions of a parent that has the endpoint."""
    # A forked one knows whether its parent has it, whatever the files say by now.
    if registry.is_wanted() or _is_wanted(settings):
        from oslo_service.admin import answering

        answering.begin_worker()


def _is_wanted(settings: Settings) -> bool:
    group = getattr(settings.conf, "oslo_service", None)
    found = [getattr(group, name, None) for name in ("admin_socket", "admin_address")]
    return any(isinstance(one, str) and one for one in found)  # a mock has none
