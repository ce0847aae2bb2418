# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What workers that are past their time limit leave to their parent: their stacks."""

import os

__all__ = ("Stacks", "StacksOfWorker")

# Each worker has so many bytes for itself, and so many workers have a part at a
# time: what nobody writes to takes no memory.
_PART = 1 << 18
_PARTS = 4096


class StacksOfWorker:
    """The part of the file that one worker writes to.

    :param fd: of the file; None: there is none.
    :param offset: where the part begins.
    """

    def __init__(self, fd: int | None, offset: int) -> None:
        self.fd = fd
        self.offset = offset

    def open(self) -> int | None:
        """Return a descriptor with which to write there, in the worker.

        None: nothing can be kept, and it is better to write to the standard error.
        """
        if self.fd is None:
            return None
        try:
            # A place of its own in the file: workers write at the same time.
            fd = os.open(f"/proc/self/fd/{self.fd}", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return None
        os.lseek(fd, self.offset, os.SEEK_SET)
        return fd

    def text(self) -> str:
        """Return what the worker has left; forget it."""
        if self.fd is None:
            return ""
        try:
            left = os.pread(self.fd, _PART, self.offset).rstrip(b"\0")
            if left:
                os.pwrite(self.fd, bytes(len(left)), self.offset)
        except (OSError, MemoryError):
            return ""
        return left.decode(errors="replace")


class Stacks:
    """A file in memory that workers write their stacks to: memfd_create(2).

    Workers reach their limit together, and faulthandler writes a word at a time:
    on the standard error that they share, nobody could read what they write.
    Made before the workers, which inherit the descriptor.

    :param fd: a file's descriptor. Without one nothing is kept, and workers write
        to the standard error themselves.
    """

    def __init__(self, fd: int | None) -> None:
        self.fd = fd

    @classmethod
    def make(cls) -> "Stacks":
        """Return an empty one, where the system can make it."""
        try:
            return cls(os.memfd_create("stacks"))
        except (AttributeError, OSError):
            return cls(None)

    def of(self, number: int) -> StacksOfWorker:
        """Return the part of a worker."""
        return StacksOfWorker(self.fd, number % _PARTS * _PART)

    def close(self) -> None:
        """Close this process's descriptor."""
        fd, self.fd = self.fd, None
        if fd is not None:
            os.close(fd)
