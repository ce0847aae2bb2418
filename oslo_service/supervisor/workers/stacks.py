# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What workers that are past their time limit leave to their parent: their stacks."""

import contextlib
import os
import traceback

__all__ = ("Stacks", "StacksOfWorker")

# Each worker has so many bytes for itself, and so many workers have a part at a
# time: what nobody writes to takes no memory.
_PART = 1 << 18
_PARTS = 4096
# Behind them is what workers have failed of, in words: so many at a time.
_ERROR = 1 << 12
_ERRORS = 256


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
        return self._take(self.offset, _PART)

    def leave_error(self, fd: int, error: BaseException) -> None:
        """Leave to the parent what the service has failed of: in the worker.

        :param fd: what :meth:`open` has returned.
        """
        self.leave_text(fd, "".join(traceback.format_exception_only(error)))

    def leave_text(self, fd: int, text: str) -> None:
        """Leave to the parent the reason why the worker cannot go on: in the worker."""
        left = " ".join(text.split()).encode(errors="replace")[:_ERROR]
        with contextlib.suppress(OSError):
            os.pwrite(fd, left.ljust(_ERROR, b"\0"), self._error_at)

    def error(self) -> str:
        """Return what the worker has left of that, or ""; forget it."""
        return self._take(self._error_at, _ERROR)

    @property
    def _error_at(self) -> int:
        return _PARTS * _PART + self.offset // _PART % _ERRORS * _ERROR

    def _take(self, offset: int, size: int) -> str:
        if self.fd is None:
            return ""
        try:
            left = os.pread(self.fd, size, offset).rstrip(b"\0")
            if left:
                os.pwrite(self.fd, bytes(len(left)), offset)
        except (OSError, MemoryError):
            return ""
        return left.lstrip(b"\0").decode(errors="replace")


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
