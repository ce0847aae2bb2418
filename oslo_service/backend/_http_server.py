# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The interface of what serves HTTP: starting, stopping, resizing."""

from typing import Protocol

__all__ = ("HttpServer",)


class HttpServer(Protocol):
    """What serves the clients of one listening socket (:meth:`.Driver.serve`)."""

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` has been called."""

    @property
    def running(self) -> int:
        """How many calls of the application run."""

    def start(self) -> None:
        """Accept clients. Non-blocking."""

    def stop(self, *, for_good: bool = True) -> None:
        """Accept no further clients, and finish what has begun. Non-blocking.

        :param for_good: whether no other process will accept the clients that wait.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until everything that had begun is finished.

        :param timeout: seconds; None waits without limit.
        :returns: whether it is finished.
        """

    def resize(self, pool_size: int, /) -> None:
        """Change how many calls of the application run at a time.

        :param pool_size: how many, 1 or more.
        """
