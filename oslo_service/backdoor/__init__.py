# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The back door: a Python console in a process that runs, for debugging."""

import functools
from typing import Any

from oslo_config import cfg

from oslo_service import opts
from oslo_service.backdoor import address
from oslo_service.backend.base import Driver

__all__ = ("is_wanted", "open_if_enabled")


def is_wanted(conf: cfg.ConfigOpts) -> bool:
    """Whether the options ask for a back door; opens nothing.

    :param conf: the configuration; the options are registered on it.
    :raises EventletBackdoorConfigValueError: ``backdoor_port`` has a wrong value.
    """
    opts.register_service_opts(conf)
    return address.configured(conf) is not None


def open_if_enabled(driver: Driver, conf: cfg.ConfigOpts) -> int | str | None:
    """Open the back door that the options ask for, unless it is open already.

    A back door that cannot be opened is logged: a service can do without.

    :param driver: the driver to run it on.
    :param conf: the configuration, on which the options are registered.
    :returns: the port, or the path of the socket; None: there is no back door.
    :raises EventletBackdoorConfigValueError: ``backdoor_port`` has a wrong value.
    """
    configured = address.configured(conf)
    if configured is None:
        return None
    # Imported here, since few programs need it.
    from oslo_service.backdoor import server

    return server.open_at(
        configured, driver, functools.partial(_converse, driver, conf)
    )


def _converse(driver: Driver, conf: cfg.ConfigOpts, client: Any) -> None:
    from oslo_service.backdoor import console

    console.converse(driver, conf, client)
