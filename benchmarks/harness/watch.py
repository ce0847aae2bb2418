# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Watches a program with worker processes, through a pipe that they share."""

import contextlib
import os
import select
import signal
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.places import start

__all__ = ("Event", "Watched", "watching")

_PATIENCE = 60.0
_TAIL = 2000


class Event(NamedTuple):
    """Something that a process of the program has told.

    :ivar what: ``launch``, by the parent, or ``start``, by a worker.
    :ivar pid: who.
    :ivar when: when, on the monotonic clock.
    """

    what: str
    pid: int
    when: float


class Watched:
    """A running program.

    Its processes tell what happens by lines in a pipe that all of them hold:
    the end of the pipe is the end of the last of them.

    :param command: its command line.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._pipe, write = os.pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - close() does
        self._left = b""
        self.process = start(
            command,
            errors=self._errors,
            variables={"REPORT_TO": str(write)},
            pass_fds=(write,),
        )
        os.close(write)

    @property
    def pid(self) -> int:
        """The parent's."""
        return self.process.pid

    def next(self, what: str) -> Event:
        """Wait for the next event of a kind."""
        while True:
            event = self._event()
            if event.what == what:
                return event

    def workers(self, count: int, known: Collection[int] = ()) -> list[Event]:
        """Wait until so many workers have started that are not known yet."""
        new: dict[int, Event] = {}
        while len(new) < count:
            event = self.next("start")
            if event.pid not in known:
                new[event.pid] = event
        return list(new.values())

    def signal_parent(self, signum: int) -> float:
        """Send the parent a signal, and give the time."""
        now = time.monotonic()
        self.process.send_signal(signum)
        return now

    def seconds_to_end(self) -> float:
        """Tell the parent to end, and wait until all processes are gone."""
        asked = self.signal_parent(signal.SIGTERM)
        while self._more():
            self._left = b""
        self.process.wait(_PATIENCE)
        return time.monotonic() - asked

    def close(self) -> None:
        """End whoever still holds the pipe."""
        while holders := self._holders():
            for pid in holders:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
        self.process.wait(_PATIENCE)
        os.close(self._pipe)
        self._errors.close()

    def _holders(self) -> set[int]:
        pipe = str(Path(f"/proc/self/fd/{self._pipe}").readlink())
        return {pid for pid in _pids() if pid != os.getpid() and pipe in _links(pid)}

    def _event(self) -> Event:
        while b"\n" not in self._left:
            if not self._more():
                raise EOFError(f"the program has ended:\n{self._said()}")
        line, _, self._left = self._left.partition(b"\n")
        what, pid, when = line.decode().split()
        return Event(what, int(pid), float(when))

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-_TAIL:]

    def _more(self) -> bool:
        """Read on; False at the end."""
        if not select.select([self._pipe], [], [], _PATIENCE)[0]:
            raise TimeoutError(f"the program does not go on:\n{self._said()}")
        data = os.read(self._pipe, 65536)
        self._left += data
        return bool(data)


def _pids() -> Iterator[int]:
    return (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())


def _links(pid: int) -> set[str]:
    """Return what the descriptors of a process are; nothing of a stranger's."""
    links = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            links.add(str(link.readlink()))
    return links


@contextlib.contextmanager
def watching(command: Sequence[str]) -> Iterator[Watched]:
    """Run a program, and end it afterwards."""
    program = Watched(command)
    try:
        yield program
    finally:
        program.close()
