# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The record: what the programs tell, read while they append to it."""

import collections
import fcntl
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from history import Alone, Death, Run, Takeover

__all__ = ("Record", "is_locked")

Line = dict[str, Any]


class Record:
    """What has been told so far.

    :param path: of the file, which is made.
    """

    def __init__(self, path: Path) -> None:
        path.touch()
        self._path = path
        self._file = path.open("rb")
        self._rest = b""
        self.lines: list[Line] = []
        #: Who has begun a due time last, of each task; and who runs alone.
        self.holders: dict[str, int] = {}
        #: When the single service began and ended.
        self.alone: list[Alone] = []

    def read(self) -> None:
        """Read what is new."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in map(json.loads, lines):
            self.lines.append(line)
            if line["what"] == "begin":
                self.holders[line["task"]] = line["pid"]
            elif line["what"] == "alone":
                self.holders["alone"] = line["pid"]
                self.alone.append(Alone(line["pid"], line["at"], None))
            elif line["what"] == "not alone":
                self._end_alone(line)

    def _end_alone(self, line: Line) -> None:
        for number, one in enumerate(self.alone):
            if one.pid == line["pid"] and one.end is None:
                self.alone[number] = one._replace(end=line["at"])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def told(self, what: str) -> Iterator[Line]:
        """Yield what has been told of that name."""
        return (line for line in self.lines if line["what"] == what)

    # What the checker looks at

    def runs(self) -> list[Run]:
        """Return what was begun, and when it ended."""
        ends: dict[tuple[str, float, int], collections.deque[float]] = (
            collections.defaultdict(collections.deque)
        )
        for line in self.told("end"):
            ends[line["task"], line["due"], line["pid"]].append(line["at"])
        found = []
        for line in self.told("begin"):
            key = line["task"], line["due"], line["pid"]
            end = ends[key].popleft() if ends[key] else None
            found.append(Run(*key[:2], key[2], line["at"], end))
        return found

    def takeovers(self, tasks: tuple[str, ...], group: str) -> list[Takeover]:
        """Return when processes took over the tasks, and what they did not know."""
        taken = [line for line in self.told("LeadershipTaken") if line["name"] == group]
        found = []
        for line in taken:
            next_at = min(
                (
                    one["when"]
                    for one in taken
                    if one["pid"] == line["pid"] and one["when"] > line["when"]
                ),
                default=math.inf,
            )
            for task in tasks:
                unknown = {
                    due
                    for one in self.told("DueTimesMissed")
                    if one["pid"] == line["pid"]
                    and one["task"].rpartition(".")[2] == task
                    and line["when"] - 1 < one["when"] < next_at
                    for due in one["due_times"]
                }
                found.append(
                    Takeover(
                        *(task, line["pid"], line["when"], frozenset(unknown)),
                        self._lost(line),
                    )
                )
        return found

    def _lost(self, taken: Line) -> float:
        """Return when a process lost what it had taken."""
        return min(
            (
                one["when"]
                for one in self.told("LeadershipLost")
                if (one["pid"], one["name"]) == (taken["pid"], taken["name"])
                and one["when"] >= taken["when"]
            ),
            default=math.inf,
        )

    def interrupted(self) -> frozenset[tuple[str, float, int]]:
        """Return the due times that parents have told were interrupted."""
        return frozenset(
            (line["task"].rpartition(".")[2], round(line["due_time"], 3), line["of"])
            for line in self.told("DueTimeInterrupted")
        )

    def deaths(self) -> list[Death]:
        """Return which workers have ended, as their parents told."""
        return [Death(line["of"], line["when"]) for line in self.told("WorkerEnded")]

    def overlaps(self) -> list[tuple[int, int, float]]:
        """Return who began when who had not ended, and when."""
        return [
            (line["pid"], line["other"], line["at"]) for line in self.told("overlap")
        ]


def is_locked(path: Path, seconds: float = 0.2) -> bool:
    """Whether somebody holds the lock of a record for so long: one that is paused."""
    until = time.monotonic() + seconds
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    return True
                time.sleep(0.005)
            else:
                return False
