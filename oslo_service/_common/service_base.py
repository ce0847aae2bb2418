# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The interface of every service."""

import abc

from oslo_config import cfg

__all__ = ("ServiceBase",)


class ServiceBase(abc.ABC):
    """What a launcher runs: the interface of every service.

    A service belongs to the process that calls its :meth:`start`: connections
    and threads are made there, not in the constructor.

    :param conf: kept as ``conf`` where it is given.
    """

    __module__ = "oslo_service.service"

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
