# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Runs a server, and loads it with wrk (https://github.com/wg/wrk)."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.contestants import Contestant
from harness.places import start
from harness.process import cpu_time, resident_memory

__all__ = ("Load", "Site", "serving")

_PATIENCE = 30.0
_DESCRIPTORS = 8192
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


class Load(NamedTuple):
    """What a run of wrk has found.

    :ivar rate: requests a second.
    :ivar p99: milliseconds until all but one in a hundred are answered.
    :ivar cpu: microseconds of the servers' CPU time a request.
    """

    rate: float
    p99: float
    cpu: float


class Site:
    """A server that runs.

    :param process: the first of its processes; all are of its session.
    :param port: where it listens.
    :param scheme: ``http`` or ``https``.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], port: int, scheme: str
    ) -> None:
        self._process = process
        self._port = port
        self._scheme = scheme

    def load(
        self, path: str, *arguments: str, seconds: int = 4, connections: int = 50
    ) -> Load:
        """Ask as fast as it answers."""
        before = self._cpu_time()
        report = self.begin_load(
            path, *arguments, seconds=seconds, connections=connections
        ).communicate()[0]
        cpu = self._cpu_time() - before
        if "Socket errors" in report or "Non-2xx" in report:
            raise RuntimeError(f"not every request was answered:\n{report}")
        rate = float(_found(r"Requests/sec:\s+([\d.]+)", report)[1])
        late = _found(r"99%\s+([\d.]+)(us|ms|s|m)\b", report)
        count = int(_found(r"(\d+) requests in", report)[1])
        return Load(rate, float(late[1]) * _UNITS[late[2]], cpu / count * 1e6)

    def begin_load(
        self, path: str, *arguments: str, seconds: int, connections: int
    ) -> subprocess.Popen[str]:
        """Begin to ask as fast as it answers."""
        wrk = shutil.which("wrk")
        if wrk is None:
            raise FileNotFoundError("wrk is not installed")
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
        url = f"{self._scheme}://127.0.0.1:{self._port}{path}"
        return subprocess.Popen(
            [*command, *arguments, url], stdout=subprocess.PIPE, text=True
        )

    def connect(self, data: bytes = b"", *, buffer: int = 0) -> socket.socket:
        """Connect as a client, and send something."""
        client = socket.socket()
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(_PATIENCE)
        client.connect(("127.0.0.1", self._port))
        client.sendall(data)
        return client

    @property
    def memory(self) -> float:
        """The kilobytes that its processes have in memory."""
        return sum(map(resident_memory, self._pids()))

    def _cpu_time(self) -> float:
        return sum(map(cpu_time, self._pids()))

    def _pids(self) -> list[int]:
        session = self._process.pid
        found = []
        for place in Path("/proc").iterdir():
            with contextlib.suppress(ValueError, ProcessLookupError):
                if os.getsid(int(place.name)) == session:
                    found.append(int(place.name))
        return found

    def await_answer(self) -> None:
        """Wait until somebody listens."""
        end = time.monotonic() + _PATIENCE
        while True:
            if self._process.poll() is not None:
                raise RuntimeError("the server has ended")
            try:
                self.connect().close()
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return


def _found(pattern: str, report: str) -> re.Match[str]:
    match = re.search(pattern, report)
    if match is None:
        raise ValueError(f"wrk said:\n{report}")
    return match


@contextlib.contextmanager
def serving(
    contestant: Contestant,
    workers: int = 1,
    *files: Path,
    apart: bool = True,
    **variables: str,
) -> Iterator[Site]:
    """Run a contestant's server.

    :param files: a certificate and its key: to serve HTTPS.
    :param apart: whether the server has a processor of its own.
    :param variables: of its environment.
    """
    _allow_many_descriptors()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = contestant.server(port, workers, *files)
    processors = sorted(os.sched_getaffinity(0))
    apart = apart and len(processors) > 1
    if apart:
        command = ["taskset", "--cpu-list", str(processors[0]), *command]
    with tempfile.TemporaryFile() as errors:
        process = start(command, errors=errors, variables=variables)
        try:
            site = Site(process, port, "https" if files else "http")
            site.await_answer()
            if apart:
                os.sched_setaffinity(0, processors[1:])
            yield site
        except Exception as error:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{error}\n{said}") from error
        finally:
            os.sched_setaffinity(0, processors)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _allow_many_descriptors() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
