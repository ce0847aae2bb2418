# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What systemd is told, and when: sd_notify(3), decided without I/O.

What happens comes in, what is the case, and the time; messages come out, each as
its lines; they count as sent. Nothing is said before the service is ready, but
that it stops.

Times are monotonic, in seconds, and always given by the caller.
"""

from collections.abc import Iterator

from oslo_service._common import naming
from oslo_service._common.times import earliest
from oslo_service.supervisor.snapshot import Snapshot
from oslo_service.supervisor.systemd.watchdog import Watchdog

__all__ = ("EXTENSION", "FEED", "RENEWAL", "Messages")

#: For how much longer systemd is asked to wait while the service drains, and how
#: often it is asked, in seconds. That is never less than what the unit allows,
#: and ends with the last message: what hangs is still found out.
EXTENSION = 30.0
RENEWAL = 10.0

#: The message that feeds the watchdog.
FEED = "WATCHDOG=1"


class Messages:
    """Decides what to tell.

    :param pid: of the process that systemd is to take for the main one.
    :param watchdog: which watches it, if any does.
    """

    def __init__(self, pid: int, watchdog: Watchdog | None = None) -> None:
        self._pid = pid
        self._watchdog = watchdog
        self._ready = False
        self._stopping = False
        self._status = ""
        self._extend_at: float | None = None

    # What happens

    def ready(self, snapshot: Snapshot, now: float) -> list[str]:
        """Everything has started, or is done with a reload.

        :returns: none where it is too late for it.
        """
        if self._stopping:
            return []
        lines = ["READY=1"]
        if not self._ready:
            self._ready = True
            lines.append(f"MAINPID={self._pid}")
            if self._watchdog is not None:
                self._watchdog.begin(now)
        self._status = ""  # to be said in any case
        return lines + self._status_lines(snapshot)

    def reloading(self, now: float) -> list[str]:
        """The configuration is read again.

        :returns: none where nothing was ready yet: it belongs to the start then.
        """
        if self._stopping or not self._ready:
            return []
        # To be in one message with the time, which tells systemd that this is the
        # answer to its own signal.
        return ["RELOADING=1", f"MONOTONIC_USEC={int(now * 1e6)}"]

    def stopping(self, snapshot: Snapshot, now: float) -> list[str]:
        """Everything was told to stop."""
        if self._stopping:
            return []
        self._stopping = True
        return [
            "STOPPING=1",
            *self._extension(snapshot, now),
            *self._status_lines(snapshot),
        ]

    def changed(self, snapshot: Snapshot, now: float) -> list[str]:
        """Something else has happened."""
        if snapshot.stopping and not self._stopping:
            return self.stopping(snapshot, now)  # which comes before what it has done
        return self._status_lines(snapshot) if self._ready or self._stopping else []

    # Time

    def advance(self, snapshot: Snapshot, now: float) -> Iterator[list[str]]:
        """Return the messages that are due by now."""
        if snapshot.stopping and not self._stopping:
            yield self.stopping(snapshot, now)
        if lines := self._extension(snapshot, now):
            yield lines
        if self._watchdog is not None and self._watchdog.is_fed(
            healthy=not snapshot.silent, now=now
        ):
            yield [FEED]

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        watchdog = None if self._watchdog is None else self._watchdog.deadline
        return earliest((watchdog, self._extend_at))

    def _extension(self, snapshot: Snapshot, now: float) -> list[str]:
        if not (snapshot.draining and (self._ready or self._stopping)):
            self._extend_at = None
            return []
        if self._extend_at is not None and now < self._extend_at:
            return []
        self._extend_at = now + RENEWAL
        return [f"EXTEND_TIMEOUT_USEC={int(EXTENSION * 1e6)}"]

    def _status_lines(self, snapshot: Snapshot) -> list[str]:
        status = _describe(snapshot)
        if status == self._status:
            return []
        self._status = status
        return [f"STATUS={status}"]


def _describe(snapshot: Snapshot) -> str:
    """Describe how the services fare, in a few words."""
    workers = naming.counted(snapshot.workers, "worker")
    if snapshot.stopping:
        workers = f"stopping: {workers}"
    elif snapshot.workers != snapshot.slots:
        workers = f"{snapshot.workers} of {naming.counted(snapshot.slots, 'worker')}"
    text = f"{workers}, {naming.counted(snapshot.restarts, 'restart')}"
    if snapshot.reload_error:
        text += f"; the last reload failed: {' '.join(snapshot.reload_error.split())}"
    return text
