# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What launchers have systemd told."""

from oslo_service import systemd
from oslo_service.supervisor import loop

__all__ = ("tell_systemd",)


def tell_systemd(supervisor: loop.Supervisor) -> None:
    """Have systemd told how the services fare; a worker tells its parent instead.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    if supervisor.has_parent:
        return
    supervisor.announce = lambda *further: systemd.notify_once(*further)
    supervisor.tell_service_manager()
