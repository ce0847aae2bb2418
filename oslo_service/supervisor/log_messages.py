# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The log message of each event."""

import contextlib
import functools
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

from oslo_service._common import naming
from oslo_service._common.careful_log import CarefulLog
from oslo_service.supervisor import events, work_items

__all__ = ("how", "last_line", "log")

LOG = CarefulLog("oslo_service.supervisor")

# Causes of the end of a worker that are logged as warnings.
_UNWANTED = (events.Cause.UNEXPECTED, events.Cause.HUNG, events.Cause.TIMED_OUT)

# What logging takes: the level, the message, its arguments, and the exception.
_Line = tuple[int, str, tuple[object, ...], BaseException | None]


class _OfWorker(Protocol):
    """An event that is about one worker process."""

    @property
    def service(self) -> str: ...

    @property
    def worker(self) -> int: ...

    @property
    def pid(self) -> int: ...


def log(event: events.Event) -> None:
    """Write an event to the log, where there is a line for it."""
    line = _line(event)
    if line is not None:
        level, message, values, error = line
        LOG.log(level, message, *values, exc_info=error)
    if isinstance(event, events.WorkerEnded | events.WorkerHung) and event.stacks:
        _show(event)


def _show(event: events.WorkerEnded | events.WorkerHung) -> None:
    """Write stacks to the standard error, in one piece: they are not one log line."""
    whose = f"worker {event.worker} of {event.service} (pid {event.pid})"
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(f"The stacks of {whose}:\n{event.stacks}\n")
        sys.stderr.flush()


def _line(event: events.Event) -> _Line | None:
    """Return the log line of an event; None: it has none."""
    make = _LINES.get(type(event))
    return None if make is None else make(event)


def _signal_received(event: events.SignalReceived) -> _Line:
    level = logging.WARNING if event.forced else logging.INFO
    return level, "Caught %s: %s", (event.signal, event.consequence), None


def _resized(event: events.Resized) -> _Line:
    workers = naming.counted(event.workers, "worker")
    values = (event.service, workers, event.before)
    return logging.INFO, "%s is to have %s instead of %d", values, None


def _start_delayed(event: events.StartDelayed) -> _Line:
    message = "start() of %s has not returned after %g s: it counts as started"
    return logging.WARNING, message, (event.services, event.seconds), None


def _reload_failed(event: events.ReloadFailed) -> _Line:
    if event.rolled_back:
        message = (
            "The reload failed; every worker keeps, or gets back, its old"
            " configuration: %s"
        )
        return logging.ERROR, message, (event.error,), None
    message = "The configuration could not be read again; it stays as it was"
    return logging.ERROR, message, (), event.error


def _rollback_failed(event: events.RollbackFailed) -> _Line:
    message = (
        "Worker %d of %s cannot be rolled back, which is tried again; until then it has"
        " the new configuration: %s"
    )
    return logging.ERROR, message, (event.worker, event.service, event.error), None


def _draining(event: events.Draining) -> _Line | None:
    if not event.work:
        return None
    message = "Process %d stops; in progress: %s"
    return logging.INFO, message, (os.getpid(), work_items.describe(event.work)), None


def _cleanup_failed(event: events.CleanupFailed) -> _Line:
    return logging.WARNING, "Cannot be cleaned up: %s", (event.error,), None


def _action_failed(event: events.ActionFailed) -> _Line:
    message = "An action of the supervisor failed, which goes on: %s"
    return logging.ERROR, message, (event.action,), event.error


def _service_failed(event: events.ServiceFailed) -> _Line:
    message = "%s() of %s failed"
    if event.fatal:
        message += "; everything in this process is stopped"
    return logging.ERROR, message, (event.method, event.service), event.error


def _parent_gone(event: events.ParentGone) -> _Line:
    message = "The parent process %d is gone: stopping"
    if not event.waited:
        message = (
            "The parent process %d has ended, as its program never called the"
            " launcher's wait(): stopping"
        )
    return logging.WARNING, message, (event.pid,), None


def _worker_started(event: events.WorkerStarted) -> _Line:
    values = (event.worker, event.service, event.pid)
    return logging.INFO, "Started worker %d of %s, pid %d", values, None


def _start_refused(event: events.StartRefused) -> _Line:
    message = "%s cannot be started, and is tried again"
    return logging.ERROR, message, (_where(event),), event.error


def _start_resumed(event: events.StartResumed) -> _Line:
    message = "%s could be started, after %.1f s"
    return logging.WARNING, message, (_where(event), event.seconds), None


def _worker_ready(event: events.WorkerReady) -> _Line:
    values = (_worker(event), event.seconds)
    return logging.DEBUG, "%s is ready after %.3g s", values, None


def _worker_killed(event: events.WorkerKilled) -> _Line:
    message = "%s did not end within graceful_shutdown_timeout: killed"
    if event.hung:
        message = "%s hung, and did not end by itself: killed"
    elif event.starting:
        message = "%s was never ready, and did not end by itself: killed"
    return logging.ERROR, message, (_worker(event),), None


def _worker_hung(event: events.WorkerHung) -> _Line:
    why = event.work or f"no answer for {event.seconds:.3g} s"
    message = "%s hangs, and is replaced: %s"
    return logging.ERROR, message, (_worker(event), why), None


def _worker_recycled(event: events.WorkerRecycled) -> _Line:
    values = (_worker(event), event.cause.value)
    return logging.INFO, "%s is recycled: %s", values, None


def _start_timed_out(event: events.StartTimedOut) -> _Line:
    message = "%s was not ready after %g s (start_timeout)"
    return logging.ERROR, message, (_worker(event), event.seconds), None


