# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One group that this process is a member of."""

import math
from collections.abc import Callable

from oslo_service._common.fork_safety import OwnLock
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection
from oslo_service.clustering.lease import Lease

__all__ = ("Group",)

_NOBODY: frozenset[str] = frozenset()


class Group:
    """One group that this process is a member of.

    :param name: of the group.
    :param lease: how long a process stays a member without a heartbeat.
    :param view: how long the list of members is valid that was read last.
    :param clocks: the clocks.
    :param member: the name of this process among the members.
    :param changed: called with the members whenever they change; with none where
        this process may not be a member.
    """

    def __init__(
        self,
        name: str,
        lease: Lease,
        view: Lease,
        clocks: Clocks,
        member: str,
        changed: Callable[[frozenset[str]], object],
    ) -> None:
        self.name = name
        self._lease = lease
        self._view = view
        self._clocks = clocks
        self._member = member
        self._changed = changed
        self._guard = OwnLock()
        self._members = _NOBODY
        self._lost = False
        #: Whether this process is to be a member.
        self.wanted = True

    @property
    def members(self) -> frozenset[str]:
        """The members; none where this process may not be one."""
        now = self._clocks.since_boot()
        if self.wanted and self._lease.is_sure(now) and self._view.is_sure(now):
            return self._members
        return _NOBODY

    @property
    def in_use(self) -> bool:
        """Whether it keeps the connection from being made anew: never."""
        return False

    @property
    def stale(self) -> bool:
        """Whether the connection still has a membership that was lost."""
        return self._lost

    @property
    def done(self) -> bool:
        """Whether nothing more is to be done about it."""
        return not (self.wanted or self._lease.held)

    def renew(self) -> None:
        """Record that the connection is a new one."""
        self._lost = False

    def turn(self, connection: Connection) -> float:
        """Do what is due; return the seconds until something is again.

        :raises Unreachable: the server has not answered.
        """
        if not self.wanted:
            return self._leave(connection)
        asked = self._clocks.since_boot()
        if asked < self._lease.confirm_at < math.inf:
            return self._lease.confirm_at - asked
        connection.heartbeat()
        if not self._lease.held:
            connection.join(self.name)
        if not self._confirm(self._lease, asked):
            self._set(_NOBODY)
            return 0.0
        self._read_members(connection)
        return self._lease.beat

    def _read_members(self, connection: Connection) -> None:
        """Read who the members are, which may take longer than a heartbeat."""
        asked = self._clocks.since_boot()
        members = connection.members(self.name)
        if self._member not in members:
            connection.join(self.name)
            members |= {self._member}
        known = self._confirm(self._view, asked)
        self._set(members if known and self._lease.held else _NOBODY)

    def _confirm(self, lease: Lease, asked: float) -> bool:
        """Record that the server has confirmed a lease; return whether it is held."""
        now = self._clocks.since_boot()
        with self._guard:
            if lease.held:
                return lease.confirmed(asked, now)
            return lease.taken(asked, now)

    def _leave(self, connection: Connection) -> float:
        if self._lease.held:
            self._lease.give_up()
            self._set(_NOBODY)
            connection.leave(self.name)
        return self._lease.beat

    def look(self) -> float:
        """Act on the time; return the seconds until that may be needed again."""
        now = self._clocks.since_boot()
        with self._guard:
            lost = self._lease.passed(now)
            unknown = self._view.passed(now)
        self._lost |= lost
        if lost or unknown:
            self._set(_NOBODY)
        held = [one for one in (self._lease, self._view) if one.held]
        return min((max(one.deadline - now, 0.0) for one in held), default=60.0)

    def abandon(self) -> None:
        """Stop being a member, and tell nobody."""
        self._lease.give_up()
        self._view.give_up()

    def release_soon(self) -> None:
        """Have this process leave."""
        self.wanted = False

    def _set(self, members: frozenset[str]) -> None:
        if members != self._members:
            self._members = members
            self._changed(members)
