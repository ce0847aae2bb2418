# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Starting programs quickly: forked from a process that has their imports behind it.

An interpreter that imports the library, and prepares itself for a driver, takes up to
half a second of a processor. Tests start a thousand.
"""

import atexit
import collections
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

__all__ = ("ForkServer", "ForkedProgram", "server_for")

# What it runs; not to be imported where a driver has patched the standard library.
_MAIN = Path(__file__).with_name("_fork_server_main.py")
# How many are kept, each of which has the memory of a program.
_MOST = 4
# How long one may take to be ready, or a program to begin, in seconds.
_PATIENCE = 60.0
# What the interpreter, or a library, reads before the program begins.
_EARLY = ("PYTHON", "LD_", "MALLOC_", "EVENTLET", "GEVENT", "OS_")
# What makes a process known as one that a test has left behind.
_TEST = "OSLO_SERVICE_TESTING_TEST"
_GONE = "the process that has forked it is gone"


class ForkedProgram:
    """A program that was forked: what tests use of :class:`subprocess.Popen`.

    :ivar pid: its process id, which is that of its session.
    :ivar stdout: what it says, on both streams.
    """

    def __init__(self, pid: int, stdout: IO[str], told: socket.socket) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._told = told
        self._pidfd = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its status, or the signal's number, negative.

        :raises subprocess.TimeoutExpired: it has not ended by then.
        """
        if self.returncode is None:
            assert self._told.fileno() >= 0, _GONE
            self._told.settimeout(timeout)
            try:
                status = self._told.recv(16)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._told.close()
            os.close(self._pidfd)
            assert status, _GONE
            self.returncode = int(status)
        return self.returncode

    def poll(self) -> int | None:
        """Return what :meth:`wait` does; None: it has not ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """Kill it, also where who would tell of its end is gone."""
        if self._told.fileno() >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)


class ForkServer:
    """The process that forks a program, for a driver.

    :raises RuntimeError: it cannot, and the message has its last words: the driver
        cannot be used, or has threads of its own after it has prepared the process.
    """

    def __init__(self, driver: str, program: Path, environment: dict[str, str]) -> None:
        self._programs: list[ForkedProgram] = []
        main = [sys.executable, "-W", "ignore", str(_MAIN)]
        with contextlib.ExitStack() as stack:
            self._printed = stack.enter_context(tempfile.TemporaryFile())
            self._requests, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
            stack.enter_context(self._requests)
            stack.enter_context(theirs)
            self._process = subprocess.Popen(
                [*main, str(theirs.fileno()), driver, str(program)],
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env={k: v for k, v in environment.items() if k != _TEST},
                start_new_session=True,  # Ctrl-C is for who asks for programs
            )
            theirs.close()
            self._requests.settimeout(_PATIENCE)
            answer = self._requests.recv(64)
            if answer != b"ready":
                raise RuntimeError(f"{answer.decode()}\n{self.end()}")
            stack.pop_all()

    @property
    def is_alive(self) -> bool:
        """Whether it can fork anything: nobody has killed it."""
        return self._process.poll() is None

    @property
    def is_idle(self) -> bool:
        """Whether no program runs."""
        self._programs = [one for one in self._programs if one.returncode is None]
        return not self._programs

    def start(self, arguments: list[str], environment: dict[str, str]) -> ForkedProgram:
        """Have the program run, in a session of its own."""
        request = {
            "cwd": str(Path.cwd()),
            "arguments": arguments,
            "environment": environment,
        }
        told, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        told.settimeout(_PATIENCE)
        read, write = os.pipe()
        stdout = open(read, encoding="utf-8")  # noqa: SIM115,PTH123 - the reader's
        data = json.dumps(request).encode()
        socket.send_fds(self._requests, [data], [write, theirs.fileno()])
        os.close(write)
        theirs.close()
        pid = int(told.recv(16))
        program = ForkedProgram(pid, stdout, told)
        self._programs.append(program)
        return program

    def end(self) -> str:
        """Have it end, and all that it has forked; return what it had printed."""
        self._requests.close()
        self._process.wait(_PATIENCE)
        with self._printed as printed:
            printed.seek(0)
            return printed.read().decode(errors="replace")


# By what they have in common; the ones used last at the end.
_servers: "collections.OrderedDict[object, ForkServer | None]" = (
    collections.OrderedDict()
)


def server_for(
    driver: str, program: Path, environment: dict[str, str]
) -> ForkServer | None:
    """Return what forks a program on a driver; None: nothing does."""
    early = tuple(
        sorted(one for one in environment.items() if one[0].startswith(_EARLY))
    )
    key = driver, program, early, os.getpid()
    known = _servers.get(key)
    if known is not None and not known.is_alive:
        del _servers[key]
        known.end()
    if key not in _servers:
        _servers[key] = _start(driver, program, environment)
        _end_all_but(_MOST)
    _servers.move_to_end(key)
    return _servers[key]


def _start(
    driver: str, program: Path, environment: dict[str, str]
) -> ForkServer | None:
    if not hasattr(os, "pidfd_open"):
        return None
    if not _servers:
        atexit.register(_end_all_but, 0)
    with contextlib.suppress(RuntimeError):
        return ForkServer(driver, program, environment)
    return None


def _end_all_but(number: int) -> None:
    for key, server in list(_servers.items())[: max(0, len(_servers) - number)]:
        if server is None or server.is_idle:
            del _servers[key]
            if server is not None:
                server.end()