def _kill_refused(event: events.KillRefused) -> _Line:
    message = "%s cannot be sent a signal, which is tried again: %s"
    return logging.ERROR, message, (_worker(event), event.error), None


def _worker_ended(event: events.WorkerEnded) -> _Line:
    orderly = event.cause not in _UNWANTED and event.status == 0
    level = logging.INFO if orderly else logging.WARNING
    return level, "%s %s", (_worker(event), how(event.status)), None


def _slot_paused(event: events.SlotPaused) -> _Line:
    message = (
        "%s ended %d times in a row at its start (worker %d); it is started again"
        " in %g s"
    )
    values = (event.service, event.deaths, event.worker, event.seconds)
    return logging.WARNING, message, values, None


def _restart_limit_reached(event: events.RestartLimitReached) -> _Line:
    message = "%s: everything is stopped"
    return logging.ERROR, message, (given_up(event),), None


def _watchdog_withheld(event: events.WatchdogWithheld) -> _Line:
    message = "systemd's watchdog is not fed as long as there is no answer from: %s"
    return logging.ERROR, message, (event.silent,), None


def _watchdog_resumed(event: events.WatchdogResumed) -> _Line:  # noqa: ARG001
    return logging.WARNING, "systemd's watchdog is fed again", (), None


def _cluster_unreachable(event: events.ClusterUnreachable) -> _Line:
    message = "The cluster is out of reach; what runs once per cluster pauses: %s"
    return logging.WARNING, message, (event.error,), None


def _cluster_reachable(event: events.ClusterReachable) -> _Line:
    message = "The cluster is within reach again, after %.1f s"
    return logging.WARNING, message, (event.seconds,), None


def _leader_killed(event: events.LeaderKilled) -> _Line:
    message = "%s did not stop before its lease ended: killed"
    return logging.ERROR, message, (_worker(event),), None


def _leadership_taken(event: events.LeadershipTaken) -> _Line:
    return logging.INFO, "%s leads %s", (event.member, event.name), None


def _leadership_lost(event: events.LeadershipLost) -> _Line:
    values = (event.member, event.name, event.reason)
    return logging.INFO, "%s no longer leads %s: %s", values, None


def _due_times_missed(event: events.DueTimesMissed) -> _Line:
    message = "%s: due times that %s missed: %s"
    what = "were" if event.certain else "may have been"
    due_times = ", ".join(f"{due:.15g}" for due in event.due_times)
    return logging.INFO, message, (event.task, what, due_times), None


def _due_time_interrupted(event: events.DueTimeInterrupted) -> _Line:
    what = "was paused past its lease" if event.paused else "ended"
    values = (_worker(event), what, event.task, f"{event.due_time:.15g}")
    return logging.WARNING, "%s %s during %s for due time %s", values, None


def given_up(event: events.RestartLimitReached) -> str:
    """Describe that a service cannot be kept up."""
    return (
        f"Every worker of {event.service} was lost more than {event.limit} times in"
        f" {event.seconds:g} s (restart_limit)"
    )


def last_line(event: events.RestartLimitReached) -> str:
    """Return the last line of the log: why everything has ended."""
    return f"{given_up(event)}; the last error: {event.error}"


def _worker(event: _OfWorker) -> str:
    """Name the worker that an event is about."""
    return f"Worker {event.worker} of {event.service} (pid {event.pid})"


def _where(event: events.StartRefused | events.StartResumed) -> str:
    if event.worker is None:
        return event.service
    return f"Worker {event.worker} of {event.service}"


def how(status: int | None) -> str:
    """Describe how a process has ended.

    :param status: its exit status, or the negative number of a signal; None: unknown.
    """
    if status is None:
        return "has ended; its status went to somebody else"
    if status < 0:
        return f"was killed by {_signal_name(-status)}"
    return f"exited with status {status}"


@functools.cache  # for an enum to find it takes all that a line of the log does
def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:  # a real-time signal
        return f"signal {signum}"


# What makes the line of each kind of event. Not functools.singledispatch, which writes
# to many pages of memory: workers that are forked meanwhile would copy them.
_LINES: dict[type[events.Event], Callable[[Any], _Line | None]] = {
    events.SignalReceived: _signal_received,
    events.Resized: _resized,
    events.StartDelayed: _start_delayed,
    events.ReloadFailed: _reload_failed,
    events.RollbackFailed: _rollback_failed,
    events.Draining: _draining,
    events.CleanupFailed: _cleanup_failed,
    events.ActionFailed: _action_failed,
    events.ServiceFailed: _service_failed,
    events.ParentGone: _parent_gone,
    events.WorkerStarted: _worker_started,
    events.StartRefused: _start_refused,
    events.StartResumed: _start_resumed,
    events.WorkerReady: _worker_ready,
    events.WorkerKilled: _worker_killed,
    events.WorkerHung: _worker_hung,
    events.WorkerRecycled: _worker_recycled,
    events.StartTimedOut: _start_timed_out,
    events.KillRefused: _kill_refused,
    events.WorkerEnded: _worker_ended,
    events.SlotPaused: _slot_paused,
    events.RestartLimitReached: _restart_limit_reached,
    events.WatchdogWithheld: _watchdog_withheld,
    events.WatchdogResumed: _watchdog_resumed,
    events.ClusterUnreachable: _cluster_unreachable,
    events.ClusterReachable: _cluster_reachable,
    events.LeaderKilled: _leader_killed,
    events.LeadershipTaken: _leadership_taken,
    events.LeadershipLost: _leadership_lost,
    events.DueTimesMissed: _due_times_missed,
    events.DueTimeInterrupted: _due_time_interrupted,
}
