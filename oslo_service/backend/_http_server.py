# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What serves HTTP, as those see it who start and stop it."""

from typing import Protocol

__all__ = ("HttpServer",)


class HttpServer(Protocol):
    """What serves the clients of one listening socket (:meth:`.Driver.serve`)."""

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` has been called."""

    @property
    def running(self) -> int:
        """How many applications run."""

    def start(self) -> None:
        """Accept clients. Non-blocking."""

    def stop(self, *, for_good: bool = True) -> None:
        """Accept nobody else, and finish what has begun. Non-blocking.

        :param for_good: nobody else will accept those who have come already.
        """

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until everything that had begun is finished.

        :param timeout: seconds; None waits without limit.
        :returns: whether it is.
        """

    def resize(self, pool_size: int, /) -> None:
        """Have another number of applications run at a time.

        :param pool_size: how many, 1 or more.
        """
