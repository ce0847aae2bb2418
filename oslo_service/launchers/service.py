# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a launcher runs."""

import abc

from oslo_config import cfg

from oslo_service import threadgroup

__all__ = ("Service", "ServiceBase")


class ServiceBase(abc.ABC):
    """What a launcher runs: the interface of every service.

    A service belongs to the process that calls its :meth:`start`: connections
    and threads are made there, not in the constructor.

    :param conf: kept as ``conf`` where it is given.
    """

    def __init__(self, conf: cfg.ConfigOpts | None = None) -> None:
        super().__init__()  # a class may have other bases after this one
        if conf is not None:
            self.conf = conf

    @abc.abstractmethod
    def start(self) -> None:
        """Begin the work. May return at once, or block until :meth:`stop`.

        An exception ends the process with status 1.
        """

    @abc.abstractmethod
    def stop(self) -> None:
        """Take in no more work, and make :meth:`wait` return.

        Called once; a second time where the first call came before
        :meth:`start` had returned.
        """

    @abc.abstractmethod
    def wait(self) -> None:
        """Block until the work in flight is done.

        Called after :meth:`start`, and where it returned before :meth:`stop`
        was called, once more after that.
        """

    def reset(self) -> None:  # noqa: B027 - most services have nothing to do
        """Adapt to a configuration that has been read again."""


class Service(ServiceBase):
    """A service with a group of threads and timers.

    :param threads: how many threads the group runs at a time.
    :ivar tg: the :class:`~oslo_service.threadgroup.ThreadGroup`.
    """

    def __init__(self, threads: int = 1000) -> None:
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
