# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Real processes under test: started, listened to, and never left behind."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from oslo_service.testing import _drivers, _fork_server

__all__ = (
    "DAEMON",
    "REPEATED",
    "UNUSUAL",
    "WEB",
    "Idle",
    "Live",
    "children",
    "die_with_the_tests",
    "is_alive",
    "live",
)

#: A service that can be told to misbehave.
DAEMON = Path(__file__).parent / "programs" / "daemon.py"
#: A program that launches it as few do.
UNUSUAL = DAEMON.with_name("unusual.py")
#: A program that serves HTTP.
WEB = DAEMON.with_name("web.py")
_ACTIVATOR = DAEMON.with_name("activator.py")
#: The most seconds to wait for anything: a guard against hanging, no measure.
LIMIT = 30.0
#: A second SIGTERM is the same order for so many seconds; later, it is another one.
REPEATED = 1.0
# How long a condition may take to become true when the program has ended.
_AFTERWARDS = 5.0

# The name is that of prctl's manual page, section 2.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

# What a program is given that is no part of its plan.
_OTHERS = frozenset(("before", "passing", "names"))
# How a program is started otherwise than by an interpreter of its own.
_Start = Callable[[list[str], dict[str, str]], _fork_server.ForkedProgram]

Event = dict[str, Any]


