# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Threads in a group that a subclass has started itself, to wait for them."""

import threading
from collections.abc import Callable
from typing import Any

__all__ = ("ForeignThread",)


class ForeignThread:
    """A thread that the group has not started, as something to wait for.

    :param thread: a :class:`threading.Thread`.
    """

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    @property
    def ident(self) -> int | None:
        """What identifies it."""
        return self._thread.ident

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.ident is not None and not self._thread.is_alive()

    def link(self, callback: Callable[[Any], object]) -> None:
        """Call ``callback(self)`` when it has ended, in a thread for that alone.

        That is a :class:`threading.Thread`, too, whatever the driver: only such can
        join it.
        """

        def watch() -> None:
            self._thread.join()
            callback(self)

        name = f"until {self._thread.name} ends"
        threading.Thread(target=watch, name=name, daemon=True).start()
