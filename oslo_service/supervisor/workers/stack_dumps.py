# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The stacks of a process, also of one that is stuck.

faulthandler(3) writes the stacks of all threads inside a signal's handler in C, which
needs no GIL, and no main thread that goes on. Of a process that is stopped, proc(5)
says where the system has its threads.
"""

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
from pathlib import Path

from oslo_service._common import procfs

__all__ = ("describe", "listen", "request_stacks", "write")

# The last of the real-time signals, for which nothing else has a use.
_SIGNAL: int | None = getattr(signal, "SIGRTMAX", None)
_SS_DISABLE = 2
_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "in a system call that cannot be interrupted",
    "T": "stopped",
    "t": "stopped by a debugger",
}


def listen(fd: int) -> None:
    """Have this process write its stacks when another one asks for them.

    :param fd: where to; it has to stay open.
    """
    if _SIGNAL is not None:
        with contextlib.suppress(RuntimeError, ValueError, OSError, AttributeError):
            faulthandler.register(_SIGNAL, file=fd, all_threads=True)
            if not faulthandler.is_enabled():
                _use_own_stack()


def _use_own_stack() -> None:
    """Have signals handled on this thread's own stack again: sigaltstack(2).

    faulthandler has made one for its handler, on which Python's own are run from then
    on, too. It is small: there is no room for many that arrive at once. Only who has
    enabled that wants it, for when the own stack is full.
    """
    if sys.platform != "linux":
        return

    class Stack(ctypes.Structure):
        _fields_ = (
            ("ss_sp", ctypes.c_void_p),
            ("ss_flags", ctypes.c_int),
            ("ss_size", ctypes.c_size_t),
        )

    ctypes.CDLL(None).sigaltstack(ctypes.byref(Stack(None, _SS_DISABLE, 0)), None)


def write(fd: int) -> None:
    """Write the stacks of this process."""
    with contextlib.suppress(RuntimeError, ValueError, OSError):
        faulthandler.dump_traceback(file=fd, all_threads=True)


def request_stacks(pid: int) -> None:
    """Have a child write its stacks, where it listens; to others it would be fatal."""
    if _SIGNAL is not None and _handles(pid, _SIGNAL):
        with contextlib.suppress(OSError):
            os.kill(pid, _SIGNAL)


def _handles(pid: int, signum: int) -> bool:
    mask = procfs.field(Path(f"/proc/{pid}/status"), "SigCgt:")
    return mask is not None and bool(int(mask[0], 16) >> (signum - 1) & 1)


def describe(pid: int) -> str:
    """Return where the system has the threads of a process, a line for each."""
    lines = []
    with contextlib.suppress(OSError):
        for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(OSError, IndexError):
                lines.append(_describe_thread(task))
    return "\n".join(lines)


def _describe_thread(task: Path) -> str:
    name = (task / "comm").read_text(encoding="ascii", errors="replace").strip()
    stat = (task / "stat").read_text(encoding="ascii", errors="replace")
    state = stat.rpartition(")")[2].split()[0]
    words = [f"Thread {task.name} ({name}): {_STATES.get(state, state)}"]
    with contextlib.suppress(OSError):
        channel = (task / "wchan").read_text(encoding="ascii").strip("0\n")
        words += [f"in {channel}"] if channel else []
    with contextlib.suppress(OSError):
        call = (task / "syscall").read_text(encoding="ascii").split()[0]
        words += [f"system call {call}"] if call.isdigit() else []
    return ", ".join(words)
