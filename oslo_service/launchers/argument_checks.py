# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The checks that launchers make of what they are given."""

import logging

from oslo_service._common.fork_safety import Inherited
from oslo_service._common.service_base import ServiceBase, check_methods
from oslo_service.supervisor.configuration import Settings

__all__ = ("check_service", "check_workers", "warn_of_rolling")

LOG = logging.getLogger(__name__)

_warned: Inherited[bool] = Inherited(lambda: False)


def check_service(service: object) -> None:
    """Refuse what a launcher cannot run.

    :raises TypeError: it is not a :class:`ServiceBase`, or a method is asynchronous.
    """
    if not isinstance(service, ServiceBase):
        raise TypeError(
            f"a launcher runs instances of oslo_service.service.ServiceBase,"
            f" not {service!r}"
        )
    check_methods(service)


def warn_of_rolling(settings: Settings) -> None:
    """Warn once that ``rolling`` needs workers."""
    if settings.rolls and not _warned.get():
        _warned.set(True)
        LOG.warning(
            "restart_method='rolling' is 'reload' in a process that runs its services"
            " itself: it has no workers to replace one after the other"
        )


def check_workers(workers: object) -> int:
    """Return the number of workers; None stands for 1.

    :raises TypeError: it is not an integer.
    :raises ValueError: it is less than 1.
    """
    if workers is None:
        return 1
    if not isinstance(workers, int) or isinstance(workers, bool):
        raise TypeError(f"workers is an integer or None, not {workers!r}")
    if workers < 1:
        raise ValueError(f"workers is 1 or more, not {workers}")
    return workers
