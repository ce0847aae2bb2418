# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The control pipes between a parent and a worker: one byte a message."""

import contextlib
from types import ModuleType

from oslo_service.supervisor.workers.stacks import Stacks

__all__ = (
    "ALIVE",
    "MUTATED",
    "READY",
    "STOPPED",
    "Channel",
    "ControlPipes",
    "nonblocking_pipe",
)

#: A worker says: every start() has returned.
READY = b"r"
#: A worker says: every stop() has returned.
STOPPED = b"s"
#: A worker says, once for each order to mutate: every reset() has returned.
MUTATED = b"m"
#: A worker says, when it is asked: it can answer.
ALIVE = b"a"


def nonblocking_pipe(system: ModuleType) -> tuple[int, int]:
    """Return the ends of a non-blocking pipe that is not inherited: reader, writer.

    A pair of sockets would do the same, and cost a freshly forked process five
    times as many pages of its own.

    :param system: the unpatched module ``os``.
    """
    reader, writer = system.pipe()
    system.set_blocking(reader, False)
    system.set_blocking(writer, False)
    return reader, writer


class Channel:
    """One end of the control pipes between a parent and a worker: one each way.

    Its end of file says little: children of a worker inherit its end.

    :param system: the unpatched module ``os``.
    :param reader: the descriptor to read from, non-blocking.
    :param writer: the descriptor to write to, non-blocking.
    """

    def __init__(self, system: ModuleType, reader: int, writer: int) -> None:
        self._os = system
        self._reader = reader
        self._writer = writer
        self._closed = False

    @classmethod
    def pair(cls, system: ModuleType) -> "tuple[Channel, Channel]":
        """Return the two ends of new pipes."""
        down, up = nonblocking_pipe(system), nonblocking_pipe(system)
        return cls(system, up[0], down[1]), cls(system, down[0], up[1])

    def fileno(self) -> int:
        """Return the descriptor to wait for until it can be read."""
        return self._reader

    def filenos(self) -> tuple[int, int]:
        """Return both descriptors, for handing them on."""
        return self._reader, self._writer

    def send(self, message: bytes) -> None:
        """Send a message; non-blocking.

        Nothing is lost that anybody could still read: a full pipe means that
        the other side has not read for a long time, a broken one that it is
        gone.
        """
        with contextlib.suppress(OSError):
            self._os.write(self._writer, message)

    def receive(self) -> list[bytes] | None:
        """Return the messages that have come; None at the end of file."""
        try:
            data = self._os.read(self._reader, 4096)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return [bytes((byte,)) for byte in data] or None

    def close(self) -> None:
        """Close this end."""
        if not self._closed:
            self._closed = True
            self._os.close(self._reader)
            self._os.close(self._writer)


class ControlPipes:
    """All that is between a parent and a worker, before either takes its own.

    :param system: the unpatched module ``os``.
    """

    def __init__(self, system: ModuleType) -> None:
        self.parents_end, self.workers_end = Channel.pair(system)
        self.stacks = Stacks.make()
