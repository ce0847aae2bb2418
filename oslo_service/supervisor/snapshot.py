# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is the case, at one moment, in everything that is supervised."""

from collections.abc import Sequence

from oslo_service._common.records import Record
from oslo_service.supervisor.unit import Unit

__all__ = ("Snapshot", "take")


class Snapshot(Record):
    """How the services fare.

    :ivar workers: how many run, and are past their start; a process that runs
        its services itself is one.
    :ivar slots: how many there are to be.
    :ivar restarts: how many workers were put in the place of dead ones.
    :ivar draining: whether work is finished that somebody waits for.
    :ivar stopping: whether everything was told to stop, or is about to be.
    :ivar silent: who should have answered by now, and has not.
    """

    workers: int
    slots: int
    restarts: int = 0
    draining: bool = False
    stopping: bool = False
    silent: tuple[str, ...] = ()


def take(units: Sequence[Unit], now: float, *, delaying: bool = False) -> Snapshot:
    """Return what is the case in these.

    :param delaying: whether they go on just for ``shutdown_delay``.
    """
    running = [unit for unit in units if not unit.ended.is_set()]
    stopping = bool(units) and (delaying or all(unit.stopping for unit in units))
    draining = stopping or any(unit.draining for unit in running)
    return Snapshot(
        workers=sum(unit.workers for unit in running),
        slots=sum(unit.slots for unit in running),
        restarts=sum(unit.replacements for unit in units),
        draining=bool(running) and draining,
        stopping=stopping,
        silent=tuple(name for unit in running for name in unit.silent(now)),
    )
