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
#: A program that launches the same service in unusual ways.
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

# Arguments of live() that are no part of the plan of a program.
_OTHERS = frozenset(("before", "passing", "names"))
# Starts a program in another way than by an interpreter of its own.
_Start = Callable[[list[str], dict[str, str]], _fork_server.ForkedProgram]

Event = dict[str, Any]


class Live:
    """A program that runs in a session of its own.

    :param command: the path of the program, and its arguments.
    :param environment: the variables to add to the environment.
    :param before: a program that runs the interpreter, with its arguments.
    :param passing: the sockets to pass to it, as systemd does.
    :param names: the names of the sockets, with colons between them.
    :param python: the interpreter.
    :param limit: the most seconds to wait for anything.
    :param start: starts the program, given its arguments and the environment; None: it
        gets an interpreter of its own.
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
        """The pid of the program (with workers: of the parent), and of its session."""
        return self.process.pid

    @property
    def transcript(self) -> str:
        """Everything that the program, and its workers, have printed so far."""
        with self._changed:
            return "".join(self._lines)

    def events(self, name: str, /, **details: object) -> list[Event]:
        """Return the events that the program has printed, in order.

        :param name: the name of the events.
        :param details: items that they must have.
        """
        with self._changed:
            return [
                event
                for event in self._events
                if event["event"] == name
                and all(event.get(key) == value for key, value in details.items())
            ]

    def said(self, **details: object) -> list[str]:
        """Return the names of the events with those details, in order."""
        with self._changed:
            return [
                event["event"]
                for event in self._events
                if all(event.get(key) == value for key, value in details.items())
            ]

    def fewest(self, up: str, down: str, workers: int) -> int:
        """Return the lowest number of workers that were up, once all of them had been.

        :param up: the event of a worker that begins.
        :param down: the event of a worker that ends.
        :param workers: how many all of them are.
        """
        there = 0
        found: list[int] = []
        for said in self.said():
            there += (said == up) - (said == down)
            if found or there >= workers:
                found.append(there)
        return min(found, default=0)

    def pids(self, name: str, /, **details: object) -> list[int]:
        """Return the pids of the processes that have printed such events, in order."""
        return [event["pid"] for event in self.events(name, **details)]

    def expect(self, name: str, /, count: int = 1, **details: object) -> list[Event]:
        """Wait until there are ``count`` such events; return them.

        :raises AssertionError: there are not, within the limit.
        """
        what = f"{count} times {name!r} with {details}"
        self.until(lambda: len(self.events(name, **details)) >= count, what)
        return self.events(name, **details)

    def stopped(self, count: int, **details: object) -> set[int]:
        """Wait until ``count`` processes print that they stop; return their pids.

        A service whose start() had not quite returned then is stopped twice.
        """
        what = f"{count} processes stop"
        self.until(lambda: len(set(self.pids("stop", **details))) >= count, what)
        return set(self.pids("stop", **details))

    def expect_text(self, text: str, count: int = 1) -> None:
        """Wait until a text stands ``count`` times in the transcript."""
        self.until(lambda: self.transcript.count(text) >= count, f"{count} of {text!r}")

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition, which is called often.

        It is not waited for long once no process is left that could print anything.

        :param what: what is waited for, for the message.
        :raises AssertionError: the condition is not true within the limit.
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

    def until_waiting(self) -> None:
        """Wait until the parent's main thread is in the launcher's wait().

        Until then, others act on signals, and handlers may interrupt anything.
        """
        self.expect("waiting", pid=self.pid)
        self.until_asleep(self.pid)

    def until_asleep(self, pid: int) -> None:
        """Wait until every thread of a process waits for something: proc(5), state.

        For what a process does after the last event that it prints.
        """

        def asleep() -> bool:
            states = [
                _fields(task / "stat")[:1]
                for task in Path(f"/proc/{pid}/task").iterdir()
            ]
            return all(state == ["S"] for state in states)

        self.until(asleep, f"process {pid} is asleep")

    def halt(self, pid: int) -> None:
        """Stop a process by SIGSTOP, and wait until it is stopped."""
        self.kill(signal.SIGSTOP, pid)
        self.until(
            lambda: _stat(pid)[:1] == ["T"], f"process {pid} is stopped by SIGSTOP"
        )

    def kill(self, signum: int, pid: int | None = None) -> None:
        """Send a signal, to the parent unless told otherwise."""
        os.kill(self.pid if pid is None else pid, signum)

    def kill_group(self, signum: int) -> None:
        """Send a signal to the whole process group, as a terminal does."""
        os.killpg(self.pid, signum)

    def wait(self) -> int:
        """Wait for the end of the program; return its exit status."""
        try:
            status = self.process.wait(self._limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.transcript}") from None
        return status

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Send the program a signal that ends it; return its exit status.

        :raises AssertionError: it does not end, or leaves processes.
        """
        self.kill(signum)
        status = self.wait()
        self.until(lambda: not self.left(), "nothing is left of it")
        self._reader.join(self._limit)
        return status

    def left(self) -> list[int]:
        """Return the pids of the processes of its session that still run."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            fields = _stat(int(entry.name))
            if fields and int(fields[3]) == self.pid and fields[0] not in "ZX":
                found.append(int(entry.name))
        return found

    def clean_up(self) -> None:
        """Kill whatever is left of the program."""
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
    """Have the kernel end this process when the one that runs the tests is killed.

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
    """Return the pids of the processes whose parent is ``pid``."""
    numbers = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    return [one for one in numbers if (_stat(one) or ["", ""])[1] == str(pid)]


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


class Idle:
    """Counts how often processes wake up that have nothing to do.

    :param pids: the processes.
    :param driver: the name of the driver that they run on.
    :ivar allowed: how many times they may wake up.
    """

    def __init__(self, pids: list[int], driver: str) -> None:
        self.pids = pids
        # A scheduler of tasks that take turns may wake up now and then: a hub of
        # Eventlet does once a minute.
        self.allowed = 0 if _drivers.capabilities(driver).parallel else len(pids)

    def counted(self, seconds: int = 3) -> int:
        """Return how often they wake up in some seconds, once they are at rest."""
        before = -1
        while before != (before := self.total()):
            time.sleep(0.3)
        time.sleep(seconds)
        return self.total() - before

    def total(self) -> int:
        """Return how often their threads have gone to sleep since they began."""
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

    :param driver: the name of the driver that it runs on.
    :param program: its path.
    :param plan: the plan; in it, also what :class:`Live` takes besides the command.
    :param fresh: whether it gets an interpreter of its own, for tests of how it
        starts; else it is forked from a process that has done its imports.
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
