# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ends a wait: a descriptor that becomes readable."""

import contextlib

from oslo_service._common.pipes import nonblocking_pipe
from oslo_service.backend.base import Driver

__all__ = ("Waker",)


class Waker:
    """A descriptor that becomes readable when somebody wants attention.

    The interpreter itself writes to it as soon as any signal arrives, in
    whichever native thread.
    """

    def __init__(self, driver: Driver) -> None:
        self._os = driver.original("os")
        self._reader, self._writer = nonblocking_pipe(self._os)
        self._closed = False

    def fileno(self) -> int:
        """Return the descriptor to wait for until it can be read."""
        return self._reader

    def writing_end(self) -> int:
        """Return the descriptor for :func:`signal.set_wakeup_fd`."""
        return self._writer

    def wake(self) -> None:
        """Ask for attention; from any task, thread or signal handler."""
        if self._closed:
            return
        # Full: attention is due anyway.
        with contextlib.suppress(OSError):
            self._os.write(self._writer, b"!")

    def clear(self) -> None:
        """Make the descriptor unreadable until the next time."""
        with contextlib.suppress(OSError):
            while len(self._os.read(self._reader, 4096)) == 4096:
                pass

    def close(self) -> None:
        """Close both ends."""
        self._closed = True
        self._os.close(self._reader)
        self._os.close(self._writer)
