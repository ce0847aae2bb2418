# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""This process in its cluster: one loop talks to the server, one watches the time."""

import math
from collections.abc import Callable, Iterator

from oslo_service._common.fork_safety import OwnLock
from oslo_service._common.instruments import Reading
from oslo_service.backend.base import Driver
from oslo_service.backend.exceptions import ClusterOptionError
from oslo_service.clustering import metering
from oslo_service.clustering.candidate import Candidate
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection, Unreachable
from oslo_service.clustering.group import Group
from oslo_service.clustering.lease import Lease
from oslo_service.clustering.lock_listener import LockListener
from oslo_service.clustering.reachability import Reachability
from oslo_service.clustering.wakeable_loop import WakeableLoop
from oslo_service.supervisor import events

__all__ = ("Member",)

# How long to wait before a server that has not answered is asked again, in seconds.
_RETRY = 1.0
# How long the two loops pause where there is nothing to do, in seconds.
_IDLE = 60.0
# How long start() and stop() wait for a server, in leases.
_PATIENCE = 1.0


class Member:
    """This process in its cluster.

    :param driver: what the loops run on.
    :param connection: to what keeps the locks and groups; not open yet.
    :param name: this process's, among the members.
    :param clocks: the clocks.
    :param publish: takes events.
    :param report: called with what is wrong with the server, whenever that changes;
        with nothing, when it answers.
    """

    def __init__(
        self,
        driver: Driver,
        connection: Connection,
        name: str,
        clocks: Clocks,
        publish: Callable[[events.Event], object],
        report: Callable[[str], object] = lambda _problem: None,
    ) -> None:
        self.name = name
        self.clocks = clocks
        self.driver = driver
        self._connection = connection
        self._publish = publish
        self._reached = Reachability(clocks, publish, report)
        # The locks and groups that are wanted: replaced as a whole, under the guard.
        self._subjects: list[Candidate | Group] = []
        self._guard = OwnLock()
        self._loops: list[WakeableLoop] = []
        self._settled, self._left = driver.event(), driver.event()
        # Counts the calls of hurry().
        self._hurries = 0
        self._begun = self._open = self._ending = self._over = False
        self._failure: ClusterOptionError | None = None
        self._opened_at = 0.0  # by the time since boot

    @property
    def lease(self) -> float:
        """How many seconds a lock is kept without a heartbeat."""
        return self._connection.lease

    @property
    def reachable(self) -> bool:
        """Whether the server answered when it was last asked."""
        return self._reached.down_since is None

    # What is wanted

    def candidate(self, name: str, listener: LockListener | None = None) -> Candidate:
        """Return a lock, which :meth:`add` has asked for."""
        lease = Lease(self._connection.lease, self._connection.slack)
        return Candidate(
            name,
            lease,
            self.clocks,
            self._publish,
            self.name,
            self._connection.membership,
            listener,
        )

    def group(self, name: str, changed: Callable[[frozenset[str]], object]) -> Group:
        """Return a group, which :meth:`add` has this process join.

        :param changed: see :class:`~oslo_service.clustering.group.Group`.
        """
        seconds, slack = self._connection.membership, self._connection.slack
        lease, view = Lease(seconds, slack), Lease(seconds, slack)
        return Group(name, lease, view, self.clocks, self.name, changed)

    def add(self, subject: Candidate | Group) -> None:
        """Have a lock asked for, or a group joined, until it is released.

        Returns when the server has been asked, or after a lease.
        """
        with self._guard:
            self._subjects = [*self._subjects, subject]
        self.hurry()
        self.await_answer()

    def hurry(self) -> None:
        """Have the server asked at once, not at the next beat. Non-blocking."""
        with self._guard:
            self._hurries += 1
            if not self._over:
                self._settled.clear()
        for loop in self._loops:
            loop.wake()

    def readings(self) -> Iterator[Reading]:
        """Return whether the server answers, and which locks are held."""
        yield Reading(metering.REACHABLE, (), float(self.reachable))
        for one in self._subjects:
            if isinstance(one, Candidate):
                leads = float(one.term() is not None)
                yield Reading(metering.LEADS, (("name", one.name),), leads)

    # Beginning and ending

    def start(self) -> None:
        """Connect, and keep connected; returns when the server has answered.

        Or after a lease: a server that does not answer may do so later.

        :raises ClusterOptionError: the options will never allow it.
        """
        with self._guard:
            begun, self._begun = self._begun, True
        if not begun:
            self._begin_loops()
        self.await_answer()
        if self._failure is not None:
            raise self._failure

    def await_answer(self) -> None:
        """Wait, for a lease at most, until the server has been asked for all of it."""
        if self._begun:
            self._settled.wait(self._patience)

    @property
    def _patience(self) -> float:
        lease = self._connection.lease
        return lease * _PATIENCE if math.isfinite(lease) else _IDLE

    def _begin_loops(self) -> None:
        calls = self._talk, self._watch
        loops = self._loops = [WakeableLoop(self.driver, call) for call in calls]
        for loop in loops:
            loop.start(stop_on_exception=False)
        if self._over:  # stopped meanwhile, before there were loops to stop
            self._end()

    def retire(self) -> None:
        """Leave; locks that are in use are given back when they are not any more."""
        for subject in self._subjects:
            subject.release_soon()
        self._ending = True
        self.hurry()

    def stop(self, patience: float | None = None) -> None:
        """Leave, and wait until the connection is closed.

        :param patience: for how many seconds at most; None: for a lease.
        """
        self.retire()
        self._left.wait(self._patience if patience is None else patience)

    def abandon(self) -> None:
        """Do nothing any more, not even leave, as if the process had died."""
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.wait()
        for subject in self._subjects:
            subject.abandon()
        self._end()

    # Talking to the server

    def _talk(self) -> float:
        hurries = self._hurries
        try:
            pause = self._exchange()
        except Unreachable as exc:
            self._reached.down(exc)
            pause = min(_RETRY, self._patience / 10)
        except ClusterOptionError as exc:
            pause = self._refused(exc)
        if self._ending and not any(one.in_use for one in self._subjects):
            self._leave()
        with self._guard:
            if self._over or hurries == self._hurries:
                self._settled.set()
        return pause

    def _exchange(self) -> float:
        self._close_if_stale()
        if not self._open and not self._ending:
            self._connection.open()
            self._open, self._opened_at = True, self.clocks.since_boot()
        if not self._open:
            return _IDLE
        pauses = [one.turn(self._connection) for one in self._subjects]
        if any(one.done for one in self._subjects):
            with self._guard:
                self._subjects = [one for one in self._subjects if not one.done]
        self._reached.up()
        return min(pauses, default=_IDLE)

    def _close_if_stale(self) -> None:
        """Close the connection, to open a new one, where something may have been lost.

        Not while a lock is held, which that would give back.
        """
        if not self._open or any(one.in_use for one in self._subjects):
            return
        since = self._reached.down_since
        silent = since is not None and (
            self.clocks.since_boot() - max(since, self._opened_at)
            > self._connection.membership
        )
        if silent or any(one.stale for one in self._subjects):
            self._close()
            for one in self._subjects:
                one.renew()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._connection.close()

    def _leave(self) -> None:
        self._close()
        self._end()

    def _end(self) -> None:
        """Stop both loops, and let go of whoever waits."""
        with self._guard:
            self._over = True
            self._settled.set()
        self._left.set()
        for loop in self._loops:
            loop.stop()

    def _refused(self, error: ClusterOptionError) -> float:
        if self._reached.answered or self._reached.down_since is not None:
            # The options worked before: what is wrong may be mended on the server.
            self._reached.down(error)
            return _RETRY
        self._failure = error
        self._end()
        return _IDLE

    # Watching the time

    def _watch(self) -> float:
        # A lease that begins now is not endangered before two thirds of it are over.
        pauses = [one.look() for one in self._subjects]
        return min([*pauses, self._patience / 3, _IDLE])
