# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The pipe that brings a parent what its workers answer, and tell it unasked.

It is another one than that of reports: what is long, or comes when nobody reads, must
not keep a worker from saying that it is ready.
"""

import collections
import contextlib
import fcntl
import itertools
from collections.abc import Callable
from types import ModuleType

from oslo_service._common import clock
from oslo_service._common.pipes import nonblocking_pipe
from oslo_service.supervisor.exchange.framing import Assembler, chunks

__all__ = ("AnswersPipe", "Outbox")

# How much the pipe holds, in bytes: of what is not written there is no memory.
_CAPACITY = 1 << 18
# How much is read at a time, and before others have their turn: all that the pipe
# may hold.
_READ, _ENOUGH = 1 << 16, 1 << 20
# So many bytes wait for a parent that does not read; then the oldest go.
_KEPT = 1 << 24


class AnswersPipe:
    """The parent's end, and the one that workers inherit.

    :param system: the unpatched module ``os``.
    :raises OSError: no descriptor can be had.
    :ivar writer: the descriptor that workers write to, non-blocking.
    """

    def __init__(self, system: ModuleType) -> None:
        self._os = system
        self._reader, self.writer = nonblocking_pipe(system)
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, _CAPACITY)
        self._assembler = Assembler()

    def fileno(self) -> int:
        """Return the descriptor to wait for until it can be read."""
        return self._reader

    def receive(self) -> list[tuple[int, bytes]]:
        """Return the messages that have come, each with its worker's number."""
        found, left = [], _ENOUGH
        with contextlib.suppress(OSError):
            while left > 0:
                data = self._os.read(self._reader, _READ)
                found += self._assembler.feed(data)
                left -= len(data)
        return found

    def receive_last(self, worker: int) -> list[tuple[int, bytes]]:
        """Return what has come, now that a worker has ended: nothing will follow."""
        found = self.receive()
        self._assembler.forget(worker)
        return found

    def close(self) -> None:
        """Close both ends."""
        self._os.close(self._reader)
        self._os.close(self.writer)


class Outbox:
    """What a worker has to say, until it is written. Thread-safe, and non-blocking.

    :param system: the unpatched module ``os``.
    :param writer: the descriptor to write to, non-blocking.
    :param worker: the worker's number.
    """

    def __init__(self, system: ModuleType, writer: int, worker: int) -> None:
        self._os = system
        self._writer = writer
        self._worker = worker
        self._numbers = itertools.count(1)
        self._chunks: collections.deque[bytes] = collections.deque()
        # Who pops it writes, and is the only one: no lock, as a signal's handler, or
        # a green thread, cannot wait for one.
        self._turn = [None]
        self._closing = self._closed = False
        #: Called when something has to wait until it can be written.
        self.on_wait: Callable[[], object] = lambda: None

    def fileno(self) -> int:
        """Return the descriptor to wait for, while :attr:`pending`."""
        return self._writer

    @property
    def pending(self) -> bool:
        """Whether something waits until the descriptor can be written to."""
        return bool(self._chunks) and not self._closing

    def send(self, message: bytes) -> None:
        """Have the parent told; in the order of the calls."""
        if self._closing:
            return
        pieces = list(chunks(self._worker, next(self._numbers) % (1 << 32), message))
        if (len(self._chunks) + len(pieces)) * len(pieces[0]) > _KEPT:
            self._chunks.clear()  # the parent makes do with what it has of one
        self._chunks.extend(pieces)  # atomic: nobody's come in between
        self.flush()
        if self.pending:
            self.on_wait()

    def flush(self) -> None:
        """Write as much as there is room for."""
        while (self._chunks or self._closing) and self._take_turn():
            try:
                blocked = not self._write()
            finally:
                self._turn.append(None)
            if blocked:
                return

    def _take_turn(self) -> bool:
        if self._closed:
            return False
        try:
            self._turn.pop()
        except IndexError:  # who has it finds what there is
            return False
        return True

    def _write(self) -> bool:
        """Write; return whether there was room for everything."""
        while not self._closing:
            try:
                piece = self._chunks.popleft()
            except IndexError:
                return True
            try:
                self._os.write(self._writer, piece)
            except BlockingIOError:
                self._chunks.appendleft(piece)
                return False
            except OSError:  # nobody is there to read it
                break
        self._closing = self._closed = True
        self._chunks.clear()
        self._os.close(self._writer)
        return True

    def drain(self, wait: Callable[[float], object], seconds: float) -> None:
        """Write everything, before the end; block for so long at the most.

        :param wait: blocks until the descriptor can be written to, or for so long.
        """
        until = clock.now() + seconds
        self.flush()
        while self.pending and (left := until - clock.now()) > 0:
            wait(left)
            self.flush()

    def close(self) -> None:
        """Close the descriptor, now or after a write; what is sent then is lost."""
        self._closing = True
        self.flush()
