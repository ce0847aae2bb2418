# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The one place where what happens becomes words: for the log, and for systemd."""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from oslo_service.supervisor import events, work_items
from oslo_service.supervisor.snapshot import Snapshot

__all__ = ("how", "last_line", "log", "status")

LOG = logging.getLogger("oslo_service.supervisor")

# Why workers end of which somebody should know.
_UNWANTED = (events.Cause.UNEXPECTED, events.Cause.HUNG, events.Cause.TIMED_OUT)

# What logging takes: a level, a message, its values; and what was raised.
_Line = tuple[int, str, tuple[object, ...], BaseException | None]

_T = TypeVar("_T", bound=Callable[[Any], _Line | None])

# What says it, of each kind: one look-up, as workers are forked meanwhile, and each
# page that is written to is copied then. functools.singledispatch writes to many.
_WORDINGS: dict[type[events.Event], Callable[[Any], _Line | None]] = {}


def log(event: events.Event) -> None:
    """Write an event to the log, where there is a line for it."""
    line = _line(event)
    if line is not None:
        level, message, values, error = line
        LOG.log(level, message, *values, exc_info=error)
    if isinstance(event, events.WorkerEnded | events.WorkerHung) and event.stacks:
        _show(event)


def _show(event: events.WorkerEnded | events.WorkerHung) -> None:
    """Write stacks to the standard error, in one piece: they are no log line."""
    whose = f"worker {event.worker} of {event.service} (pid {event.pid})"
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(f"The stacks of {whose}:\n{event.stacks}\n")
        sys.stderr.flush()


def _line(event: events.Event) -> _Line | None:
    """Return what there is to say of an event."""
    word = _WORDINGS.get(type(event))
    return None if word is None else word(event)


def _wording(kind: type[events.Event]) -> Callable[[_T], _T]:
    """Have a function return what there is to say of a kind of event."""

    def register(word: _T) -> _T:
        _WORDINGS[kind] = word
        return word

    return register


@_wording(events.SignalReceived)
def _(event: events.SignalReceived) -> _Line:
    level = logging.WARNING if event.forced else logging.INFO
    return level, "Caught %s: %s", (event.signal, event.consequence), None


@_wording(events.Resized)
def _(event: events.Resized) -> _Line:
    workers = _count(event.workers, "worker")
    values = (event.service, workers, event.before)
    return logging.INFO, "%s is to have %s, instead of %d", values, None


@_wording(events.StartDelayed)
def _(event: events.StartDelayed) -> _Line:
    message = "start() of %s has not returned after %g s: it counts as started"
    return logging.WARNING, message, (event.services, event.seconds), None


@_wording(events.ReloadFailed)
def _(event: events.ReloadFailed) -> _Line:
    if event.rolled_back:
        message = "The reload failed; every worker keeps, or gets back, what it had: %s"
        return logging.ERROR, message, (event.error,), None
    message = "The configuration could not be read again; it stays as it was"
    return logging.ERROR, message, (), event.error


@_wording(events.Draining)
def _(event: events.Draining) -> _Line | None:
    if not event.work:
        return None
    message = "Process %d stops; in progress: %s"
    return logging.INFO, message, (os.getpid(), work_items.describe(event.work)), None


@_wording(events.CleanupFailed)
def _(event: events.CleanupFailed) -> _Line:
    return logging.WARNING, "Something is left behind: %s", (event.error,), None


@_wording(events.ActionFailed)
def _(event: events.ActionFailed) -> _Line:
    message = "The supervisor goes on, though this has failed: %s"
    return logging.ERROR, message, (event.action,), event.error


@_wording(events.ServiceFailed)
def _(event: events.ServiceFailed) -> _Line:
    message = "%s() of %s failed"
    if event.fatal:
        message += "; everything in this process is stopped"
    return logging.ERROR, message, (event.method, event.service), event.error


@_wording(events.ParentGone)
def _(event: events.ParentGone) -> _Line:
    message = "The parent process %d is gone: stopping"
    if not event.waited:
        message = (
            "The parent process %d has ended, as its program never called the"
            " launcher's wait(): stopping"
        )
    return logging.WARNING, message, (event.pid,), None


@_wording(events.WorkerStarted)
def _(event: events.WorkerStarted) -> _Line:
    values = (event.worker, event.service, event.pid)
    return logging.INFO, "Started worker %d of %s, pid %d", values, None


@_wording(events.StartRefused)
def _(event: events.StartRefused) -> _Line:
    message = "%s cannot be started, and is tried again"
    return logging.ERROR, message, (_where(event),), event.error


@_wording(events.StartResumed)
def _(event: events.StartResumed) -> _Line:
    message = "%s could be started, after %.1f s"
    return logging.WARNING, message, (_where(event), event.seconds), None


@_wording(events.WorkerReady)
def _(event: events.WorkerReady) -> _Line:
    values = (event.worker, event.service, event.pid, event.seconds)
    message = "Worker %d of %s (pid %d) is ready after %.3g s"
    return logging.DEBUG, message, values, None


@_wording(events.WorkerKilled)
def _(event: events.WorkerKilled) -> _Line:
    message = "Worker %d did not end within graceful_shutdown_timeout: killed"
    if event.hung:
        message = "Worker %d hung, and did not end by itself: killed"
    elif event.starting:
        message = "Worker %d was never ready, and did not end by itself: killed"
    return logging.ERROR, message, (event.pid,), None


