# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What happens under supervision: the kinds of events.

Users find them in :mod:`oslo_service.events`.
"""

import dataclasses
import enum
import time
import typing

from oslo_service._common.records import Record
from oslo_service.supervisor.work_items import WorkItem

__all__ = (
    "ActionFailed",
    "Cause",
    "CleanupFailed",
    "ClusterReachable",
    "ClusterUnreachable",
    "Draining",
    "DueTimeInterrupted",
    "DueTimesMissed",
    "Event",
    "KillRefused",
    "LeaderKilled",
    "LeadershipLost",
    "LeadershipTaken",
    "ParentGone",
    "Ready",
    "ReloadFailed",
    "ReloadFinished",
    "ReloadStarted",
    "Resized",
    "RestartLimitReached",
    "RollbackFailed",
    "ServiceFailed",
    "SignalReceived",
    "SlotPaused",
    "StartDelayed",
    "StartRefused",
    "StartResumed",
    "StartTimedOut",
    "StopDelayed",
    "WatchdogResumed",
    "WatchdogWithheld",
    "WorkerEnded",
    "WorkerEvent",
    "WorkerHung",
    "WorkerKilled",
    "WorkerReady",
    "WorkerRecycled",
    "WorkerStarted",
    "WorkerStopped",
)


@typing.dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
class Event(Record, kw_only=True):
    """Something that has happened.

    :ivar time: when, in seconds since the epoch, as :func:`time.time` gives it.
    """

    time: float = dataclasses.field(default_factory=time.time)


class SignalReceived(Event):
    """A signal that means something to the launchers has arrived.

    :ivar signal: its name.
    :ivar consequence: what is done about it, in words.
    :ivar forced: whether the process ends at once.
    """

    signal: str
    consequence: str
    forced: bool = False


class Ready(Event):
    """Everything that was launched has started.

    Told once, and once more where something is launched after all had ended.
    """


class StartDelayed(Event):
    """A ``start()`` has not returned for long, and counts as done from now on.

    :ivar services: the services, as they are called in the log.
    :ivar seconds: how long was waited.
    """

    services: str
    seconds: float


class StartRefused(Event):
    """The system has no room for a process, or a thread: it is tried again.

    Told once, until it is :class:`StartResumed`.

    :ivar service: what is to run there, as it is called in the log.
    :ivar worker: the number of the slot; None: in this process.
    :ivar error: why.
    """

    service: str
    worker: int | None
    error: BaseException


class StartResumed(Event):
    """What was refused could be started.

    :ivar service: what runs there, as it is called in the log.
    :ivar worker: the number of the slot; None: in this process.
    :ivar seconds: how long there was no room.
    """

    service: str
    worker: int | None
    seconds: float


class ReloadStarted(Event):
    """The configuration is read again, after a SIGHUP or ``restart()``."""


class ReloadFailed(Event):
    """The configuration could not be read, or no worker be started with it.

    The values stay as they were.

    :ivar error: why.
    :ivar rolled_back: whether a rolling reload had begun: what it has replaced is
        replaced again.
    """

    error: BaseException
    rolled_back: bool = False


class ReloadFinished(Event):
    """What followed from a reload is done: all has been started, or reset, again.

    After one that has failed, too: every worker has what it had.
    """


class StopDelayed(Event):
    """A SIGTERM has come: clients are accepted for ``shutdown_delay`` seconds more.

    :ivar seconds: how long that is.
    """

    seconds: float


class Resized(Event):
    """A service is to be run by another number of workers from now on.

    :ivar service: the service, as it is called in the log.
    :ivar workers: by how many.
    :ivar before: by how many it was.
    """

    service: str
    workers: int
    before: int


class Draining(Event):
    """Everything has been told to stop, and finishes its work.

    :ivar work: what is in progress in this process.
    """

    work: tuple[WorkItem, ...] = ()


class CleanupFailed(Event):
    """Something is left behind at the end: the file of a socket, say.

    :ivar error: why; it names the file.
    """

    error: BaseException


class ActionFailed(Event):
    """Something that was to be done could not be; the rest is done all the same.

    :ivar action: what, as the library calls it.
    :ivar error: why.
    """

    action: str
    error: BaseException


class ServiceFailed(Event):
    """A method of a service that runs in this process has raised.

    :ivar service: the service, as it is called in the log.
    :ivar method: the name of the method.
    :ivar error: what it raised.
    :ivar fatal: whether everything in this process is stopped for it.
    """

    service: str
    method: str
    error: BaseException
    fatal: bool


class ParentGone(Event):
    """In a worker: its parent has ended, and so it stops.

    :ivar pid: the parent's process id.
    :ivar waited: whether its program had called the launcher's ``wait()``.
    """

    pid: int
    waited: bool = True


class Cause(enum.Enum):
    """Why a worker has ended."""

    #: It was told to: by a stop, or by a reload.
    ORDERED = "ordered"
    #: It was not heard of for ``worker_timeout``, or its work took too long.
    HUNG = "hung"
    #: It was recycled: it was older than ``worker_max_age``.
    AGE = "worker_max_age"
    #: It was recycled: it had answered ``worker_max_requests``.
    REQUESTS = "worker_max_requests"
    #: It was recycled: it used more than ``worker_max_memory``.
    MEMORY = "worker_max_memory"
    #: It was recycled: somebody ordered it.
    RECYCLED = "recycled"
    #: It was told to, and was killed because it took too long.
    TIMED_OUT = "timed out"
    #: It was not told to.
    UNEXPECTED = "unexpected"


class WorkerEvent(Event):
    """Something has happened to a worker.

    :ivar service: what it runs, as it is called in the log.
    :ivar worker: the number of its slot among those of the service, from 0.
    """

    service: str
    worker: int


class WorkerStarted(WorkerEvent):
    """A worker process has been started; its ``start()`` is still to come.

    :ivar pid: its process id.
    :ivar generation: how many reloads there were before.
    """

    pid: int
    generation: int


class WorkerReady(WorkerEvent):
    """Every ``start()`` in a worker has returned.

    :ivar pid: its process id.
    :ivar seconds: how long that took.
    """

    pid: int
    seconds: float


class WorkerStopped(WorkerEvent):
    """Every ``stop()`` in a worker has returned; it finishes its work.

    :ivar pid: its process id.
    """

    pid: int


class WorkerKilled(WorkerEvent):
    """A worker is ended by force: it is past its limit.

    :ivar pid: its process id.
    :ivar hung: whether it was told to stop because it hung.
    :ivar starting: whether it was to follow another worker, and was never ready.
    """

    pid: int
    hung: bool = False
    starting: bool = False


class RollbackFailed(WorkerEvent):
    """A rolling reload has failed, and a worker does not get back what it had.

    The one with the new configuration serves on; it is tried again until it can be
    replaced. Told once of each slot.

    :ivar error: what the worker has failed of that was to follow, in words.
    """

    error: str


class WorkerHung(WorkerEvent):
    """A worker does not answer, or its work takes too long: it is replaced.

    :ivar pid: its process id.
    :ivar seconds: how long it had been silent.
    :ivar work: which work took too long, in words; "" where it did not answer.
    :ivar stacks: where its threads are.
    """

    pid: int
    seconds: float
    work: str
    stacks: str


class WorkerRecycled(WorkerEvent):
    """A worker is about to be replaced: a successor is started, and it serves on.

    :ivar pid: its process id.
    :ivar cause: why.
    """

    pid: int
    cause: Cause


class StartTimedOut(WorkerEvent):
    """A successor was not ready within ``start_timeout``: the one before serves on.

    :ivar pid: its process id.
    :ivar seconds: how long that is.
    """

    pid: int
    seconds: float


class KillRefused(WorkerEvent):
    """The system lets this process send a worker no signal: it is tried again.

    The worker, or its parent, may have become another user. Told once of each.

    :ivar pid: its process id.
    :ivar error: why.
    """

    pid: int
    error: BaseException


class WorkerEnded(WorkerEvent):
    """A worker process is gone.

    :ivar pid: its process id.
    :ivar status: its exit status, or the negative number of the signal that ended
        it; None where somebody else was told.
    :ivar cause: why it has ended.
    :ivar stacks: where its threads were when it had been past its limit.
    :ivar error: what its service has failed of, in words; "" where it has said
        nothing.
    """

    pid: int
    status: int | None
    cause: Cause
    stacks: str = ""
    error: str = ""


class SlotPaused(WorkerEvent):
    """Workers end one after the other at their start: the next one has to wait.

    :ivar deaths: how many did, in a row.
    :ivar seconds: how long the slot stays empty.
    :ivar error: what the last of them has ended of, in words.
    """

    deaths: int
    seconds: float
    error: str = ""


class RestartLimitReached(Event):
    """Every slot of a service has lost its worker too often: everything is stopped.

    ``restart_limit`` and ``restart_window`` say how often that is. The process ends
    with status 1.

    :ivar service: which one, as it is called in the log.
    :ivar limit: how many restarts a slot is allowed.
    :ivar seconds: in how many seconds.
    :ivar error: what its last worker has ended of, in words.
    """

    service: str
    limit: int
    seconds: float
    error: str


class WatchdogWithheld(Event):
    """systemd's watchdog is not fed: somebody does not answer.

    :ivar silent: their names, as in the log.
    """

    silent: str


class WatchdogResumed(Event):
    """systemd's watchdog is fed again."""


