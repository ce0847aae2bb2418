# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where there is no cluster: locks and groups of the workers of one parent."""

import math

from oslo_service.clustering import host
from oslo_service.clustering.connection import Connection, Lock

__all__ = ("HostConnection",)


# For how long the members are known that the parent has told last, in seconds; a fifth
# of it is how often it is asked.
_MEMBERSHIP = 5.0


class HostConnection(Connection):
    """A connection to the parent, which keeps what is here until this process ends.

    :param member: the name of this process among the members.
    """

    lease = math.inf
    membership = _MEMBERSHIP

    def __init__(self, member: str) -> None:
        self._member = member

    def open(self) -> None:
        """There is nothing to open: the control pipes are there."""

    def close(self) -> None:
        """There is nothing to close."""

    def lock(self, name: str) -> Lock:
        """Return a lock among the workers."""
        return _HostLock(name)

    def heartbeat(self) -> None:
        """A parent knows whether its workers live."""

    def join(self, group: str) -> None:
        """Become a member."""
        host.ask("join", group, self._member)

    def leave(self, group: str) -> None:
        """Be no member any more."""
        host.ask("leave", group)

    def members(self, group: str) -> frozenset[str]:
        """Return the members."""
        return frozenset(host.ask("members", group))


class _HostLock(Lock):
    def __init__(self, name: str) -> None:
        self._name = name

    def acquire(self) -> bool:
        """Take it, if no other worker has it."""
        return bool(host.ask("acquire", self._name))

    def heartbeat(self) -> bool:
        """It is kept until it is given back."""
        return True

    def release(self) -> None:
        """Give it back."""
        host.ask("release", self._name)
