# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Calls in other processes, on any driver.

The standard library's pool needs native threads, which a process with green ones
does not have. So it runs in a process of its own (:mod:`.pool_process`), and is
asked through a socket.
"""

import os
import pickle
import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oslo_service.backend.base import Driver
from oslo_service.periodic import length_prefix

if TYPE_CHECKING:
    import subprocess

# What else pools need is imported when there is one: few processes have any.
__all__ = ("Pool", "check_size", "dump")

# How long the pool process may take to end, once its socket is closed; in seconds.
_END_TIMEOUT = 5.0


def dump(call: Callable[[], Any], what: str) -> bytes:
    """Pickle a call.

    :param what: names the call, for the message.
    :raises TypeError: it cannot be pickled; the message says why.
    """
    import multiprocessing.reduction

    try:
        return bytes(multiprocessing.reduction.ForkingPickler.dumps(call))
    except Exception as exc:
        raise TypeError(
            f"{what} cannot be run in another process, for which it has to be"
            f" pickled: {exc}"
        ) from exc


def check_size(processes: object) -> None:
    """Refuse what is neither a number of processes nor None.

    :raises TypeError: it is no integer.
    :raises ValueError: it is less than 1.
    """
    if processes is None:
        return
    wrong = f"processes={processes!r}: expected an integer, 1 or more, or None"
    if not isinstance(processes, int) or isinstance(processes, bool):
        raise TypeError(wrong)
    if processes < 1:
        raise ValueError(wrong)


class Pool:
    """Processes that are started at the first call, and kept for the next.

    A copy of this object, and a forked process, have processes of their own.
    """

    def __init__(self) -> None:
        self._process: _PoolProcess | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Pool, ()

    def run(
        self, driver: Driver, calls: list[bytes], processes: int
    ) -> list[BaseException | None]:
        """Run pickled calls, and block the calling task until all have ended.

        :param driver: what the calling task runs on.
        :param processes: how many of them run at a time.
        :returns: what each has raised; None: nothing.
        """
        process, self._process = self._process, None  # another task may call meanwhile
        try:
            if process is None or not process.fits(driver, processes):
                process = _PoolProcess(driver, processes)
            failures = process.ask(calls)
        except OSError as exc:
            lost = RuntimeError(
                f"the processes to run it in are gone, or cannot be started: {exc}"
            )
            return [lost] * len(calls)
        self._process = process
        return failures


class _PoolProcess:
    """The process that has the pool, and the connection to it."""

    def __init__(self, driver: Driver, processes: int) -> None:
        self._driver = driver
        self._processes = processes
        self._pid = os.getpid()
        # Not patched: waiting is the driver's.
        self._socket, theirs = driver.original("socket").socketpair()
        try:
            with theirs:
                process = _start(theirs.fileno())
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        weakref.finalize(self, _end, self._socket, process)
        self._send(pickle.dumps((_preparation(), processes)))

    def fits(self, driver: Driver, processes: int) -> bool:
        """Whether it was made for these, and by this process."""
        return (driver, processes, os.getpid()) == (
            self._driver,
            self._processes,
            self._pid,
        )

    def ask(self, calls: list[bytes]) -> list[BaseException | None]:
        """Return what each of the calls has raised.

        :raises OSError: the process is gone.
        """
        self._send(pickle.dumps(calls))
        answer: list[bytes] = pickle.loads(self._receive())  # noqa: S301 - our own
        return [pickle.loads(one) for one in answer]  # noqa: S301 - the same

    def _send(self, data: bytes) -> None:
        fd = self._socket.fileno()
        view = memoryview(length_prefix.pack(data))
        while view:
            self._driver.wait_ready((), (fd,))
            view = view[self._socket.send(view) :]

    def _receive(self) -> bytes:
        def read(size: int) -> bytes:
            self._driver.wait_ready((self._socket.fileno(),))
            return bytes(self._socket.recv(size))

        return length_prefix.read(read)


def _start(fd: int) -> "subprocess.Popen[bytes]":
    import subprocess

    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(  # noqa: S603 - ourselves
        [
            sys.executable,
            # It ends at once, and leaves what it has to be cleared away.
            *("-W", "ignore:resource_tracker"),
            *(
                "-c",
                f"from oslo_service.periodic import pool_process as p; p.main({fd})",
            ),
        ],
        pass_fds=[fd],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def _preparation() -> dict[str, Any]:
    """Return what a fresh process needs to find this one's modules."""
    import multiprocessing.spawn

    data = dict(multiprocessing.spawn.get_preparation_data("periodic task"))
    data.pop("authkey", None)  # it refuses to be pickled
    return data


def _end(socket: Any, process: "subprocess.Popen[bytes]") -> None:
    socket.close()
    process.wait(_END_TIMEOUT)
