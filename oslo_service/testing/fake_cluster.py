# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A cluster inside one process, for tests, whose members come and go by hand.

With a :class:`~oslo_service.fixture.ClockFixture`, leases and due times go by the
clock that the test advances::

    cluster = FakeCluster()
    with cluster.member("one"):
        start_one_process()
    with cluster.member("two"):
        start_another_process()
    clock.advance(60)
    cluster.member("one").cut_off()
"""

import contextvars
import math
from types import TracebackType
from typing import Any, Self

from oslo_service import backend
from oslo_service._common.fork_safety import OwnLock
from oslo_service.clustering import publishing
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection, Lock, Unreachable
from oslo_service.clustering.member import Member
from oslo_service.clustering.settings import Settings
from oslo_service.clustering.simulated import simulated
from oslo_service.loops import clock

__all__ = ("FakeCluster", "FakeMember")

# Midnight, in seconds since the epoch: any usual spacing has a due time then.
_MIDNIGHT = 1_999_987_200.0


class FakeCluster:
    """A server that keeps locks and groups, and the members that it knows.

    It needs no ``cluster_url``; the other options count.

    :param start: the time of day at which it begins, in seconds since the epoch.
    :ivar reachable: whether the server answers; a test may set it.
    """

    def __init__(self, start: float = _MIDNIGHT) -> None:
        self.reachable = True
        self._start = start
        self._began = clock.now()
        self._members: dict[str, FakeMember] = {}
        self._guard = OwnLock()
        # Who holds each lock, and who is in each group; and until when.
        self._locks: dict[str, tuple[object, float]] = {}
        self._groups: dict[str, dict[str, float]] = {}

    @property
    def time_of_day(self) -> float:
        """The time of day, in seconds since the epoch."""
        return self._start + clock.now() - self._began

    def member(self, name: str) -> "FakeMember":
        """Return the member of a name; a new one, if there is none.

        :param name: the name.
        """
        return self._members.setdefault(name, FakeMember(self, name))

    @property
    def members(self) -> list["FakeMember"]:
        """All members that there have been."""
        return list(self._members.values())

    def holder(self, lock: str) -> object | None:
        """Return who holds a lock.

        :param lock: the name of the lock.
        :returns: the name of the member; None: nobody holds it.
        """
        holder = self._holder(lock)
        return getattr(holder, "owner", holder)

    def forget(self) -> None:
        """Lose all locks and groups, as a server that is restarted without its disk."""
        with self._guard:
            self._locks.clear()
            self._groups.clear()

    def close(self) -> None:
        """Kill all members."""
        for one in self.members:
            one.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # For connections

    def _holder(self, name: str) -> object | None:
        holder, until = self._locks.get(name, (None, 0.0))
        return holder if clock.now() < until else None

    def acquire(self, name: str, holder: object, seconds: float) -> bool:
        """Take a lock, if nobody holds it; return whether it was taken.

        :param seconds: the length of the lease.
        """
        with self._guard:
            if self._holder(name) is not None:
                return False
            self._locks[name] = holder, clock.now() + seconds
            return True

    def keep(self, name: str, holder: object, seconds: float) -> bool:
        """Extend the lease of a lock, if it is held; return whether it is.

        :param seconds: the length of the lease.
        """
        with self._guard:
            if self._holder(name) is not holder:
                return False
            self._locks[name] = holder, clock.now() + seconds
            return True

    def release(self, name: str, holder: object) -> None:
        """Release a lock, if it is held by this holder."""
        with self._guard:
            if self._holder(name) is holder:
                del self._locks[name]

    def join(self, group: str, member: str, seconds: float) -> None:
        """Make somebody a member of a group.

        :param seconds: for how long, without a heartbeat.
        """
        with self._guard:
            until = clock.now() + seconds
            self._groups.setdefault(group, {})[member] = until

    def leave(self, group: str, member: str) -> None:
        """Remove a member from a group."""
        with self._guard:
            self._groups.get(group, {}).pop(member, None)

    def members_of(self, group: str) -> frozenset[str]:
        """Return the members of a group."""
        with self._guard:
            now, members = clock.now(), self._groups.get(group, {})
            return frozenset(name for name, until in members.items() if now < until)

    def beat(self, member: str, seconds: float) -> None:
        """Extend all memberships that somebody still has.

        :param seconds: for how long, without another heartbeat.
        """
        with self._guard:
            now = clock.now()
            for members in self._groups.values():
                if members.get(member, 0.0) > now:
                    members[member] = now + seconds


class FakeMember:
    """A simulated process of the cluster: what is started in its context belongs to it.

    Made by :meth:`FakeCluster.member`.

    :ivar name: its name.
    :ivar connected: whether it can reach the server.
    """

    def __init__(self, cluster: FakeCluster, name: str) -> None:
        self.name = name
        self.connected = True
        self._gone = False
        self._cluster = cluster
        self._member: Member | None = None
        self._tokens: list[contextvars.Token[Any]] = []
        self._skewed = _Clocks(cluster)
        self.clocks: Clocks = self._skewed

    # As its context

    def __enter__(self) -> Self:
        self._tokens.append(simulated.set(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        simulated.reset(self._tokens.pop())

    def member(self, options: Settings) -> Member:
        """Return this process as a member, started; for the library itself.

        :param options: the options of the cluster.
        """
        if self._gone and self._member is not None:
            return self._member
        if self._member is None:
            self._member = Member(
                backend.get_backend(),
                _Connection(self._cluster, self, options),
                self.name,
                self.clocks,
                publishing.publish,
            )
        self._member.start()
        return self._member

    # By hand

    def set_skew(self, seconds: float) -> None:
        """Put its time of day ahead of that of the cluster.

        :param seconds: by how much.
        """
        self._skewed.skew = seconds

    def cut_off(self) -> None:
        """Cut it off from the server."""
        self.connected = False

    def reconnect(self) -> None:
        """End :meth:`cut_off`."""
        self.connected = True

    def kill(self) -> None:
        """End it as if it were killed: its locks are free when their leases end."""
        self._gone = True
        if self._member is not None:
            self._member.abandon()

    def leave(self) -> None:
        """End it in order: its locks are free at once."""
        self._gone = True
        if self._member is not None:
            self._member.stop()

    def join(self, group: str) -> None:
        """Make it a member of a group for good, without starting anything in it.

        :param group: the name of the group.
        """
        self._cluster.join(group, self.name, math.inf)

    def quit(self, group: str) -> None:
        """End :meth:`join`.

        :param group: the name of the group.
        """
        self._cluster.leave(group, self.name)

    def take(self, lock: str) -> bool:
        """Have it hold a lock for good, without starting anything in it.

        :param lock: the name of the lock.
        :returns: whether the lock was free.
        """
        return self._cluster.acquire(lock, self.name, math.inf)

    def give_back(self, lock: str) -> None:
        """End :meth:`take`.

        :param lock: the name of the lock.
        """
        self._cluster.release(lock, self.name)


class _Clocks(Clocks):
    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self.skew = 0.0

    def since_boot(self) -> float:
        """Return the seconds since the machine was booted."""
        return clock.now()

    def time_of_day(self) -> float:
        """Return the seconds since the epoch."""
        return self._cluster.time_of_day + self.skew


class _Connection(Connection):
    def __init__(
        self, cluster: FakeCluster, member: FakeMember, options: Settings
    ) -> None:
        self._cluster = cluster
        self._member = member
        self.lease = self.membership = float(options.lease)

    def server(self) -> FakeCluster:
        """Return the server, if it can be reached."""
        if not (self._cluster.reachable and self._member.connected):
            raise Unreachable(f"{self._member.name} cannot reach the cluster")
        return self._cluster

    def open(self) -> None:
        """Reach the server."""
        self.server()

    def close(self) -> None:
        """There is nothing to close."""

    def lock(self, name: str) -> Lock:
        """Return a fresh lock."""
        return _Lock(self, name, self._member.name)

    def heartbeat(self) -> None:
        """Stay a member."""
        self.server().beat(self._member.name, self.lease)

    def join(self, group: str) -> None:
        """Become a member."""
        self.server().join(group, self._member.name, self.lease)

    def leave(self, group: str) -> None:
        """Be no member any more."""
        self.server().leave(group, self._member.name)

    def members(self, group: str) -> frozenset[str]:
        """Return the members."""
        return self.server().members_of(group)


class _Lock(Lock):
    def __init__(self, connection: _Connection, name: str, owner: str) -> None:
        self._connection = connection
        self._name = name
        self.owner = owner

    def acquire(self) -> bool:
        """Take it."""
        server = self._connection.server()
        return server.acquire(self._name, self, self._connection.lease)

    def heartbeat(self) -> bool:
        """Keep it."""
        server = self._connection.server()
        return server.keep(self._name, self, self._connection.lease)

    def release(self) -> None:
        """Give it back."""
        self._connection.server().release(self._name, self)