class ClusterUnreachable(Event):
    """The server of the cluster does not answer: what is the cluster's pauses.

    Told once, until it is :class:`ClusterReachable`.

    :ivar error: why; without a password.
    """

    error: BaseException


class ClusterReachable(Event):
    """The server of the cluster answers again.

    :ivar seconds: how long it did not.
    """

    seconds: float


class LeadershipTaken(Event):
    """A process leads from now on: it runs what one process of the cluster runs.

    :ivar name: what of: the name of the group, and of the service after a dot.
    :ivar member: the process, as the cluster knows it: its host, its process id.
    """

    name: str
    member: str


class LeadershipLost(Event):
    """A process does not lead any more.

    :ivar name: what of.
    :ivar member: the process.
    :ivar reason: why.
    """

    name: str
    member: str
    reason: str


class LeaderKilled(WorkerEvent):
    """A worker is ended by force: its lease ends, and what leads has not stopped.

    :ivar pid: its process id.
    """

    pid: int


class DueTimesMissed(Event):
    """Due times of a periodic task that one process of a cluster runs have passed.

    A process that leads from now on tells so of those since one lease before its
    predecessor was known to lead: what became of them it does not know. One that has
    begun none of some because it was busy knows.

    :ivar task: the periodic task, as it is called in the log.
    :ivar due_times: in seconds since the epoch; of many, the latest thousand.
    :ivar certain: whether they were missed, not only possibly so.
    """

    task: str
    due_times: tuple[float, ...]
    certain: bool = False


class DueTimeInterrupted(WorkerEvent):
    """A worker ended, or was paused past its lease, while it ran a periodic task.

    :ivar pid: its process id.
    :ivar task: the periodic task, as it is called in the log.
    :ivar due_time: for which due time, in seconds since the epoch.
    :ivar paused: whether the worker is still there.
    """

    pid: int
    task: str
    due_time: float
    paused: bool = False
