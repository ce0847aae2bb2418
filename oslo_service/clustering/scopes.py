# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The processes of which one runs each due time: a parent's workers, or a cluster."""

import contextlib
import weakref
from collections.abc import Callable, Iterator

from oslo_config import cfg

from oslo_service._common.fork_safety import OwnLock, PerProcess
from oslo_service._common.records import Record, State
from oslo_service.clustering import host, membership, metering, publishing, settings
from oslo_service.clustering.candidate import Candidate
from oslo_service.clustering.connection import Unreachable
from oslo_service.clustering.due_times import DueTimes
from oslo_service.clustering.lease_reporter import LeaseReporter
from oslo_service.clustering.lock_listener import Term
from oslo_service.clustering.member import Member
from oslo_service.clustering.simulated import simulated
from oslo_service.supervisor import events

__all__ = ("CLUSTER", "HOST", "Scope", "SharedTask", "scope_of")

#: One of the workers of a parent runs a due time.
HOST = "host"
#: One of the processes of the group does.
CLUSTER = "cluster"


class SharedTask(Record):
    """A task of which one process runs each due time.

    :ivar label: its name in the log, the same in all processes.
    :ivar spacing: seconds.
    :ivar scope: ``HOST`` or ``CLUSTER``.
    :ivar missed: what becomes of due times at which no process was there.
    """

    label: str
    spacing: float
    scope: str
    missed: str


class _Known(State):
    """What a process knows of a task.

    :ivar term: for which term the due times are; None: it may run none.
    """

    times: DueTimes
    term: Term | None = None


#: A due time, the term in which it is begun, those that were passed over, and what
#: takes it back.
_Taken = tuple[float, Term, tuple[float, ...], Callable[[], None]]


class Scope:
    """Some processes of which one runs a due time, as seen from one of them."""

    skew = 0.0

    def __init__(self) -> None:
        self.clocks = membership.clocks()
        self._known: dict[SharedTask, _Known] = {}
        # Two tasks of this process may look at the same time.
        self._guard = OwnLock()

    def now(self) -> float:
        """Return the time of day."""
        return self.clocks.time_of_day()

    def known(self, task: SharedTask) -> _Known:
        """Return what is known of a task, now."""
        with self._guard:
            known, missed = self._update(task, self.term())
        self.tell_missed(task, missed)
        return known

    def _update(
        self, task: SharedTask, term: Term | None
    ) -> tuple[_Known, tuple[float, ...]]:
        """Return what is known of a task, and the due times it may have missed."""
        known = self._known.get(task)
        if known is None:
            times = DueTimes(task.spacing, task.missed, self.skew)
            known = self._known[task] = _Known(times)
        if term == known.term:
            return known, ()
        known.term = term
        if term is None:
            known.times.gave_up()
            return known, ()
        known.times.took_over(term.since)
        return known, known.times.unknown(term.vacant_since)

    def take(self, task: SharedTask) -> _Taken | None:
        """Return the due time to begin, which counts as begun; None: there is none."""
        known = self.known(task)
        with self._guard:
            due, term = known.times.due(self.now()), known.term
            if due is None or term is None:
                return None
            missed = known.times.passed_over(due)
            return due, term, missed, known.times.begun(due)

    def tell_missed(
        self, task: SharedTask, missed: tuple[float, ...], *, certain: bool = False
    ) -> None:
        """Report missed due times; here: none, another worker has had them."""

    def term(self) -> Term | None:
        """Return the term in which this process may run due times; None: it may not."""
        raise NotImplementedError

    def claim(
        self, task: SharedTask, term: Term, due: float
    ) -> contextlib.AbstractContextManager[bool]:
        """Return a context to run a due time in, which yields whether to run it."""
        raise NotImplementedError


class _HostScope(Scope):
    """The workers of one parent, which decides."""

    def __init__(self) -> None:
        super().__init__()
        # Due times before this process began are not for it.
        self._term = Term(number=1, since=self.now())

    def term(self) -> Term | None:
        """Return the one term, which begins when this process first looked."""
        return self._term

    @contextlib.contextmanager
    def claim(self, task: SharedTask, term: Term, due: float) -> Iterator[bool]:
        """Have the parent decide, and tell it when the run is over."""
        del term
        try:
            claimed = bool(host.ask("claim", task.label, due, task.missed))
        except Unreachable:
            claimed = False
        try:
            yield claimed
        finally:
            if claimed:
                host.tell("ended", task.label, due)


class _ClusterScope(Scope):
    """The processes of the group: the one that holds its lock runs what is due."""

    def __init__(self, member: Member, options: settings.Settings) -> None:
        self.skew = options.skew
        super().__init__()
        self._member = member
        self._group = options.group
        self._candidate: Candidate | None = None

    def begin(self) -> None:
        """Ask for the lock; returns when there is an answer, or after a lease."""
        self._candidate = self._member.candidate(
            self._group, LeaseReporter(self._group)
        )
        self._member.add(self._candidate)

    def term(self) -> Term | None:
        """Return the term of the lock, if this process is sure to hold it."""
        return None if self._candidate is None else self._candidate.term()

    def tell_missed(
        self, task: SharedTask, missed: tuple[float, ...], *, certain: bool = False
    ) -> None:
        """Report due times that were, or may have been, missed."""
        if missed:
            result = "missed" if certain else "unknown"
            metering.due_times(task.label, result, len(missed))
            event = events.DueTimesMissed(
                task=task.label, due_times=missed, certain=certain
            )
            publishing.publish(event)

    @contextlib.contextmanager
    def claim(self, task: SharedTask, term: Term, due: float) -> Iterator[bool]:
        """Keep the lock, and tell the parent what is running."""
        candidate = self._candidate
        if candidate is None:
            yield False
            return
        host.tell("begun", task.label, due)
        try:
            with candidate.using(term) as claimed:
                if claimed:
                    metering.due_times(task.label, "run")
                yield claimed
        finally:
            host.tell("ended", task.label, due)


_scopes: PerProcess["weakref.WeakKeyDictionary[object, Scope]"] = PerProcess(
    weakref.WeakKeyDictionary
)


def scope_of(task: SharedTask, conf: cfg.ConfigOpts) -> Scope:
    """Return the processes of which one runs a task."""
    options = settings.read(conf) if task.scope == CLUSTER else None
    simulation, scopes = simulated.get(), _scopes.get()
    if options is None or not (options.url or simulation):
        key = simulation or host.here()
        return scopes.get(key) or scopes.setdefault(key, _HostScope())
    member = membership.member(conf)
    found = scopes.get(member)
    if found is None:
        made = _ClusterScope(member, options)
        found = scopes.setdefault(member, made)
        if found is made:  # of two that are the first, one begins
            made.begin()
    return found
