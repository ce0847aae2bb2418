# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has been done to the service, what became of it, and whether that fits."""

import collections
import re
import signal
import time
from collections.abc import Callable
from typing import Any

from subject import LIMIT, Told

__all__ = ("Ledger", "Violation")

#: The longest pause of a slot, and something for what follows, in seconds.
LONGEST_PAUSE = 35.0
# How long after a disturbance a death may still be due to it, in seconds.
_AFTERMATH = 3.0
_SHOWN = 60
_KEPT = 20_000


class Violation(Exception):
    """An invariant is broken."""


class Ledger:
    """Knows which deaths, pauses and lost requests are to be expected.

    :ivar foreign: children that are not the library's.
    :ivar accepted: by which process a client was accepted.
    :ivar violations: what has been found.
    """

    def __init__(self) -> None:
        self.foreign: set[int] = set()
        self.accepted: dict[str, int] = {}
        self.status: int | None = None
        self.launched = False
        self.violations: list[str] = []
        self.done: collections.Counter[str] = collections.Counter()
        self.ending_since: float | None = None
        self.forced = False
        self._history: collections.deque[str] = collections.deque(maxlen=_KEPT)
        self._killed: dict[int, float] = {}
        self._begun: set[int] = set()
        self._serving: set[int] = set()
        self._ended: dict[int, int | None] = {}
        self._failed: set[int] = set()
        self._told_to_stop: dict[int, float] = {}
        self._born: dict[int, float] = {}
        self._scarce_since: float | None = None
        self._scarce_until = 0.0
        self._paused_until = 0.0
        self._refused: set[tuple[int, Any]] = set()

    # What is done

    def did(self, what: str, about: str = "") -> None:
        """Record that something was done to the service."""
        self.done[what] += 1
        self._history.append(f"{time.monotonic():.3f} {what} {about}")

    def kills(self, pid: int) -> None:
        """Record that a process is about to be killed."""
        self._killed[pid] = time.monotonic()

    def begin_scarcity(self) -> None:
        """Record that something is taken away."""
        self._scarce_since = self._scarce_since or time.monotonic()

    def end_scarcity(self) -> None:
        """Record that it has been given back."""
        self._scarce_since, self._scarce_until = None, time.monotonic() + _AFTERMATH

    # What is heard

    def hear(self, told: Told) -> None:
        """Take in a line of the record."""
        react: Callable[..., None] | None = getattr(self, f"_on_{told.name}", None)
        if react is not None:
            react(told, *told.details)

    def _on_launched(self, _told: Told) -> None:
        self.launched = True

    def _on_last(self, _told: Told, status: int) -> None:
        self.status = status

    def _on_started(self, told: Told) -> None:
        self._begun.add(told.pid)
        self._serving.add(told.pid)

    def _on_stopping(self, told: Told) -> None:
        self._serving.discard(told.pid)
        self._told_to_stop.setdefault(told.pid, told.time)

    def _on_accepted(self, told: Told, client: str) -> None:
        self.accepted[client] = told.pid

    def _on_foreign(self, _told: Told, pid: int) -> None:
        self.foreign.add(pid)

    def _on_ServiceFailed(self, told: Told, _event: dict[str, Any]) -> None:
        self._failed.add(told.pid)

    def _on_SlotPaused(self, told: Told, event: dict[str, Any]) -> None:
        self._paused_until = max(self._paused_until, told.time + event["seconds"])

    def _on_StartRefused(self, told: Told, event: dict[str, Any]) -> None:
        self._refused.add((told.pid, event["worker"]))

    def _on_StartResumed(self, told: Told, event: dict[str, Any]) -> None:
        self._refused.discard((told.pid, event["worker"]))
        self._paused_until = max(self._paused_until, told.time)

    def _on_WorkerStarted(self, told: Told, event: dict[str, Any]) -> None:
        self._born[event["pid"]] = told.time

    def _on_WorkerKilled(self, told: Told, event: dict[str, Any]) -> None:
        self._killed[event["pid"]] = told.time

    def _on_WorkerEnded(self, told: Told, event: dict[str, Any]) -> None:
        pid, status = event["pid"], event["status"]
        self._serving.discard(pid)
        self._refused = {one for one in self._refused if one[0] != pid}
        self._ended[pid] = status
        if status != 0 and not self._is_explained(pid, status, told.time):
            self.violations.append(f"worker {pid} has ended with status {status}")

    def _is_explained(self, pid: int, status: int | None, when: float) -> bool:
        if pid in self._killed:
            return True
        if pid not in self._begun and self._was_scarce(pid, when):
            return True
        if status != 1:
            return status == -signal.SIGKILL and self.forced
        told = self._told_to_stop.get(pid)
        late = told is not None and when - told >= LIMIT - 0.5
        return late or pid in self._failed

    def _was_scarce(self, pid: int, when: float) -> bool:
        # Under the limits of who forked it, also when they have been lifted since.
        born = self._born.get(pid, when)
        return self._scarce_since is not None or born <= self._scarce_until

    # What is the case

    def serving(self, children: list[int]) -> list[int]:
        """Return the workers that have started and not been told to stop."""
        return [pid for pid in children if pid in self._serving]

    def longest_wait(self, since: float) -> float:
        """Return how long it may take, after a time, until all serve, in seconds."""
        if self._refused:
            return LONGEST_PAUSE
        return min(2.0 + max(0.0, self._paused_until - since), LONGEST_PAUSE)

    def excuse(self, client: str, begun: float) -> bool:
        """Whether a client's request may have been lost."""
        pid = self.accepted.get(client)
        if pid is None:
            # Nobody had accepted it; or who had was killed before it could say so.
            killed = max(self._killed.values(), default=0.0)
            return self.ending_since is not None or killed >= begun - 1.0
        if pid in self._killed or self.forced:
            return True
        return self._ended.get(pid, 0) != 0

    def history(self, about: str) -> str:
        """Return what was done last, and before that to the processes of a text."""
        pids = set(re.findall(r"\d+", about))
        history = list(self._history)
        before, last = history[:-_SHOWN], history[-_SHOWN:]
        told = [one for one in before if pids.intersection(re.findall(r"\d+", one))]
        return "\n".join((*told[-_SHOWN:], "...", *last))
