# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The address that the back door listens on, as the options say."""

import os

from oslo_config import cfg

from oslo_service import opts
from oslo_service._common import port_numbers
from oslo_service._common.records import Record
from oslo_service.backend.exceptions import OsloServiceError

__all__ = ("BackdoorAddress", "EventletBackdoorConfigValueError", "configured")


class EventletBackdoorConfigValueError(OsloServiceError, ValueError):
    """The option ``backdoor_port`` has a value that does not work.

    :param port_range: the value.
    :param help_msg: which values do.
    :param ex: what is wrong with it.
    """

    def __init__(self, port_range: str, help_msg: str, ex: object) -> None:
        super().__init__(f"backdoor_port cannot be {port_range!r}: {ex}. {help_msg}")
        self.port_range = port_range


class BackdoorAddress(Record):
    """An address to listen on: a path, or the first of the ports that is free."""

    path: str | None
    ports: range = range(0)


def configured(conf: cfg.ConfigOpts) -> BackdoorAddress | None:
    """Return the address of the back door of this process; None: it has none.

    :param conf: the configuration, on which the options are registered.
    :raises EventletBackdoorConfigValueError: ``backdoor_port`` has a wrong value.
    """
    port, path = conf.backdoor_port, conf.backdoor_socket
    # Checked also where the path is used instead: a wrong value is wrong all the same.
    ports = range(0) if port is None else _ports(port)
    if path:
        return BackdoorAddress(path.replace("{pid}", str(os.getpid())))
    return None if port is None else BackdoorAddress(None, ports)


def _ports(text: str) -> range:
    try:
        return _read_ports(text)
    except ValueError as exc:
        raise EventletBackdoorConfigValueError(
            text, opts.help_for_backdoor_port, exc
        ) from None


def _read_ports(text: str) -> range:
    first, colon, last = text.partition(":")
    start = port_numbers.read(first.strip())
    end = port_numbers.read(last.strip()) if colon else start
    if colon and not 1 <= start <= end:
        raise ValueError(f"there is no port from {start} to {end}")
    return range(start, end + 1)
