# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One lock that this process wants, and has at times."""

import contextlib
import math
from collections.abc import Callable, Iterator

from oslo_service._common.fork_safety import OwnLock
from oslo_service.clustering import metering
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection, Lock, Unreachable
from oslo_service.clustering.lease import Lease
from oslo_service.clustering.lock_listener import LockListener, Term
from oslo_service.supervisor import events

__all__ = ("POLL", "Candidate")

#: How often to ask for a lock that another process holds, in seconds.
POLL = 0.25
# How soon to be called again where there is nothing to do, in seconds.
_IDLE = 60.0

_TOO_LATE = "no heartbeat was confirmed in time"


class Candidate:
    """One lock that this process wants, and has at times.

    One task talks to the server (:meth:`turn`), another watches the time
    (:meth:`look`), and any may ask.

    :param name: of the lock.
    :param lease: how long the server keeps the lock without a heartbeat.
    :param clocks: the clocks.
    :param publish: takes events.
    :param member: the name of this process, for events.
    :param gap: for how many seconds the server may keep the lock of a process that
        has ended.
    :param listener: what is told of the lock.
    """

    def __init__(
        self,
        name: str,
        lease: Lease,
        clocks: Clocks,
        publish: Callable[[events.Event], object],
        member: str,
        gap: float,
        listener: LockListener | None = None,
    ) -> None:
        self.name = name
        self._lease = lease
        self._clocks = clocks
        self._publish = publish
        self._member = member
        self._listener = listener or LockListener()
        self._guard = OwnLock()
        self._lock: Lock | None = None
        self._lost: Lock | None = None
        self._term = Term(number=0, since=math.inf)
        self._users = 0
        self._gap = gap
        # When some process was last known to hold it, by the time of day.
        self._known_held = math.inf
        # Whether the listener knows that it is endangered.
        self._warned = False
        #: Whether this process wants it; False once it is to be given back.
        self.wanted = True
        #: Whether the connection still has a lock object that was lost.
        self.stale = False

    # Looking

    def term(self) -> Term | None:
        """Return the current term; None where the lock is not sure to be held."""
        term = self._term
        if self.wanted and self._lease.is_sure(self._clocks.since_boot()):
            return term
        return None

    @contextlib.contextmanager
    def using(self, term: Term) -> Iterator[bool]:
        """Keep the lock, as far as that can be done, for the time of a context.

        Yields whether the lock is sure to be held, in the same term, at its beginning.
        """
        self.keep()
        try:
            yield self.term() == term
        finally:
            self.let_go()

    def keep(self) -> None:
        """Prevent it from being given back before :meth:`let_go`."""
        with self._guard:
            self._users += 1

    def let_go(self) -> None:
        """End one use of it: without any, it may be given back."""
        with self._guard:
            self._users -= 1

    @property
    def in_use(self) -> bool:
        """Whether it is held, so that the connection has to be kept."""
        return self._lease.held

    @property
    def done(self) -> bool:
        """Whether nothing more is to be done about it."""
        return not (self.wanted or self._lease.held or self._users or self._lost)

    def renew(self) -> None:
        """Record that the connection is a new one."""
        self._lock, self._lost, self.stale = None, None, False

    @property
    def deadline(self) -> float:
        """Until when it is sure to be held, by the time since boot."""
        return self._lease.deadline

    # Talking to the server

    def turn(self, connection: Connection) -> float:
        """Do what is due; return the seconds until something is again.

        :raises Unreachable: the server has not answered.
        """
        if self._lost is not None:
            self._free(self._lost, connection)
        if not self.wanted:
            return self._give_back()
        if self._lease.held:
            return self._confirm()
        return self._ask(connection)

    def _free(self, lost: Lock, connection: Connection) -> None:
        """Release a lost lock that the server keeps for as long as the connection."""
        if connection.lasting:
            lost.release()
        self._lost = None

    def _ask(self, connection: Connection) -> float:
        lock, self._lock = self._lock or connection.lock(self.name), None
        asked = self._clocks.since_boot()
        if connection.lasting:
            self._lock = lock  # which knows what became of what was not answered
        if not lock.acquire():
            self._lock = lock
            self._known_held = self._clocks.time_of_day()
            return POLL
        since = self._clocks.time_of_day()
        # Who was known to have it may have ended before that.
        vacant = min(self._known_held, since) - self._gap
        self._term = Term(self._term.number + 1, since, vacant)
        with self._guard:
            held = self.wanted and self._lease.taken(asked, self._clocks.since_boot())
            self._lock, self._warned = lock, False
        if not held:
            # Too late, or given back while it was asked for.
            self._lock = None
            self._release(lock)
            return POLL
        metering.takeover(self.name)
        self._publish(events.LeadershipTaken(name=self.name, member=self._member))
        self._listener.renewed(self._lease.deadline)
        self._listener.taken(self)
        return self._lease.beat if self.wanted else 0.0

    def _confirm(self) -> float:
        asked = self._clocks.since_boot()
        if self._lock is None or asked < self._lease.confirm_at:
            return max(self._lease.confirm_at - asked, 0.0)
        try:
            confirmed = self._lock.heartbeat()
        except Unreachable:
            metering.heartbeat(confirmed=False)
            raise
        with self._guard:
            held = self._lease.held
            kept = (
                held
                and confirmed
                and self._lease.confirmed(asked, self._clocks.since_boot())
            )
            if kept:
                self._warned = False
                self._known_held = self._clocks.time_of_day()
        metering.heartbeat(confirmed=kept)
        if kept:
            if self.wanted or self._users:
                self._listener.renewed(self._lease.deadline)
        elif held:
            reason = _TOO_LATE if confirmed else "the server says so"
            self._lose(reason)
        return self._lease.beat

    def _give_back(self) -> float:
        if self._users:
            return self._confirm() if self._lease.held else POLL
        lock, self._lock = self._lock, None
        if self._lease.held:
            self._lease.give_up()
            self._tell_lost("given back")
            if lock is not None:
                self._release(lock)
        return _IDLE

    def _release(self, lock: Lock) -> None:
        self._lost = lock  # until the server has answered
        lock.release()
        self._lost = None

    # Watching the time

    def look(self) -> float:
        """Act on the time; return the seconds until that may be needed again."""
        now = self._clocks.since_boot()
        with self._guard:
            lost = self._lease.passed(now)
            endangered = (
                self._lease.held
                and not self._warned
                and now >= self._lease.endangered_at
            )
            self._warned |= endangered
        if lost:
            self._lose(_TOO_LATE)
        elif endangered:
            self._listener.endangered()
        if not self._lease.held:
            return math.inf
        next_at = self._lease.deadline if self._warned else self._lease.endangered_at
        return max(next_at - now, 0.0)

    def _lose(self, reason: str) -> None:
        with self._guard:
            self._lease.give_up()
            # One that was lost is never used again.
            self._lost, self._lock, self.stale = self._lock, None, True
        self._tell_lost(reason)
        self._listener.lost(self)

    def _tell_lost(self, reason: str) -> None:
        event = events.LeadershipLost(
            name=self.name, member=self._member, reason=reason
        )
        self._publish(event)

    def abandon(self) -> None:
        """Stop holding it, and tell nobody."""
        self._lease.give_up()

    def release_soon(self) -> None:
        """Have it given back as soon as it is not in use, and not asked for again."""
        self.wanted = False
