# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor, as launchers have it."""

from oslo_service.backend.base import Driver
from oslo_service.launchers import observation
from oslo_service.launchers.endpoint import open_endpoint
from oslo_service.launchers.systemd import tell_systemd
from oslo_service.supervisor import current, forks
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.settings import Settings

__all__ = ("supervise",)


def supervise(driver: Driver, settings: Settings) -> Supervisor:
    """Return the supervisor of this process: something is being launched.

    Not earlier: a program may become another process, a daemon, until then.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    forks.watch()
    observation.offer()
    supervisor = current.of_process(driver)
    tell_systemd(supervisor)
    open_endpoint(supervisor, settings)
    return supervisor
