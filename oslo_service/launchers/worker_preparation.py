# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a worker process needs before its service starts."""

from oslo_service._common.service_base import ServiceBase
from oslo_service.backend.base import Driver
from oslo_service.launchers import admin_endpoint, observation
from oslo_service.launchers.process_backdoor import open_backdoor
from oslo_service.supervisor.configuration import Settings

__all__ = ("prepare",)


def prepare(service: ServiceBase, driver: Driver, settings: Settings) -> None:
    """Prepare a worker process for a service, which starts next."""
    observation.offer()
    admin_endpoint.prepare_worker(settings)
    open_backdoor(service, driver, settings)
