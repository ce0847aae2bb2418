# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tasks that take turns: no more of them at work than there is work.

One task at a time leads: it waits, and does what there is to do, one thing
after the other. As long as nothing blocks, nobody else ever runs: under the
GIL, each needless runnable thread costs more than a request. When the leader
is held up, the lead goes to another task, which waits for exactly that:

- where tasks are preemptive, the watch looks every few milliseconds, while
  there is work, whether the leader gets on;
- where they are cooperative, the watch gets its turn exactly when the leader
  is held up.
"""

import functools
import logging
from collections.abc import Callable

from oslo_service.backend.base import Driver, Event

__all__ = ("Lead", "Member")

LOG = logging.getLogger(__name__)

# How long a leader may go without finishing anything, in seconds.
_PATIENCE = 0.002
# How long a task rests after a failure, in seconds.
_RESPITE = 0.1
# How long a task without work stays, in seconds.
_STAY = 30.0


class Member:
    """A task that takes its turn.

    :param wake: set when it gets the lead.
    """

    __slots__ = ("wake",)

    def __init__(self, wake: Event) -> None:
        self.wake = wake


class Lead:
    """Who leads.

    :param driver: what the tasks run on.
    :param name: for the names of the tasks.
    :param most: how many tasks there may be; asked each time.
    :param work: what a member does until it neither leads nor finds anything
        to do; what it raises is logged.
    :param on_end: called once, when the last task is about to end.
    :ivar turns: to be counted up whenever something is finished.
    :ivar resting: to be set while the leader waits for something to do.
    """

    def __init__(
        self,
        driver: Driver,
        name: str,
        most: Callable[[], int],
        work: Callable[[Member], None],
        on_end: Callable[[], None],
    ) -> None:
        self._driver = driver
        self._name = name
        self._most = most
        self._work = work
        self._on_end = on_end
        self._parallel = driver.capabilities.parallel
        self._lock = driver.original("_thread").allocate_lock()
        self._members: set[Member] = set()
        self._parked: list[Member] = []
        self._leader: Member | None = None
        self._watch = driver.event()
        self._watch_rests = False
        self._ended = False
        self.turns = 0
        self.resting = False

    def start(self) -> None:
        """Have a first task lead."""
        watch = self._keep_looking if self._parallel else self._keep_watch
        self._driver.spawn(watch, name=f"{self._name} watch")
        self.pass_on()

    def end(self) -> None:
        """Have all tasks end; those at work when they are done."""
        with self._lock:
            self._ended = True
            parked, self._parked = self._parked, []
            nobody = not self._members
        self._watch.set()
        for member in parked:
            member.wake.set()
        if nobody:
            self._on_end()

    def is_with(self, member: Member) -> bool:
        """Whether a member leads."""
        return self._leader is member

    def pass_on(self) -> None:
        """Have another task lead; where there can be none, the first that is free."""
        with self._lock:
            member = self._parked.pop() if self._parked else None
            fresh = member is None
            if member is None and len(self._members) < self._most():
                member = Member(self._driver.event())
                self._members.add(member)
            self._leader = member
        if member is None:
            return
        if not fresh:
            member.wake.set()
            return
        try:
            self._driver.spawn(functools.partial(self._live, member), name=self._name)
        except RuntimeError:
            LOG.exception("%s goes on with fewer tasks", self._name)
            with self._lock:
                self._members.discard(member)
                self._leader = None

    def _live(self, member: Member) -> None:
        while True:
            try:
                if self._leader is member:
                    self.call_watch()
                self._work(member)
            except Exception:
                LOG.exception("%s goes on after a failure", self._name)
                # It may last: neither the log nor the processor is to be filled.
                self._driver.sleep(_RESPITE)
            if self._takes(member):
                continue
            member.wake.wait(_STAY)
            member.wake.clear()
            if self._leaves(member):
                return

    def _takes(self, member: Member) -> bool:
        """Return a lead that nobody has to a member; else park it."""
        with self._lock:
            if self._leader is None:
                self._leader = member
            if self._leader is member and not self._ended:
                return True
            if not self._ended:
                self._parked.append(member)
            else:
                member.wake.set()
            return False

    def _leaves(self, member: Member) -> bool:
        """Have a member end that has waited for nothing."""
        with self._lock:
            if member in self._parked:
                self._parked.remove(member)
            elif not self._ended:
                return False
            self._members.discard(member)
            last = self._ended and not self._members
        if last:
            self._on_end()
        return True

    # The watch

    def call_watch(self) -> None:
        """Record that the leader has something to do."""
        if self._watch_rests:
            self._watch_rests = False
            self._watch.set()

    def _keep_watch(self) -> None:
        """Where tasks are cooperative: called, the watch runs when it can."""
        while not self._ended:
            self._rest_watch()
            if self._held_up():
                self.pass_on()

    def _keep_looking(self) -> None:
        """Where they are not: look often, while there is work."""
        while not self._ended:
            seen = self.turns
            self._driver.sleep(_PATIENCE)
            if self.turns == seen:
                if self._held_up():
                    self.pass_on()
                else:
                    self._rest_watch()

    def _held_up(self) -> bool:
        return not (self.resting or self._leader is None or self._ended)

    def _rest_watch(self) -> None:
        self._watch.clear()
        self._watch_rests = True
        # Of what began before that it would not be told.
        if not (self._ended or (self._parallel and self._held_up())):
            self._watch.wait()
        self._watch_rests = False
