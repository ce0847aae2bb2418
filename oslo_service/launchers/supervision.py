# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor of this process, as launchers use it."""

import threading

from oslo_service._common.fork_safety import PerProcess
from oslo_service.backend.base import Driver
from oslo_service.launchers import observation
from oslo_service.launchers.admin_endpoint import open_admin_endpoint
from oslo_service.launchers.systemd import tell_systemd
from oslo_service.supervisor import current, forks
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.unit import Unit

__all__ = ("is_over", "launching", "supervise")

#: Held by whoever launches: of two that are the first, one makes the unit. Reentrant,
#: as a signal handler may launch.
launching = PerProcess(threading.RLock)


def supervise(driver: Driver, settings: Settings) -> Supervisor:
    """Return the supervisor of this process; to be called when something is launched.

    Not earlier: until then, a program may fork, to become a daemon.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    forks.watch()
    driver.here()  # it waits, though it may never have a task
    observation.offer()
    supervisor = current.of_process(driver)
    tell_systemd(supervisor)
    open_admin_endpoint(supervisor, settings)
    return supervisor


def is_over(unit: Unit, supervisor: Supervisor | None) -> bool:
    """Whether a launcher needs a new unit: its own has ended, or is the parent's.

    :param supervisor: what supervises the unit; None: nothing does.
    """
    return unit.ended.is_set() or (supervisor is not None and supervisor.left)
