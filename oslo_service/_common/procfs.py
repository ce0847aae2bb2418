# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of processes, in the files of proc(5)."""

from pathlib import Path

__all__ = ("field",)


def field(path: Path, name: str) -> list[str] | None:
    """Return what stands behind a name, in a file of names and values.

    :param path: such as ``/proc/PID/status``.
    :param name: with the colon.
    :returns: the words; None where it cannot be known: the process is gone, or is
        another user's, or the kernel tells nothing of that name.
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith(name):
            return line.split()[1:]
    return None
