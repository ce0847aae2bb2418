# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service that has a group of threads and timers."""

from oslo_service import threadgroup
from oslo_service._common.service_base import ServiceBase

__all__ = ("Service",)


class Service(ServiceBase):
    """A service with a group of threads and timers.

    :param threads: how many threads the group runs at a time.
    :raises TypeError: it is no number, such as a configuration.
    :ivar tg: the :class:`~oslo_service.threadgroup.ThreadGroup`.
    """

    def __init__(self, threads: int = 1000) -> None:
        if not isinstance(threads, int):
            raise TypeError(
                f"{type(self).__name__}: Service.__init__() takes threads, how many its"
                f" group runs at a time, not {threads!r}: keep a configuration in an"
                " attribute of your own"
            )
        self.tg = threadgroup.ThreadGroup(threads)

    def start(self) -> None:
        """Begin the work: nothing yet."""

    def stop(self, graceful: bool = False) -> None:
        """Stop the group.

        :param graceful: whether to wait for its calls in progress.
        """
        self.tg.stop(graceful)

    def wait(self) -> None:
        """Wait for what runs in the group."""
        self.tg.wait()
