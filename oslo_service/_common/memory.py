# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How much memory a process uses, as the kernel counts it."""

from pathlib import Path

from oslo_service._common import procfs

__all__ = ("pss",)


def pss(pid: int) -> int | None:
    """Return the proportional set size of a process, in bytes.

    Memory that it shares with others counts in part: proc(5), smaps_rollup. The kernel
    goes through all of it, which takes a millisecond for each hundred megabytes.

    :returns: None where that cannot be known.
    """
    found = procfs.field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    return None if found is None else int(found[0]) * 1024
