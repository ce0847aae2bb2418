# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the end of the interpreter waits for: threads, children, exit handlers."""

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

__all__ = ("call_first", "describe", "kill_children")


def call_first(call: Callable[[], object]) -> None:
    """Have a function called as soon as the interpreter begins to end."""
    # What was registered last is called first. Threads are waited for before exit
    # handlers run, but not where Eventlet has patched them.
    atexit.unregister(call)
    atexit.register(call)
    register = getattr(threading, "_register_atexit", None)
    calls: list[Any] = getattr(threading, "_threading_atexits", [])
    if register is None or any(getattr(one, "func", None) == call for one in calls):
        return
    with contextlib.suppress(RuntimeError):  # it has begun already
        register(call)


def describe(tasks: Container[str]) -> str:
    """Return what the end waits for, in words.

    :param tasks: the names of what it does not wait for.
    """
    me = threading.current_thread()
    threads = [
        f"thread {one.name}"
        for one in threading.enumerate()
        if one is not me and not one.daemon and one.name not in tasks
    ]
    children = [f"child {one.name} (pid {one.pid})" for one in _children()]
    found = ", ".join((*threads, *children)) or "exit handlers"
    return f"the end of the process: {found}"


def kill_children() -> None:
    """Kill the children that the end waits for, and theirs.

    Other programs that were started from here are left alone.
    """
    found = [pid for one in _children() if one.pid for pid in _family(one.pid)]
    for pid in found:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _children() -> list[Any]:
    process: Any = sys.modules.get("multiprocessing.process")
    return [] if process is None else list(process._children)


def _family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants: proc(5), children."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                yield from _family(int(child))
