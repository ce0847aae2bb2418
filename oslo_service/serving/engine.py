# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tasks that serve connections: no more of them at work than there is work.

One task at a time leads: it waits for all the connections, and serves those
that are ready, one after the other. As long as no application blocks, nobody
else ever runs: under the GIL, each needless runnable thread costs more than a
request. When the leader is held up, the lead goes to another task, which
waits for exactly that:

- where tasks are preemptive, the watch looks every few milliseconds, while
  there is work, whether the leader gets on. Once applications are seen to
  take their time, the leader passes the lead on before it runs one;
- where they are cooperative, the watch gets its turn exactly when the leader
  is held up.
"""

import collections
import errno
import functools
import logging
from collections.abc import Callable
from typing import Any, Protocol

from oslo_service import _clock
from oslo_service.backend.base import Driver, Event
from oslo_service.serving import poller
from oslo_service.serving.deadlines import Deadlines

__all__ = ("Engine", "Member", "Session")

LOG = logging.getLogger(__name__)

# How long a leader may go without finishing anything, in seconds.
_PATIENCE = 0.002
# Applications that take longer than this on average, in seconds, are run when
# the lead has been passed on; the weight of one in the average; and the most
# that one counts for.
_LONG, _WEIGHT, _MOST = 0.0005, 0.1, 0.01
# How long an idle task stays, and how long to accept nobody where there are no
# descriptors left, in seconds.
_STAY, _PAUSE = 30.0, 0.25
# How many clients are accepted at a time, and at the end.
_ACCEPTS, _CROWD = 16, 1024
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Session(Protocol):
    """One connection, as the engine sees it.

    :ivar gate: a lock: who has it serves the session.
    :ivar again: there is something new for it.
    :ivar readable: there may be something to read.
    :ivar hung_up: the end may be among it.
    :ivar hurried: its deadline has become earlier.
    """

    gate: Any
    again: bool
    readable: bool
    hung_up: bool
    hurried: bool
    looked_at: int | None

    @property
    def deadline(self) -> float | None:
        """When to call :meth:`expire`."""

    def serve(self, member: "Member") -> None:
        """Go on until there is nothing to do."""

    def pump(self) -> None:
        """Send what waits to be sent, while the session is being served."""

    def expire(self) -> None:
        """Take in that the deadline may have passed; :meth:`serve` follows."""


class Member:
    """A task that serves.

    :param wake: set when it gets the lead.
    """

    __slots__ = ("wake",)

    def __init__(self, wake: Event) -> None:
        self.wake = wake


class Engine:
    """Serves the clients of one listening socket.

    :param driver: what to run on.
    :param listener: a socket of the unpatched module, not blocking; it is
        closed in the end.
    :param connect: makes a session of a client's socket and address.
    :param places: how many applications may run at a time.
    :param name: for the names of the tasks.
    """

    def __init__(
        self,
        driver: Driver,
        listener: Any,
        connect: Callable[[Any, Any, "Engine"], Session],
        *,
        places: int,
        name: str,
    ) -> None:
        self._driver = driver
        self._listener = listener
        self._connect = connect
        self._name = name
        self._parallel = driver.capabilities.parallel
        #: Makes a lock of native threads.
        self.new_lock: Callable[[], Any] = driver.original("_thread").allocate_lock
        self._lock = self.new_lock()
        self._sessions: dict[int, Session] = {}
        self._ready: collections.deque[Session] = collections.deque()
        self._deadlines: Deadlines[Session] = Deadlines()
        self._places = self._free = places
        self._queue: collections.deque[Session] = collections.deque()
        self._members: set[Member] = set()
        self._parked: list[Member] = []
        self._leader: Member | None = None
        self._turns = 0
        self._pace = 0.0
        self._long = False
        # Whether the leader waits for something to do, and until when.
        self._resting = False
        self._rests_until: float | None = None
        self._watch = driver.event()
        self._watch_rests = False
        self._accepts_again: float | None = None
        self.stopping = False
        self._ended = False
        self._over = driver.event()
        self.poller = poller.make(driver)

    # Orders

    def start(self) -> None:
        """Serve; does not wait."""
        self.poller.add_listener(self._listener.fileno())
        watch = self._keep_looking if self._parallel else self._keep_watch
        self._driver.spawn(watch, name=f"{self._name} watch")
        self._pass_lead()

    def stop(self, *, for_good: bool = True) -> None:
        """Accept nobody else; finish what has begun. Does not wait.

        :param for_good: nobody else will accept those who have come already.
        """
        with self._lock:
            if self.stopping:
                return
            if for_good:
                self._accept(_CROWD)
            self.stopping = True
            if self._accepts_again is None:
                self.poller.remove(self._listener.fileno())
            self._listener.close()
            sessions = list(self._sessions.values())
        for session in sessions:
            self._ready.append(session)
        self.poller.wake()
        self._end_if_over()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until everything that had begun is finished.

        :returns: whether it is.
        """
        return self._over.wait(timeout)

    @property
    def running(self) -> int:
        """How many applications run."""
        return self._places - self._free

    def resize(self, places: int) -> None:
        """Have another number of applications run at a time."""
        with self._lock:
            self._free += places - self._places
            self._places = places
            while self._queue:
                self._ready.append(self._queue.popleft())
        self.poller.wake()

    # For sessions

    def enter(self, session: Session, member: Member) -> bool:
        """Take a place for an application.

        :returns: False: there is none; the session is served again when there
            is.
        """
        with self._lock:
            if self._free <= 0:
                self._queue.append(session)
                return False
            self._free -= 1
        if self._long and self._leader is member:
            self._pass_lead()
        return True

    def leave(self, seconds: float) -> None:
        """Give the place back.

        :param seconds: how long the application took.
        """
        with self._lock:
            self._free += 1
            if self._queue and self._free > 0:
                self._ready.appendleft(self._queue.popleft())
        if self._parallel:
            seconds = min(seconds, _MOST)
            self._pace += (seconds - self._pace) * _WEIGHT
            self._long = self._pace > _LONG

    def forget(self, fd: int, session: Session) -> None:
        """Take in that a session is over; its socket is closed next."""
        self.poller.forget(fd)
        with self._lock:
            self._sessions.pop(fd, None)
            self._deadlines.forget(session)
        if self.stopping:
            self._end_if_over()

    # The lead

    def _pass_lead(self) -> None:
        with self._lock:
            member = self._parked.pop() if self._parked else None
            fresh = member is None
            if member is None and len(self._members) <= self._places:
                # One more than there are places: somebody must look after the
                # connections.
                member = Member(self._driver.event())
                self._members.add(member)
            # None: whoever is the first to have nothing to do takes it.
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
                self._work(member)
            except Exception:
                LOG.exception("%s goes on after a failure", self._name)
            with self._lock:
                if self._ended:
                    self._leave_for_good(member)
                    return
                if self._leader is None:
                    self._leader = member
                if self._leader is member:
                    continue
                self._parked.append(member)
            member.wake.wait(_STAY)
            member.wake.clear()
            with self._lock:
                if member in self._parked:
                    self._parked.remove(member)
                    self._leave_for_good(member)
                    return

    def _leave_for_good(self, member: Member) -> None:
        self._members.discard(member)
        if self._ended and not self._members:
            self.poller.close()

    def _work(self, member: Member) -> None:
        if self._leader is member:
            self._call_watch()
        ready = self._ready
        while not self._ended:
            try:
                session = ready.popleft()
            except IndexError:
                if self._leader is not member:
                    return
                self._look()
                self._call_watch()
                continue
            self._serve(session, member)
            self._turns += 1

    def _serve(self, session: Session, member: Member) -> None:
        session.again = True
        while session.again:
            if not session.gate.acquire(False):
                session.pump()
                return
            session.again = False
            try:
                session.serve(member)
            finally:
                session.gate.release()
        if session.looked_at is None or session.hurried:
            self._schedule(session)

    def _schedule(self, session: Session) -> None:
        session.hurried = False
        with self._lock:
            earlier = self._deadlines.note(session)
        if earlier and self._resting:
            self.poller.wake()

    # Looking

    def _look(self) -> None:
        due = self._deadlines.next
        if self._accepts_again is not None:
            due = min(due or self._accepts_again, self._accepts_again)
        self._resting = True
        try:
            timeout = None if due is None else max(0.0, due - _clock.now())
            found = self.poller.wait(timeout)
        finally:
            self._resting = False
        for fd, read, end in found:
            session = self._sessions.get(fd)
            if session is None:
                self._welcome(fd)
                continue
            if read:
                session.readable = True
                session.hung_up = session.hung_up or end
            self._ready.append(session)
        if due is not None:
            self._look_at_deadlines()

    def _look_at_deadlines(self) -> None:
        now = _clock.now()
        with self._lock:
            late = self._deadlines.due(now)
            if self._accepts_again is not None and self._accepts_again <= now:
                self._accepts_again = None
                if not self.stopping:
                    self.poller.add_listener(self._listener.fileno())
        for session in late:
            session.expire()
            self._ready.append(session)

    def _welcome(self, fd: int) -> None:
        with self._lock:
            if not self.stopping and fd == self._listener.fileno():
                self._accept(_ACCEPTS)

    def _accept(self, most: int) -> None:
        for _ in range(most):
            try:
                client, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno in _EXHAUSTED:
                    self._pause_accepting(exc)
                    return
                continue  # the client has left already
            client.setblocking(False)
            session = self._connect(client, address, self)
            fd = client.fileno()
            self._sessions[fd] = session
            self.poller.add(fd)
            self._deadlines.note(session)

    def _pause_accepting(self, reason: OSError) -> None:
        if self._accepts_again is None:
            LOG.warning("%s accepts nobody for a moment: %s", self._name, reason)
            self.poller.remove(self._listener.fileno())
        self._accepts_again = _clock.now() + _PAUSE

    # The watch

    def _call_watch(self) -> None:
        if self._watch_rests:
            self._watch_rests = False
            self._watch.set()

    def _keep_watch(self) -> None:
        """Where tasks are cooperative: called, the watch runs when it can."""
        while not self._ended:
            self._rest_watch()
            if self._held_up():
                self._pass_lead()

    def _keep_looking(self) -> None:
        """Where they are not: look often, while there is work."""
        while not self._ended:
            seen = self._turns
            self._driver.sleep(_PATIENCE)
            if self._turns == seen:
                if self._held_up():
                    self._pass_lead()
                else:
                    self._rest_watch()

    def _held_up(self) -> bool:
        return not self._resting and self._leader is not None and not self._ended

    def _rest_watch(self) -> None:
        self._watch.clear()
        self._watch_rests = True
        # Of what began before that it would not be told.
        if not (self._ended or (self._parallel and self._held_up())):
            self._watch.wait()
        self._watch_rests = False

    # The end

    def _end_if_over(self) -> None:
        with self._lock:
            if self._sessions or self._ended or not self.stopping:
                return
            self._ended = True
            parked, self._parked = self._parked, []
            if not self._members:
                self.poller.close()
            else:
                self.poller.wake()
        self._watch.set()
        for member in parked:
            member.wake.set()
        self._over.set()
