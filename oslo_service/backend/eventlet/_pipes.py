# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The pipes that wake hubs, which are used again when their native thread has ended.

One is never closed: who has just found a waiter may write to it a moment after the
waiter's thread has ended, and must not meet another file there. A byte too many in a
pipe wakes a hub for nothing, and harms nobody.
"""

from eventlet import patcher

from oslo_service._common.fork_safety import PerProcess
from oslo_service._common.pipes import nonblocking_pipe

__all__ = ("Pipe",)

_os = patcher.original("os")


class Pipe:
    """A pipe, neither end of which blocks.

    :ivar reader: the descriptor of the end that a hub watches.
    :ivar writer: that of the other.
    """

    def __init__(self) -> None:
        self.reader, self.writer = nonblocking_pipe(_os)
        self._identity = self._look()

    @classmethod
    def take(cls) -> "Pipe":
        """Return one that nobody uses any more, or a new one."""
        free = _free.get()
        while free:
            try:
                pipe = free.pop()
            except IndexError:  # another thread was quicker
                break
            if pipe._is_whole():
                return pipe
        return cls()

    def give_back(self) -> None:
        """Have another use it."""
        _free.get().append(self)

    def close(self) -> None:
        """Close it: in a process that nobody writes to it in."""
        _os.close(self.reader)
        _os.close(self.writer)

    def _look(self) -> tuple[int, ...]:
        return (_os.fstat(self.reader).st_ino, _os.fstat(self.writer).st_ino)

    def _is_whole(self) -> bool:
        """Whether it is still there: programs close all descriptors, as daemons do."""
        try:
            return self._look() == self._identity
        except OSError:
            return False


def _close_all(pipes: list[Pipe]) -> None:
    for pipe in pipes:
        if pipe._is_whole():
            pipe.close()


# Those that nobody uses. A forked process has none, and closes its copies.
_free: PerProcess[list[Pipe]] = PerProcess(list, abandon=_close_all)
