# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What proc(5) says of the processes of the service."""

import contextlib
import errno
import resource
from pathlib import Path
from typing import NamedTuple

__all__ = ("Size", "address_space", "children", "command", "in_session", "size")

_PROC = Path("/proc")


class Size(NamedTuple):
    """What a process holds of what is scarce; memory in KiB."""

    descriptors: int
    threads: int
    memory: int


def children(pid: int) -> list[int]:
    """Return the processes that the main thread of another has forked."""
    try:
        text = (_PROC / f"{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(one) for one in text.split()]


def in_session(session: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            text = (entry / "stat").read_text(encoding="ascii", errors="replace")
            state, _, _, its_session = text.rpartition(")")[2].split()[:4]
            if int(its_session) == session and state not in "ZX":
                found.append(int(entry.name))
    return found


def size(pid: int) -> Size | None:
    """Return what a process holds; None: it is gone."""
    place = _PROC / f"{pid}"
    try:
        status = (place / "status").read_text(encoding="ascii")
        descriptors = len(list((place / "fd").iterdir()))
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return Size(descriptors, int(fields["Threads"]), int(fields["RssAnon"].split()[0]))


def address_space(pid: int) -> int:
    """Return how much of its address space a process uses, in bytes.

    :raises ProcessLookupError: it is gone.
    """
    try:
        text = (_PROC / f"{pid}/statm").read_text(encoding="ascii")
    except OSError:
        raise ProcessLookupError(errno.ESRCH, "it is gone") from None
    return int(text.split()[0]) * resource.getpagesize()


def command(pid: int) -> str:
    """Return the command line of a process, and its state."""
    with contextlib.suppress(OSError):
        words = (_PROC / f"{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        stat = (_PROC / f"{pid}/stat").read_text(encoding="ascii")
        state = stat.rpartition(")")[2].split()[0]
        return f"{pid} ({state}) {words.decode(errors='replace')[:100]}"
    return f"{pid} (gone)"
