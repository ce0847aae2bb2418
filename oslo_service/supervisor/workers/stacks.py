# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a worker that is past its time limit leaves to its parent: its stacks."""

import os

__all__ = ("Stacks",)


class Stacks:
    """A file in memory that a worker's stacks are written to: memfd_create(2).

    Workers reach their limit together, and faulthandler writes a word at a time:
    on the standard error that they share, nobody could read what they write.
    Made before the worker, which inherits the descriptor.

    :param fd: a file's descriptor. Without one nothing is kept, and the worker
        writes to the standard error itself.
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

    def text(self) -> str:
        """Return what there is; nothing where nothing was left."""
        if self.fd is None or not (size := os.fstat(self.fd).st_size):
            return ""
        return os.pread(self.fd, size, 0).decode(errors="replace")

    def close(self) -> None:
        """Close this process's descriptor."""
        fd, self.fd = self.fd, None
        if fd is not None:
            os.close(fd)
