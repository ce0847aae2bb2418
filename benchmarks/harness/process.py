# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells about a process. Linux only."""

import os
import time
from pathlib import Path
from typing import NamedTuple

__all__ = (
    "Switches",
    "cpu_time",
    "private_memory",
    "resident_memory",
    "switches",
    "threads",
)


class Switches(NamedTuple):
    """How often the threads of a process gave up the processor, or lost it."""

    voluntary: int
    involuntary: int


def cpu_time(pid: int) -> float:
    """Return the CPU seconds of a process, of all its threads, ended ones too."""
    # The clock id of another process: see clock_getcpuclockid(3), and
    # CPUCLOCK_SCHED in the kernel's include/linux/posix-timers_types.h.
    return time.clock_gettime((~pid << 3) | 2)


def switches(pid: int) -> Switches:
    """Count the context switches of all threads."""
    fields = [_fields(task / "status") for task in Path(f"/proc/{pid}/task").iterdir()]
    return Switches(
        sum(int(one["voluntary_ctxt_switches"]) for one in fields),
        sum(int(one["nonvoluntary_ctxt_switches"]) for one in fields),
    )


def threads(pid: int) -> int:
    """Count the threads."""
    return int(_fields(Path(f"/proc/{pid}/status"))["Threads"])


def private_memory(pid: int) -> float:
    """Return the megabytes that a process shares with no other."""
    fields = _fields(Path(f"/proc/{pid}/smaps_rollup"))
    return (
        _kilobytes(fields["Private_Dirty"]) + _kilobytes(fields["Private_Clean"])
    ) / 1024


def resident_memory(pid: int | None = None) -> float:
    """Return the kilobytes that a process (None: this one) has in memory."""
    fields = _fields(Path(f"/proc/{pid or os.getpid()}/smaps_rollup"))
    return _kilobytes(fields["Rss"])


def _kilobytes(field: str) -> float:
    return float(field.removesuffix("kB"))


def _fields(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="ascii").splitlines()
    return {
        key: value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
