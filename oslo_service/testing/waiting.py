# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Waiting in tests: for what is observed, never for a guessed time.

Every wait has a bound, far above what a loaded machine needs: it guards
against hangs and measures nothing.
"""

import collections
import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import pytest

from oslo_service.backend.base import Driver, Event
from oslo_service.loops.clock import Clock

__all__ = (
    "LIMIT",
    "Log",
    "SteppedClock",
    "announced",
    "between_lines",
    "ended",
    "in_another_thread",
    "in_native_thread",
    "in_time",
    "python_path",
    "run_python",
    "run_script",
    "runs_program",
    "until",
    "until_asleep",
    "until_set",
)

T = TypeVar("T")

#: The most seconds that anything waited for may take; the environment variable is for
#: machines on which that is not enough, and for drivers that are known to be broken.
LIMIT = float(os.environ.get("OSLO_SERVICE_TESTING_LIMIT", "60"))
# The most seconds that a program may take, which has to be started first.
_PROGRAM = max(10.0, LIMIT * 5 / 3)
_PAUSE = 0.002
# The programs that are run at this moment; see :func:`runs_program`.
_programs: list[object] = []
_ASLEEP_LOOKS = 5


def until(driver: Driver, condition: Callable[[], object], what: str) -> None:
    """Wait until ``condition()`` is true, letting other tasks run.

    :param what: the sentence of the contract that is broken if it never is.
    """
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not so in {LIMIT:g} s: {what}")
        driver.sleep(_PAUSE)


def until_set(event: Event, what: str) -> None:
    """Wait until an event of the driver is set."""
    if not event.wait(LIMIT):
        pytest.fail(f"not so in {LIMIT:g} s: {what}")


def in_time(driver: Driver, call: Callable[[], Any], what: str) -> Any:
    """Make a call that may block, in a task; return its result, or raise its error.

    :param what: the sentence of the contract that is broken if it hangs.
    """
    return ended(driver.spawn(call, name=f"test: {what}"), what)


def ended(task: Any, what: str) -> Any:
    """Wait for a task; return its result, or raise its error."""
    try:
        return task.wait(LIMIT)
    except TimeoutError:
        if task.done:
            raise
        pytest.fail(f"not so in {LIMIT:g} s: {what}")


def announced(begun: Event, call: Callable[..., T]) -> Callable[..., T]:
    """Return a function that sets an event, and then makes the call."""

    @functools.wraps(call)
    def announce(*args: Any) -> T:
        begun.set()
        return call(*args)

    return announce


def in_native_thread(call: Callable[[], object]) -> threading.Thread:
    """Make a call in a thread of the operating system."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def in_another_thread(
    driver: Driver, call: Callable[[], object], patience: float = LIMIT
) -> Any:
    """Make a call in a thread of the operating system, and block this one meanwhile.

    :param patience: the most seconds to block: the call may need what this one holds.
    :returns: the thread.
    """
    thread = driver.original("threading").Thread(target=call, daemon=True)
    thread.start()
    thread.join(patience)
    return thread


def between_lines(
    number: int, intrude: Callable[[], object], call: Callable[[], T]
) -> tuple[bool, T]:
    """Make a call, and another one before one of the lines that it executes.

    The lines of this library count, and those of the package of what is called.

    :param number: which of the lines, from 1.
    :param intrude: the other call.
    :param call: the call.
    :returns: whether there were so many lines, and what the call has returned.
    """
    lines, before = 0, sys.gettrace()
    packages = {"oslo_service", _package_of(call)}

    def trace(frame: FrameType, what: str, _value: object) -> Any:
        nonlocal lines
        if frame.f_globals.get("__name__", "").partition(".")[0] not in packages:
            return None
        if what == "line":
            lines += 1
            if lines == number:
                intrude()
        return trace

    sys.settrace(trace)
    try:
        result = call()
    finally:
        sys.settrace(before)
    return lines >= number, result


def _package_of(call: Any) -> str:
    function = getattr(call, "func", call)
    owner = type(getattr(function, "__self__", None) or function)
    return owner.__module__.partition(".")[0]


def until_asleep(native_id: int | None) -> None:
    """Block this native thread until another has gone to sleep in the kernel.

    Where the system does not tell, go on after a moment: what follows in the test
    happens a little earlier, and must be right then, too.
    """
    status = Path(f"/proc/self/task/{native_id}/stat")
    asleep, end = 0, time.monotonic() + LIMIT
    while asleep < _ASLEEP_LOOKS and time.monotonic() < end:
        time.sleep(_PAUSE)
        try:
            state = status.read_text().rpartition(")")[2].split()[0]
        except OSError:
            state = "S"
        asleep = asleep + 1 if state == "S" else 0


def run_script(
    script: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a process of its own, to its end."""
    return run_python("-c", script, *arguments, env=env, cwd=cwd)


def run_python(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the interpreter in a process of its own, to its end."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OS_OSLO_SERVICE")
    }
    _programs.append(arguments)
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROGRAM,
            check=False,
            env={**inherited, **(env or {})},
            cwd=cwd,
        )
    finally:
        _programs.pop()


def python_path(*places: Path) -> str:
    """Return a ``PYTHONPATH``: these places, and then those of this process."""
    return os.pathsep.join(
        [*map(str, places), *filter(None, [os.environ.get("PYTHONPATH")])]
    )


def runs_program() -> bool:
    """Whether this process waits for a program, which has a limit of its own."""
    return bool(_programs)


class SteppedClock(Clock):
    """A clock that goes on only when it is told to; a pause takes real time."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now

    def now(self) -> float:
        """Return the time of the clock, in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Set the clock forward."""
        self._now += seconds


class Log:
    """Entries of what happened, in order, made from any task."""

    def __init__(self) -> None:
        self._entries: collections.deque[Any] = collections.deque()

    def __call__(self, *entry: Any) -> None:
        """Add an entry: the argument, or a tuple of several."""
        self._entries.append(entry[0] if len(entry) == 1 else entry)

    def __len__(self) -> int:
        return len(self._entries)

    def reaches(self, count: int) -> bool:
        """Whether there are ``count`` entries, or more."""
        return len(self) >= count

    @property
    def entries(self) -> list[Any]:
        """All entries so far."""
        return list(self._entries)
