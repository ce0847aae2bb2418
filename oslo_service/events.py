# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What happens to a service, as events: for monitors, tests, and policies.

Each kind is a frozen dataclass; :func:`subscribe` has a function called with each
event. The supervisor's log lines, and what systemd is told, are made of the same
events::

    def alarm(event):
        if isinstance(event, events.SlotPaused):
            page(f"{event.service} cannot start: {event.deaths} deaths in a row")

    events.subscribe(alarm)

In a process that has workers, these are the events of its workers, and of the whole;
in a worker, or in a process that runs its services itself, those of that process.
"""

from oslo_service._common.public_names import set_modules
from oslo_service.supervisor.events import (
    ActionFailed,
    Cause,
    CleanupFailed,
    ClusterReachable,
    ClusterUnreachable,
    Draining,
    DueTimeInterrupted,
    DueTimesMissed,
    Event,
    KillRefused,
    LeaderKilled,
    LeadershipLost,
    LeadershipTaken,
    ParentGone,
    Ready,
    ReloadFailed,
    ReloadFinished,
    ReloadStarted,
    Resized,
    RestartLimitReached,
    RollbackFailed,
    ServiceFailed,
    SignalReceived,
    SlotPaused,
    StartDelayed,
    StartRefused,
    StartResumed,
    StartTimedOut,
    StopDelayed,
    WatchdogResumed,
    WatchdogWithheld,
    WorkerEnded,
    WorkerEvent,
    WorkerHung,
    WorkerKilled,
    WorkerReady,
    WorkerRecycled,
    WorkerStarted,
    WorkerStopped,
)
from oslo_service.supervisor.subscribers import Subscriber, subscribe

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
    "Subscriber",
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
    "subscribe",
)

set_modules(globals())
