# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The choice of a poller, by what the system has."""

from oslo_service.backend.base import Driver
from oslo_service.serving.epoll_poller import EpollPoller
from oslo_service.serving.poller import Poller
from oslo_service.serving.portable_poller import PortablePoller

__all__ = ("make",)


def make(driver: Driver) -> Poller:
    """Return the best poller that there is here."""
    if hasattr(driver.original("select"), "epoll"):
        return EpollPoller(driver)
    return PortablePoller(driver)