@_wording(events.WorkerHung)
def _(event: events.WorkerHung) -> _Line:
    why = event.work or f"no answer for {event.seconds:.3g} s"
    message = "Worker %d of %s (pid %d) hangs, and is replaced: %s"
    values = (event.worker, event.service, event.pid, why)
    return logging.ERROR, message, values, None


@_wording(events.WorkerRecycled)
def _(event: events.WorkerRecycled) -> _Line:
    message = "Worker %d of %s (pid %d) is recycled: %s"
    values = (event.worker, event.service, event.pid, event.cause.value)
    return logging.INFO, message, values, None


@_wording(events.StartTimedOut)
def _(event: events.StartTimedOut) -> _Line:
    message = "Worker %d of %s (pid %d) was not ready after %g s (start_timeout)"
    values = (event.worker, event.service, event.pid, event.seconds)
    return logging.ERROR, message, values, None


@_wording(events.KillRefused)
def _(event: events.KillRefused) -> _Line:
    message = "Worker %d cannot be sent a signal, which is tried again: %s"
    return logging.ERROR, message, (event.pid, event.error), None


@_wording(events.WorkerEnded)
def _(event: events.WorkerEnded) -> _Line:
    orderly = event.cause not in _UNWANTED and event.status == 0
    level = logging.INFO if orderly else logging.WARNING
    values = (event.worker, event.service, event.pid, how(event.status))
    return level, "Worker %d of %s (pid %d) %s", values, None


@_wording(events.SlotPaused)
def _(event: events.SlotPaused) -> _Line:
    message = (
        "%s ended %d times in a row at its start (worker %d); it is started again"
        " in %g s"
    )
    values = (event.service, event.deaths, event.worker, event.seconds)
    return logging.WARNING, message, values, None


@_wording(events.RestartLimitReached)
def _(event: events.RestartLimitReached) -> _Line:
    message = "%s: everything is stopped"
    return logging.ERROR, message, (given_up(event),), None


@_wording(events.WatchdogWithheld)
def _(event: events.WatchdogWithheld) -> _Line:
    message = "systemd's watchdog is not fed as long as there is no answer from: %s"
    return logging.ERROR, message, (event.silent,), None


@_wording(events.WatchdogResumed)
def _(event: events.WatchdogResumed) -> _Line:  # noqa: ARG001
    return logging.WARNING, "systemd's watchdog is fed again", (), None


@_wording(events.ClusterUnreachable)
def _(event: events.ClusterUnreachable) -> _Line:
    message = "The cluster is out of reach, what is its own pauses: %s"
    return logging.WARNING, message, (event.error,), None


@_wording(events.ClusterReachable)
def _(event: events.ClusterReachable) -> _Line:
    message = "The cluster is within reach again, after %.1f s"
    return logging.WARNING, message, (event.seconds,), None


@_wording(events.LeaderKilled)
def _(event: events.LeaderKilled) -> _Line:
    message = "Worker %d did not stop before its lease ended: killed"
    return logging.ERROR, message, (event.pid,), None


@_wording(events.LeadershipTaken)
def _(event: events.LeadershipTaken) -> _Line:
    return logging.INFO, "%s leads %s", (event.member, event.name), None


@_wording(events.LeadershipLost)
def _(event: events.LeadershipLost) -> _Line:
    values = (event.member, event.name, event.reason)
    return logging.INFO, "%s leads %s no more: %s", values, None


@_wording(events.DueTimesMissed)
def _(event: events.DueTimesMissed) -> _Line:
    message = "%s: due times that %s missed: %s"
    what = "were" if event.certain else "may have been"
    due_times = ", ".join(f"{due:.15g}" for due in event.due_times)
    return logging.INFO, message, (event.task, what, due_times), None


@_wording(events.DueTimeInterrupted)
def _(event: events.DueTimeInterrupted) -> _Line:
    how = "was paused past its lease" if event.paused else "ended"
    values = (event.pid, how, event.task, f"{event.due_time:.15g}")
    return logging.WARNING, "Worker %d %s during %s for due time %s", values, None


def given_up(event: events.RestartLimitReached) -> str:
    """Say that a service cannot be kept up."""
    return (
        f"Every worker of {event.service} was lost more than {event.limit} times in"
        f" {event.seconds:g} s (restart_limit)"
    )


def last_line(event: events.RestartLimitReached) -> str:
    """Say at the end why everything has ended."""
    return f"{given_up(event)}; the last error: {event.error}"


def _where(event: events.StartRefused | events.StartResumed) -> str:
    if event.worker is None:
        return event.service
    return f"Worker {event.worker} of {event.service}"


def how(status: int | None) -> str:
    """Say how a process has ended."""
    if status is None:
        return "has ended; its status went to somebody else"
    if status < 0:
        return f"was killed by {_signal_name(-status)}"
    return f"exited with status {status}"


def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:  # a real-time signal
        return f"signal {signum}"


def status(snapshot: Snapshot) -> str:
    """Say how the services fare, in a few words."""
    workers = _count(snapshot.workers, "worker")
    if snapshot.stopping:
        workers = f"stopping: {workers}"
    elif snapshot.workers != snapshot.slots:
        workers = f"{snapshot.workers} of {_count(snapshot.slots, 'worker')}"
    text = f"{workers}, {_count(snapshot.restarts, 'restart')}"
    if snapshot.reload_error:
        text += f"; the last reload failed: {' '.join(snapshot.reload_error.split())}"
    return text


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
