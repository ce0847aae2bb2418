# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The interface of what keeps the locks and groups of a cluster.

All calls may block, for a third of a lease or so; one task makes them.
"""

import abc

from oslo_service.backend.exceptions import OsloServiceError

__all__ = ("Connection", "Lock", "Unreachable")


class Unreachable(OsloServiceError):
    """The server has not answered, or not as it should; it may answer later.

    The message contains no password.
    """


class Lock(abc.ABC):
    """A named lock. An object whose lock was lost is never used again.

    :raises Unreachable: by every method.
    """

    @abc.abstractmethod
    def acquire(self) -> bool:
        """Take it, if nobody holds it; return whether it was taken. Does not wait."""

    @abc.abstractmethod
    def heartbeat(self) -> bool:
        """Extend it; return whether it was still held when this was called."""

    @abc.abstractmethod
    def release(self) -> None:
        """Give it back, so that others can take it at once."""


class Connection(abc.ABC):
    """A connection to what keeps locks and groups.

    :ivar lease: for how many seconds locks are kept without a heartbeat; infinite:
        until the process ends.
    :ivar membership: for how many seconds this process stays a member without one.
    :ivar slack: by how many seconds the server may count these earlier than from
        when it was asked.
    :ivar lasting: whether a lock that is not released is kept as long as the
        connection.
    """

    lease: float
    membership: float
    slack: float = 0.0
    lasting: bool = False

    @abc.abstractmethod
    def open(self) -> None:
        """Connect.

        :raises Unreachable: that is not possible now.
        :raises ClusterOptionError: the options will never allow it.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of everything; raises nothing."""

    @abc.abstractmethod
    def lock(self, name: str) -> Lock:
        """Return a fresh object for a lock, which is not held by it."""

    @abc.abstractmethod
    def heartbeat(self) -> None:
        """Keep this process a member of the groups that it has joined.

        :raises Unreachable: the server did not answer.
        """

    @abc.abstractmethod
    def join(self, group: str) -> None:
        """Become a member of a group; idempotent.

        :raises Unreachable: the server did not answer.
        """

    @abc.abstractmethod
    def leave(self, group: str) -> None:
        """Stop being a member of a group; idempotent.

        :raises Unreachable: the server did not answer.
        """

    @abc.abstractmethod
    def members(self, group: str) -> frozenset[str]:
        """Return the members of a group.

        :raises Unreachable: the server did not answer.
        """
