# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A snapshot: the state, at one moment, of everything that is supervised.

Log lines, systemd's status, the status and the health that are asked for, and what
is measured are all read from this.
"""

import functools
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from oslo_service import backend
from oslo_service._common import clock
from oslo_service._common.records import Record
from oslo_service.sockets import open_sockets
from oslo_service.supervisor.facts import Listener, ServiceFacts, State
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.unit import Unit

__all__ = ("ProcessFacts", "Snapshot", "take", "take_in_detail")


class ProcessFacts(Record):
    """The process that supervises.

    :ivar pid: its process id.
    :ivar started: when something was launched in it first, in seconds since the epoch.
    :ivar uptime: how many seconds ago that was.
    :ivar driver: the name of the driver that it runs on.
    :ivar chosen_by: what has chosen the driver.
    :ivar version: of this library.
    :ivar python: the version of Python.
    """

    pid: int
    started: float
    uptime: float
    driver: str
    chosen_by: str
    version: str
    python: str


class Snapshot(Record):
    """How the services fare.

    :ivar workers: how many run, and are past their start; a process that runs
        its services itself is one.
    :ivar slots: how many there are to be.
    :ivar restarts: how many workers were put in the place of dead ones.
    :ivar draining: whether work is finished that somebody waits for.
    :ivar stopping: whether everything was told to stop, or is about to be.
    :ivar reload_error: why the last reload has failed; "" where it has not.
    :ivar silent: those that should have answered by now, and have not.
    :ivar was_ready: whether everything that was launched has been ready once.
    :ivar reloading: whether what a reload means is not done yet.
    :ivar services: the services; where they were asked for.
    :ivar process: the process; likewise.
    :ivar listeners: what is listened on; likewise.
    :ivar limits: what is limited by the configuration, by the names of the options;
        likewise.
    :ivar reloads: how many reloads there were, by how they ended; likewise.
    """

    workers: int
    slots: int
    restarts: int = 0
    draining: bool = False
    stopping: bool = False
    reload_error: str = ""
    silent: tuple[str, ...] = ()
    was_ready: bool = False
    reloading: bool = False
    services: tuple[ServiceFacts, ...] = ()
    process: ProcessFacts | None = None
    listeners: tuple[Listener, ...] = ()
    limits: dict[str, float] | None = None
    reloads: dict[str, int] | None = None

    @property
    def state(self) -> State:
        """The state of the whole."""
        if self.stopping or (self.draining and not self.reloading):
            return State.STOPPING
        if self.reloading:
            return State.RELOADING
        return State.READY if self.was_ready else State.STARTING


def take(
    units: Sequence[Unit],
    now: float,
    *,
    was_ready: bool = False,
    delaying: bool = False,
    reloading: bool = False,
    reload_error: str = "",
    **further: Any,
) -> Snapshot:
    """Return what is the case in these.

    :param was_ready: whether all has been ready once.
    :param delaying: whether they go on just for ``shutdown_delay``.
    :param reloading: whether a reload has begun, and is not finished.
    :param reload_error: why the last reload has failed.
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
        reload_error=reload_error,
        silent=tuple(name for unit in running for name in unit.silent(now)),
        was_ready=was_ready,
        reloading=reloading or any(unit.reloading for unit in running),
        **further,
    )


def take_in_detail(
    units: Sequence[Unit],
    *,
    tally: Tally,
    began: float,
    **said: Any,
) -> Snapshot:
    """Return what is the case in these, and all that is known without asking.

    :param tally: what has happened before.
    :param began: when something was launched first, in monotonic seconds.
    :param said: what else :func:`take` is told.
    """
    now = clock.now()
    limits: dict[str, float] = {}
    for unit in units:
        limits |= unit.limits()
    return take(
        units,
        now,
        **said,
        services=tuple(one for unit in units for one in unit.facts(tally, now)),
        process=_process(now - began),
        listeners=tuple(Listener(*one) for one in open_sockets.listed()),
        limits=limits,
        reloads=dict(tally.reloads),
    )


@functools.cache
def _version() -> str:
    # Not earlier: it takes long to import, and nobody may ever ask.
    from importlib import metadata

    return metadata.version("oslo.service")


def _process(uptime: float) -> ProcessFacts:
    choice = backend.choice()
    return ProcessFacts(
        pid=os.getpid(),
        started=time.time() - uptime,
        uptime=uptime,
        driver="" if choice is None else choice.name,
        chosen_by="" if choice is None else choice.origin,
        version=_version(),
        python=sys.version.split()[0],
    )
