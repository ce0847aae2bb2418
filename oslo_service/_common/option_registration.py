# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Registering options that may be registered already."""

import contextlib
import threading
from typing import Any

from oslo_config import cfg

from oslo_service._common.fork_safety import PerProcess

__all__ = ("register",)

# Two threads that register in a new group at a time would each make the group,
# and the options in one of the two would be lost. Reentrant for the sake of
# signal handlers; of each process, as a fork may come while it is held.
_registering = PerProcess(threading.RLock)


def register(
    conf: cfg.ConfigOpts, options: list[Any], group: str | None = None
) -> None:
    """Register options that may be registered already.

    By another thread, or by another library with a slightly different definition: the
    first one stays.
    """
    # Projects' tests pass stand-ins for a configuration, which have little more.
    where = {} if group is None else {"group": group}
    with _registering.get():
        missing = _missing(conf, options, group)
        try:
            if missing:
                conf.register_opts(missing, **where)
        except cfg.DuplicateOptError:
            for option in missing:
                with contextlib.suppress(cfg.DuplicateOptError):
                    conf.register_opts([option], **where)


def _missing(conf: cfg.ConfigOpts, options: list[Any], group: str | None) -> list[Any]:
    """Return the options whose names are not registered.

    Registering one again makes oslo.config forget all values that it has looked up: a
    worker would look up again what its parent knows.
    """
    if not isinstance(conf, cfg.ConfigOpts):
        return options  # a stand-in, which cannot say
    known: Any = conf
    if group is not None:
        if group not in conf:
            return options
        known = conf[group]
        if not isinstance(known, cfg.ConfigOpts.GroupAttr):
            return options
    return [option for option in options if option.dest not in known]
