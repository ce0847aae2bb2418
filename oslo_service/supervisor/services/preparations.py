# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process does before it starts a service."""

from collections.abc import Callable

from oslo_config import cfg

from oslo_service._common.process_state import Inherited

__all__ = ("add", "prepare")

_calls: Inherited[list[Callable[[cfg.ConfigOpts], object]]] = Inherited(list)


def add(call: Callable[[cfg.ConfigOpts], object]) -> None:
    """Have something done before a service is started: here, and in workers.

    :param call: called with the launcher's configuration; what it raises is a failure
        of the service's ``start()``.
    """
    _calls.get().append(call)


def prepare(conf: cfg.ConfigOpts | None) -> None:
    """Do it.

    :param conf: the launcher's; None: there is no launcher.
    """
    if conf is not None:
        for call in _calls.get():
            call(conf)
