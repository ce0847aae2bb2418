# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Telling systemd how the services of a launcher fare."""

import os

from oslo_service import systemd
from oslo_service.supervisor import loop
from oslo_service.supervisor.systemd import wire

__all__ = ("check_systemd", "tell_systemd")


def check_systemd() -> None:
    """Refuse variables of systemd that have no meaning, before anything is launched.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    if wire.is_wanted():
        from oslo_service.supervisor.systemd import watchdog

        watchdog.interval(os.environ)


def tell_systemd(supervisor: loop.Supervisor) -> None:
    """Have systemd told how the services fare; a worker tells its parent instead.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    if supervisor.has_parent:
        return
    supervisor.reporter.announce = lambda *further: systemd.notify_once(*further)
    supervisor.reporter.tell_service_manager()
