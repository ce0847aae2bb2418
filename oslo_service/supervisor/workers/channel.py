# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The control pipes between a parent and its workers.

An order, and a report, is a byte. A message among the orders is framed; what a worker
answers, or tells, has a pipe of its own, where anybody asks.
"""

import contextlib
import struct
from types import ModuleType
from typing import TYPE_CHECKING

from oslo_service._common import lazy_imports
from oslo_service._common.pipes import nonblocking_pipe
from oslo_service.supervisor.exchange.framing import split
from oslo_service.supervisor.workers.stacks import Stacks

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange import pipe
else:
    pipe = lazy_imports.module("oslo_service.supervisor.exchange.pipe")

__all__ = (
    "ALIVE",
    "LEAVING",
    "MUTATED",
    "OVERDUE",
    "READY",
    "SERVED",
    "STOPPED",
    "Channel",
    "ControlPipes",
    "Reports",
)

#: A worker says: every start() has returned.
READY = b"r"
#: A worker says: every stop() has returned.
STOPPED = b"s"
#: A worker says, once for each order to mutate: every reset() has returned.
MUTATED = b"m"
#: A worker says, when it is asked: it can answer.
ALIVE = b"a"
#: A worker says: it has answered as many requests as it may.
SERVED = b"q"
#: A worker says: some of its work has taken longer than it may.
OVERDUE = b"o"
#: A worker reports: it is about to leave, with status 0. Its status may never come.
LEAVING = b"l"


# A worker's number, and what it says.
_REPORT = struct.Struct("=Ic")
# How many bytes are read at a time.
_READ = 4095


class Reports:
    """What the workers of a pool say: one pipe for all of them.

    So a worker costs its parent one descriptor for what it is told, and none for
    what it says. A message is the worker's number and a byte: pipe(7) keeps it in
    one piece.

    :param system: the unpatched module ``os``.
    """

    def __init__(self, system: ModuleType) -> None:
        self._os = system
        self._reader, self.writer = nonblocking_pipe(system)
        self._rest = b""

    def fileno(self) -> int:
        """Return the descriptor to wait for until it can be read."""
        return self._reader

    def receive(self) -> list[tuple[int, bytes]]:
        """Return the messages that have come: the workers' numbers, and the bytes."""
        with contextlib.suppress(OSError):
            # Less than was asked for is all that there is.
            while len(data := self._os.read(self._reader, _READ)) == _READ:
                self._rest += data
            self._rest += data
        whole = len(self._rest) - len(self._rest) % _REPORT.size
        messages, self._rest = self._rest[:whole], self._rest[whole:]
        return list(_REPORT.iter_unpack(messages))

    def close(self) -> None:
        """Close both ends."""
        self._os.close(self._reader)
        self._os.close(self.writer)


class Channel:
    """A worker's end of the control pipes.

    The end of file of its orders says little: children of a worker inherit it.

    :param system: the unpatched module ``os``.
    :param reader: the descriptor to read orders from, non-blocking.
    :param writer: the descriptor to write reports to, non-blocking.
    :param number: the worker's.
    :ivar outbox: what is told besides reports; None: there is no way to.
    """

    def __init__(
        self,
        system: ModuleType,
        reader: int,
        writer: int,
        number: int,
        outbox: "pipe.Outbox | None" = None,
    ) -> None:
        self._os = system
        self._reader = reader
        self._writer = writer
        self._number = number
        self._closed = False
        self._rest = b""
        self.outbox = outbox

    def fileno(self) -> int:
        """Return the descriptor to wait for until it can be read."""
        return self._reader

    def send(self, message: bytes) -> None:
        """Send a message; non-blocking.

        Nothing is lost that anybody could still read: a full pipe means that
        the other side has not read for a long time, a broken one that it is
        gone.
        """
        if self._closed:
            return
        with contextlib.suppress(OSError):
            self._os.write(self._writer, _REPORT.pack(self._number, message))

    def receive(self) -> list[bytes] | None:
        """Return the orders that have come, and messages; None at the end of file.

        An order is a byte; a message begins with that of a frame.
        """
        try:
            data = self._os.read(self._reader, 4096)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        found, self._rest = split(self._rest + data)
        return found

    def close(self) -> None:
        """Close this end."""
        if not self._closed:
            self._closed = True
            self._os.close(self._reader)
            self._os.close(self._writer)
            if self.outbox is not None:
                self.outbox.close()


class ControlPipes:
    """All that is between a parent and a new worker, before either takes its own.

    :param system: the unpatched module ``os``.
    :param number: the worker's.
    :param reports: what the workers say.
    :param stacks: where they leave their stacks.
    :param answers: what they say besides; None: nothing.
    :ivar orders: the parent's descriptor, to write orders to.
    :ivar reader: the worker's, to read them from.
    :ivar writer: to write reports to.
    :ivar answers: to write answers to.
    :raises OSError: no descriptor can be had.
    """

    def __init__(
        self,
        system: ModuleType,
        number: int,
        reports: Reports,
        stacks: Stacks,
        answers: "pipe.AnswersPipe | None" = None,
    ) -> None:
        self.number = number
        self.stacks = stacks.of(number)
        self.writer = reports.writer
        self.answers = None if answers is None else answers.writer
        self._os = system
        self.reader, self.orders = nonblocking_pipe(system)

    def leave_to_worker(self) -> None:
        """Close what is the worker's alone, in its parent."""
        self._os.close(self.reader)

    def leave_to_parent(self) -> Channel:
        """Close what is the parent's alone, in a forked worker; return its end."""
        self._os.close(self.orders)
        writer = self._os.dup(self.writer)  # the parent's goes with what is its own
        outbox = None
        if self.answers is not None:
            outbox = pipe.Outbox(self._os, self._os.dup(self.answers), self.number)
        return Channel(self._os, self.reader, writer, self.number, outbox)
