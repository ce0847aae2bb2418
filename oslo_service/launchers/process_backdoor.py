# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The back door of a process in which services run."""

import contextlib
import logging
import os

from oslo_config import cfg

from oslo_service import backdoor
from oslo_service._common.service_base import ServiceBase
from oslo_service.backend.base import Driver
from oslo_service.supervisor.configuration import Settings

__all__ = ("open_backdoor", "record_backdoor")

LOG = logging.getLogger(__name__)


def open_backdoor(service: ServiceBase, driver: Driver, settings: Settings) -> None:
    """Open the back door of this process, if wanted, and record it in a service."""
    port: int | str | None = None
    try:
        port = backdoor.open_if_enabled(driver, settings.conf)
    except (cfg.Error, ValueError):  # the configuration was read again since then
        LOG.exception("Process %d has no back door", os.getpid())
    record_backdoor(service, port)


def record_backdoor(service: ServiceBase, port: int | str | None) -> None:
    """Record in a service where its back door listens: ``service.backdoor_port``.

    A service that has a property of that name is left alone.
    """
    with contextlib.suppress(AttributeError):
        service.backdoor_port = port  # type: ignore[attr-defined]
