# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What keeps the locks and groups of a cluster, as a process sees it.

All calls may block, for a third of a lease or so; one task makes them.
"""

import abc

from oslo_service.backend.exceptions import OsloServiceError

__all__ = ("Connection", "Lock", "Unreachable")


class Unreachable(OsloServiceError):
    """The server has not answered, or not as it should. It may, later.

    No password is in the message.
    """


class Lock(abc.ABC):
    """A lock by its name. One that was lost is never used again.

    :raises Unreachable: by every method.
    """

    @abc.abstractmethod
    def acquire(self) -> bool:
        """Take it, if nobody has it; return whether."""

    @abc.abstractmethod
    def heartbeat(self) -> bool:
        """Return whether it was held when this was called, and so is kept longer."""

    @abc.abstractmethod
    def release(self) -> None:
        """Let others have it at once."""


class Connection(abc.ABC):
    """A connection to what keeps locks and groups.

    :ivar lease: for how many seconds locks are kept without a heartbeat; infinite:
        until the process ends.
    :ivar membership: for how many seconds this process stays a member without one.
    :ivar slack: by how many seconds that may begin before it was asked for.
    :ivar lasting: whether locks are kept as long as the connection, whoever forgets
        them.
    """

    lease: float
    membership: float
    slack: float = 0.0
    lasting: bool = False

    @abc.abstractmethod
    def open(self) -> None:
        """Connect.

        :raises Unreachable: it cannot be done now.
        :raises ClusterOptionError: it never will, as the options are.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of everything; raises nothing."""

    @abc.abstractmethod
    def lock(self, name: str) -> Lock:
        """Return a lock that this process has never held."""

    @abc.abstractmethod
    def heartbeat(self) -> None:
        """Keep this process a member of the groups that it has joined.

        :raises Unreachable: the server did not answer.
        """

    @abc.abstractmethod
    def join(self, group: str) -> None:
        """Become a member of a group; harmless where this process is one.

        :raises Unreachable: the server did not answer.
        """

    @abc.abstractmethod
    def leave(self, group: str) -> None:
        """Be no member of a group any more; harmless where this process is none.

        :raises Unreachable: the server did not answer.
        """

    @abc.abstractmethod
    def members(self, group: str) -> frozenset[str]:
        """Return the members of a group.

        :raises Unreachable: the server did not answer.
        """