class Live:
    """A program that runs in a session of its own.

    :param command: what to run, with an interpreter.
    :param environment: what to add to the environment.
    :param before: a program that runs it, and its arguments.
    :param passing: the sockets to pass to it, as systemd does.
    :param names: their names, with colons between them.
    :param python: the interpreter.
    :param limit: the most seconds to wait for anything.
    :param start: starts it, given its arguments and the environment; None: it gets an
        interpreter of its own.
    """

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        *,
        before: Sequence[str] = (),
        passing: Sequence[socket.socket] = (),
        names: str = "",
        python: str = sys.executable,
        limit: float = LIMIT,
        start: _Start | None = None,
    ) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._events: list[Event] = []
        self.process: subprocess.Popen[str] | _fork_server.ForkedProgram
        whole = {**os.environ, **environment}
        if start is not None:
            self.process = start(command[1:], whole)
        else:
            inherited = [one.fileno() for one in passing]
            if inherited:
                numbers = ",".join(map(str, inherited))
                command = [str(_ACTIVATOR), numbers, names, *command]
            self.process = subprocess.Popen(
                [*before, python, "-W", "ignore", *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=whole,
                start_new_session=True,
                pass_fds=inherited,
                preexec_fn=die_with_the_tests,  # noqa: PLW1509 - it takes no lock
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The parent's pid, which is that of the session, too."""
        return self.process.pid

    @property
    def transcript(self) -> str:
        """Everything that it has said so far."""
        with self._changed:
            return "".join(self._lines)

    def events(self, name: str, /, **details: object) -> list[Event]:
        """Return what it has said of that name, and with those details."""
        with self._changed:
            return [
                event
                for event in self._events
                if event["event"] == name
                and all(event.get(key) == value for key, value in details.items())
            ]

    def said(self, **details: object) -> list[str]:
        """Return the names of what has been said with those details, in order."""
        with self._changed:
            return [
                event["event"]
                for event in self._events
                if all(event.get(key) == value for key, value in details.items())
            ]

    def fewest(self, up: str, down: str, workers: int) -> int:
        """Return how many have been up at the least since so many were.

        :param up: what one says that begins.
        :param down: what one says that ends.
        """
        there = 0
        found: list[int] = []
        for said in self.said():
            there += (said == up) - (said == down)
            if found or there >= workers:
                found.append(there)
        return min(found, default=0)

    def pids(self, name: str, /, **details: object) -> list[int]:
        """Return the processes that have said it, in the order in which they did."""
        return [event["pid"] for event in self.events(name, **details)]

    def expect(self, name: str, /, count: int = 1, **details: object) -> list[Event]:
        """Wait until it has said something so many times."""
        what = f"{count} times {name!r} with {details}"
        self.until(lambda: len(self.events(name, **details)) >= count, what)
        return self.events(name, **details)

    def stopped(self, count: int, **details: object) -> set[int]:
        """Wait until so many processes have said that they stop; give them.

        One whose start() had not quite returned then is told twice.
        """
        what = f"{count} processes stop"
        self.until(lambda: len(set(self.pids("stop", **details))) >= count, what)
        return set(self.pids("stop", **details))

    def expect_text(self, text: str, count: int = 1) -> None:
        """Wait until a text stands so many times in what it has said."""
        self.until(lambda: self.transcript.count(text) >= count, f"{count} of {text!r}")

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition, which is looked at often.

        Not long when nobody is left who could say anything.
        """
        end = time.monotonic() + self._limit
        while not condition():
            if not self._reader.is_alive():
                end = min(end, time.monotonic() + _AFTERWARDS)
            if time.monotonic() > end:
                raise AssertionError(f"it was not so: {what}\n{self.transcript}")
            with self._changed:
                self._changed.wait(0.02)

    def until_handled(self, signum: int, pid: int) -> None:
        """Wait until a process has a handler for a signal: proc(5), SigCgt."""

        def handled() -> bool:
            text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            mask = int(text.partition("\nSigCgt:")[2].split()[0], 16)
            return bool(mask >> (signum - 1) & 1)

        self.until(handled, f"process {pid} handles signal {signum}")

    def until_asleep(self, pid: int) -> None:
        """Wait until every thread of a process waits for something: proc(5), state.

        What it has said may be the last thing but one that it does.
        """

        def asleep() -> bool:
            states = [
                _fields(task / "stat")[:1]
                for task in Path(f"/proc/{pid}/task").iterdir()
            ]
            return all(state == ["S"] for state in states)

        self.until(asleep, f"process {pid} is asleep")

    def halt(self, pid: int) -> None:
        """Have the kernel halt a process, and wait until it is."""
        self.kill(signal.SIGSTOP, pid)
        self.until(lambda: _stat(pid)[:1] == ["T"], f"process {pid} is halted")

    def kill(self, signum: int, pid: int | None = None) -> None:
        """Send a signal, to the parent unless told otherwise."""
        os.kill(self.pid if pid is None else pid, signum)

    def kill_group(self, signum: int) -> None:
        """Send a signal to the whole process group, as a terminal does."""
        os.killpg(self.pid, signum)

    def wait(self) -> int:
        """Wait for the parent's end, and give its status."""
        try:
            status = self.process.wait(self._limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.transcript}") from None
        return status

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Tell the parent to stop; give its status. Nothing may be left."""
        self.kill(signum)
        status = self.wait()
        self.until(lambda: not self.left(), "nothing is left of it")
        self._reader.join(self._limit)
        return status

    def left(self) -> list[int]:
        """Return the processes of its session that still run."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            fields = _stat(int(entry.name))
            if fields and int(fields[3]) == self.pid and fields[0] not in "ZX":
                found.append(int(entry.name))
        return found

    def clean_up(self) -> None:
        """End by force whatever is left."""
        # The parent first: it would replace its workers.
        self.process.kill()
        self.until(self._kill_left, "what is left has been killed")
        try:
            self.process.wait(self._limit)
        finally:
            self._reader.join(self._limit)
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _kill_left(self) -> bool:
        left = self.left()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
                    if isinstance(event, dict) and "event" in event:
                        self._events.append(event)
                self._changed.notify_all()


def die_with_the_tests(signum: int = signal.SIGKILL) -> None:
    """Have the kernel end this process when the one that tests is killed.

    For ``preexec_fn``: it takes no lock.
    """
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signum)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none if it is gone."""
    return _fields(Path(f"/proc/{pid}/stat"))


def _fields(stat: Path) -> list[str]:
    """Return the fields of a stat file from the state on; none if it is gone."""
    try:
        text = stat.read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def children(pid: int) -> list[int]:
    """Return the processes whose parent is ``pid``."""
    numbers = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    return [one for one in numbers if (_stat(one) or ["", ""])[1] == str(pid)]


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


class Idle:
    """Counts how often processes that have nothing to do wake up.

    :param pids: the processes.
    :param driver: the name of the driver that they run on.
    :ivar allowed: how often they may.
    """

    def __init__(self, pids: list[int], driver: str) -> None:
        self.pids = pids
        # What has tasks take turns may look up now and then: a hub of Eventlet
        # does once a minute.
        self.allowed = 0 if _drivers.capabilities(driver).parallel else len(pids)

    def counted(self, seconds: int = 3) -> int:
        """Wait until they have come to rest, and then for so long."""
        before = -1
        while before != (before := self.total()):
            time.sleep(0.3)
        time.sleep(seconds)
        return self.total() - before

    def total(self) -> int:
        """Count how often their threads have gone to sleep."""
        found = 0
        for pid in self.pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                text = (task / "status").read_text(encoding="ascii")
                found += int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
        return found


@contextlib.contextmanager
def live(
    driver: str, *, program: Path = DAEMON, fresh: bool = False, **plan: Any
) -> Iterator[Live]:
    """Run a program by a plan; see :mod:`.programs.daemon`.

    What :class:`Live` takes besides the command is no part of the plan.

    :param fresh: whether it gets an interpreter of its own, for tests of how it
        starts; else it is forked from one that has its imports behind it.
    """
    environment = plan.pop("environment", {})
    others = {name: plan.pop(name) for name in _OTHERS & plan.keys()}
    text = json.dumps({"driver": driver, **plan})
    if not fresh and not others:
        whole = {**os.environ, **environment}
        server = _fork_server.server_for(driver, program, whole)
        others["start"] = server and server.start
    process = Live([str(program), text], environment, **others)
    try:
        yield process
    finally:
        process.clean_up()
