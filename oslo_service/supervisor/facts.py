# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is known of services and workers at one moment: what a snapshot consists of."""

import dataclasses
import enum

from oslo_service._common.records import Record

__all__ = ("Listener", "ServiceFacts", "State", "WorkerFacts")


class State(enum.Enum):
    """What a worker, or the process itself, is doing."""

    #: ``start()`` has not returned.
    STARTING = "starting"
    #: It serves.
    READY = "ready"
    #: The configuration is read again: of the process only.
    RELOADING = "reloading"
    #: It was told to stop.
    STOPPING = "stopping"
    #: ``stop()`` has returned: it finishes its work.
    DRAINING = "draining"
    #: It does not answer, or was at something for too long.
    HUNG = "hung"
    #: It was ended by force, and is not gone yet.
    KILLED = "killed"
    #: There is none: it ended too often at its start, and has to wait.
    PAUSED = "paused"
    #: There is none: the system has no room for it.
    REFUSED = "refused"


class WorkerFacts(Record):
    """A worker; or a slot that has none, which has no pid.

    A process that runs its services itself is the only worker of each.

    :ivar slot: the number of its slot among those of the service, from 0.
    :ivar state: what it is doing.
    :ivar pid: its process id.
    :ivar generation: how many reloads there were before it.
    :ivar age: seconds since it was started.
    :ivar heard: seconds since the parent has heard of it; None: it is not to be
        heard of, as it is starting, or stopping, and has its own time for that.
    :ivar number: its number among those that its launcher has started.
    :ivar restarts: how many workers of its slot have ended, by cause.
    """

    slot: int
    state: State
    pid: int | None = None
    generation: int = 0
    age: float | None = None
    heard: float | None = None
    number: int = 0
    restarts: dict[str, int] = dataclasses.field(default_factory=dict)


class ServiceFacts(Record):
    """A service.

    :ivar name: as it is called in the log.
    :ivar slots: how many workers there are to be.
    :ivar ready: whether a worker serves, or is about to take the place of one that
        did: in a reload, or after one death.
    :ivar workers: its workers, in the order of their slots.
    """

    name: str
    slots: int
    ready: bool
    workers: tuple[WorkerFacts, ...] = ()


class Listener(Record):
    """A socket that is listened on.

    :ivar name: of the server.
    :ivar host: the address, or the path.
    :ivar port: None for a path.
    """

    name: str
    host: str
    port: int | None
