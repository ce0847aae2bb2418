# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What systemd is told, and when: sd_notify(3), decided without I/O.

What is the case comes in, and the time; messages come out. Nothing is said
before the service is ready, but that it stops.

Times are monotonic, in seconds, and always given by the caller.
"""

import dataclasses
from collections.abc import Iterator

from oslo_service.supervisor.systemd.watchdog import Watchdog

__all__ = ("EXTENSION", "FEED", "RENEWAL", "Facts", "Notices")

#: For how much longer systemd is asked to wait while the service drains, and how
#: often it is asked, in seconds. That is never less than what the unit allows,
#: and ends with the last message: what hangs is still found out.
EXTENSION = 30.0
RENEWAL = 10.0

#: The message that feeds the watchdog.
FEED = "WATCHDOG=1"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is the case in a service.

    :ivar workers: how many run, and are past their start; a process that runs
        its services itself is one.
    :ivar places: how many there are to be.
    :ivar restarts: how many workers were put in the place of dead ones.
    :ivar readings: how many times the service was told to read its
        configuration again.
    :ivar draining: whether work is finished that somebody waits for.
    :ivar stopping: whether everything was told to stop.
    :ivar healthy: whether everybody answers.
    """

    workers: int
    places: int
    restarts: int = 0
    readings: int = 0
    draining: bool = False
    stopping: bool = False
    healthy: bool = True


class Notices:
    """Decides what to tell.

    :param pid: of the process that systemd is to take for the main one.
    :param watchdog: which watches it, if any does.
    """

    def __init__(self, pid: int, watchdog: Watchdog | None = None) -> None:
        self._pid = pid
        self._watchdog = watchdog
        self._ready = False
        self._stopping = False
        self._readings = 0
        self._status = ""
        self._extend_at: float | None = None

    def ready(self, facts: Facts, now: float) -> list[str]:
        """Take note that everything has started, or is done with a reload.

        :returns: the lines of one message; none where it is too late for it.
        """
        if self._stopping:
            return []
        lines = ["READY=1"]
        if not self._ready:
            self._ready = True
            self._readings = facts.readings
            lines.append(f"MAINPID={self._pid}")
            if self._watchdog is not None:
                self._watchdog.begin(now)
        self._status = ""  # to be said in any case
        return lines + self._say_status(facts)

    def reloads(self, facts: Facts) -> bool:
        """Whether the service reads its configuration again, untold so far.

        What begins before it is ready belongs to its start.
        """
        return self._ready and not self._stopping and facts.readings > self._readings

    def advance(self, facts: Facts, now: float) -> Iterator[list[str]]:
        """Give the messages that are due, each as its lines; they count as sent."""
        if facts.stopping and not self._stopping:
            self._stopping = True
            yield ["STOPPING=1", *self._extend(facts, now), *self._say_status(facts)]
        elif self.reloads(facts):
            self._readings = facts.readings
            # To be in one message with the time, which tells systemd that this
            # is the answer to its own signal.
            yield ["RELOADING=1", f"MONOTONIC_USEC={int(now * 1e6)}"]
        elif self._ready and (lines := self._say_status(facts)):
            yield lines
        if lines := self._extend(facts, now):
            yield lines
        if self._watchdog is not None and self._watchdog.is_fed(
            healthy=facts.healthy, now=now
        ):
            yield [FEED]

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        watchdog = None if self._watchdog is None else self._watchdog.deadline
        due = [one for one in (watchdog, self._extend_at) if one is not None]
        return min(due, default=None)

    def _extend(self, facts: Facts, now: float) -> list[str]:
        if not (facts.draining and (self._ready or self._stopping)):
            self._extend_at = None
            return []
        if self._extend_at is not None and now < self._extend_at:
            return []
        self._extend_at = now + RENEWAL
        return [f"EXTEND_TIMEOUT_USEC={int(EXTENSION * 1e6)}"]

    def _say_status(self, facts: Facts) -> list[str]:
        status = _describe(facts)
        if status == self._status:
            return []
        self._status = status
        return [f"STATUS={status}"]


def _describe(facts: Facts) -> str:
    workers = _count(facts.workers, "worker")
    if facts.stopping:
        workers = f"stopping: {workers}"
    elif facts.workers != facts.places:
        workers = f"{facts.workers} of {_count(facts.places, 'worker')}"
    return f"{workers}, {_count(facts.restarts, 'restart')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
