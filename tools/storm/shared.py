# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the service and who watches it share: a piece of memory, and a record.

Neither can block, needs a descriptor, or is in the way of anything else.
"""

import json
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ("CONTROLS", "COUNTS", "Beats", "Board", "Recorder")

#: What the service is told, each a number.
CONTROLS = (
    "clock",  # steps of its wall clock, in seconds
    "start_delay",
    "stop_delay",
    "wait_delay",  # how long the method takes, in seconds
    "start_fails",
    "stop_fails",
    "wait_fails",  # how often it fails, from 0 to 1
)
#: What each of its processes counts.
COUNTS = ("loop", "timer", "usr1", "usr2")

_CONTROL = struct.Struct("=d")
_BEAT = struct.Struct("=5Q")  # a pid, and the counts
# More places than processes are made in a life: those of two pids must not be one.
_BEATS_AT, _PLACES = 4096, 65_536
_SIZE = _BEATS_AT + _PLACES * _BEAT.size


class Board:
    """A piece of memory that is shared: controls, and the counts of each process.

    :param path: of its file, which is made where there is none.
    """

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(_SIZE)
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    def get(self, control: str) -> float:
        """Return the value of a control."""
        at = CONTROLS.index(control) * _CONTROL.size
        return float(_CONTROL.unpack_from(self._memory, at)[0])

    def set(self, control: str, value: float) -> None:
        """Give a control a value."""
        at = CONTROLS.index(control) * _CONTROL.size
        _CONTROL.pack_into(self._memory, at, value)

    def write_counts(self, pid: int, counts: list[int]) -> None:
        """Set the counts of a process."""
        _BEAT.pack_into(self._memory, _place(pid), pid, *counts)

    def counts(self, pid: int) -> dict[str, int]:
        """Return the counts of a process; zeros where it has none."""
        owner, *counts = _BEAT.unpack_from(self._memory, _place(pid))
        if owner != pid:
            counts = [0] * len(COUNTS)
        return dict(zip(COUNTS, counts, strict=True))


def _place(pid: int) -> int:
    return _BEATS_AT + pid % _PLACES * _BEAT.size


class Beats:
    """The counts of this process, on a board; of a fork they begin anew."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._pid, self._counts = os.getpid(), [0] * len(COUNTS)

    def count(self, what: str) -> None:
        """Count one more."""
        self._counts[COUNTS.index(what)] += 1
        self._board.write_counts(self._pid, self._counts)


class Recorder:
    """Records what happens in the processes of the service: a line of JSON each.

    :param path: of the file, which all processes append to.
    :param write: the system's ``os.write``, which no driver has patched.
    """

    def __init__(self, path: Path, write: Callable[[int, bytes], int]) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._write = write

    def __call__(self, name: str, *details: Any) -> None:
        """Record that something has happened here, now."""
        line = json.dumps([time.monotonic(), os.getpid(), name, *details])
        self._write(self._fd, line.encode("ascii") + b"\n")
