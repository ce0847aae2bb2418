# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The debugging back door, under the name that it has had since it was Eventlet's.

It is the same on every driver; launchers open it by themselves.
"""

from oslo_config import cfg

from oslo_service import backdoor, backend
from oslo_service._common.public_names import set_modules
from oslo_service.backdoor.address import EventletBackdoorConfigValueError

__all__ = ("EventletBackdoorConfigValueError", "initialize_if_enabled")

set_modules(globals())


def initialize_if_enabled(conf: cfg.ConfigOpts) -> int | str | None:
    """Open the back door where the options ask for one.

    Decides for good which driver the process runs on, where one is asked for.
    One that is open already stays, and is the answer.

    :param conf: the configuration; the options are registered on it.
    :returns: the port, or the path of the socket, that it listens on; None:
        there is none, because it is not wanted, or, as the log says then,
        because it is not possible there.
    :raises EventletBackdoorConfigValueError: ``backdoor_port`` cannot be that.
    """
    if not backdoor.is_wanted(conf):
        return None
    return backdoor.open_if_enabled(backend.commit(conf), conf)
