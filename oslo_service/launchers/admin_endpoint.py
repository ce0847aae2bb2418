# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The admin endpoint of a process that supervises, where an option asks for it."""

from oslo_service._common.fork_safety import Inherited
from oslo_service.supervisor import current
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.loop import Supervisor

__all__ = ("open_admin_endpoint", "prepare_worker")

# Whether this process has it, or the one that it was forked from.
_is_open = Inherited(lambda: False)


def open_admin_endpoint(supervisor: Supervisor, settings: Settings) -> None:
    """Open the endpoint, where an option asks for it; idempotent. A worker has none."""
    if supervisor.has_parent or not _is_wanted(settings):
        return
    # Not earlier: most processes do not need it.
    from oslo_service.admin import opening

    _is_open.set(opening.open_endpoint(supervisor, settings.conf))


def prepare_worker(settings: Settings) -> None:
    """Prepare a worker for the questions of a parent that has the endpoint."""
    # A forked one knows whether its parent has it, whatever the files say by now; one
    # that is spawned, whether its parent asks anything at all.
    if _is_open.get() or (_is_asked() and _is_wanted(settings)):
        from oslo_service.admin import answering

        answering.begin_worker()


def _is_asked() -> bool:
    supervisor = current.known()
    return supervisor is not None and supervisor.is_asked


def _is_wanted(settings: Settings) -> bool:
    group = getattr(settings.conf, "oslo_service", None)
    found = [getattr(group, name, None) for name in ("admin_socket", "admin_address")]
    return any(isinstance(one, str) and one for one in found)  # a mock has none
