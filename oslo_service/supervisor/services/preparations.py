# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is done before a launcher is made, and before a process starts a service."""

import weakref
from collections.abc import Callable

from oslo_config import cfg

from oslo_service._common.fork_safety import Inherited, PerProcess

__all__ = ("add", "check", "prepare", "refuse_by")

_Call = Callable[[cfg.ConfigOpts], object]

_checks: Inherited[list[_Call]] = Inherited(list)
_calls: Inherited[list[_Call]] = Inherited(list)
# The services for which this process has done it.
_prepared: PerProcess[list[weakref.ref[cfg.ConfigOpts]]] = PerProcess(list)


def refuse_by(call: _Call) -> None:
    """Have launchers that are made from now on look at their options; idempotent.

    :param call: called with the launcher's configuration; raises what is wrong.
    """
    if call not in _checks.get():
        _checks.get().append(call)


def check(conf: cfg.ConfigOpts) -> None:
    """Look at the options of a launcher.

    :raises Exception: what is wrong with them.
    """
    for call in _checks.get():
        call(conf)


def add(call: _Call) -> None:
    """Have something done before a service is started: here, and in workers.

    Where services of a launcher have been started, it is done at once. Idempotent.

    :param call: called with the launcher's configuration; what it raises is a failure
        of the service's ``start()``. Called again, it does no harm.
    """
    if call not in _calls.get():
        _calls.get().append(call)
    for one in _prepared.get():
        conf = one()
        if conf is not None:
            call(conf)


def prepare(conf: cfg.ConfigOpts | None) -> None:
    """Do it.

    :param conf: the launcher's; None: there is no launcher.
    """
    if conf is None:
        return
    prepared = _prepared.get()
    if not any(one() is conf for one in prepared):
        prepared[:] = [*(one for one in prepared if one()), weakref.ref(conf)]
    for call in _calls.get():
        call(conf)
