# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor of this process: there is one."""

from oslo_service._common.fork_safety import PerProcess
from oslo_service.backend.base import Driver
from oslo_service.supervisor.loop import Supervisor

__all__ = ("known", "leave", "of_process", "replace")

_supervisor: PerProcess[Supervisor | None] = PerProcess(lambda: None)


def of_process(driver: Driver) -> Supervisor:
    """Return the supervisor of this process."""
    supervisor = known()
    if supervisor is not None:
        if supervisor.driver is driver or supervisor.units:
            return supervisor
        supervisor.abandon()  # of a driver that a test has left
    supervisor = Supervisor(driver)
    replace(supervisor)
    return supervisor


def known() -> Supervisor | None:
    """Return the supervisor of this process where there is one; make none."""
    return _supervisor.get()


def replace(supervisor: Supervisor) -> None:
    """Make this the supervisor of the process."""
    _supervisor.set(supervisor)


def leave() -> bool:
    """Leave the parent's supervisor to the parent, in a forked process.

    :returns: whether there was one.
    """
    parents = _supervisor.of_parent()
    if parents is None or parents.left:
        return False
    parents.leave()
    return True
