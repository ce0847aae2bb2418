# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The back door of a process that services run in."""

import contextlib
import logging
import os

from oslo_config import cfg

from oslo_service import backdoor
from oslo_service._common.service_base import ServiceBase
from oslo_service.backend.base import Driver
from oslo_service.supervisor.settings import Settings

__all__ = ("open_backdoor", "with_backdoor")

LOG = logging.getLogger(__name__)


def open_backdoor(service: ServiceBase, driver: Driver, settings: Settings) -> None:
    """Open a back door for a service, and the process that it is to run in."""
    port: int | str | None = None
    try:
        port = backdoor.open_if_enabled(driver, settings.conf)
    except (cfg.Error, ValueError):  # read again since the launcher has accepted it
        LOG.exception("Process %d has no back door", os.getpid())
    with_backdoor(service, port)


def with_backdoor(service: ServiceBase, port: int | str | None) -> ServiceBase:
    """Record in a service where its back door listens; return the service.

    One that cannot take it, as it has a property of that name, does without.
    """
    with contextlib.suppress(AttributeError):
        service.backdoor_port = port  # type: ignore[attr-defined]
    return service
