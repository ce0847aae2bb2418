# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Connections that are served by tasks that take turns (:mod:`.lead`).

The leader waits for all connections and serves those that are ready. Once
applications are seen to take their time, it passes the lead on before it runs
one, not only when it is held up.
"""

import collections
from collections.abc import Callable
from typing import Any, Protocol

from oslo_service._common import clock
from oslo_service.backend.base import Driver
from oslo_service.serving import poller
from oslo_service.serving.acceptor import Entrance
from oslo_service.serving.deadlines import Deadlines
from oslo_service.serving.leader_followers import Lead, Member

__all__ = ("Engine", "Session")

# Applications that take longer than this on average, in seconds, are run when
# the lead has been passed on; the weight of one in the average; and the most
# that one counts for.
_LONG, _WEIGHT, _MOST = 0.0005, 0.1, 0.01


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

    def serve(self, member: Member) -> None:
        """Go on until there is nothing to do."""

    def pump(self) -> None:
        """Send what waits to be sent, while the session is being served."""

    def expire(self) -> None:
        """Record that the deadline may have passed; :meth:`serve` follows."""


class Engine:
    """Serves the clients of one listening socket.

    :param driver: what to run on.
    :param listener: a socket of the unpatched module, not blocking; it is
        closed in the end.
    :param connect: makes a session of a client's socket and address.
    :param places: how many applications may run at a time.
    :param shared: whether other processes accept from the same socket.
    :param name: for the names of the tasks.
    """

    def __init__(
        self,
        driver: Driver,
        listener: Any,
        connect: Callable[[Any, Any, "Engine"], Session],
        *,
        places: int,
        shared: bool,
        name: str,
    ) -> None:
        self._driver = driver
        self._connect = connect
        self._parallel = driver.capabilities.parallel
        #: Makes a lock of native threads.
        self.new_lock: Callable[[], Any] = driver.original("_thread").allocate_lock
        self._lock = self.new_lock()
        self._sessions: dict[int, Session] = {}
        self._ready: collections.deque[Session] = collections.deque()
        self._put_off: collections.deque[Session] = collections.deque()
        self._deadlines: Deadlines[Session] = Deadlines()
        self._places = self._free = places
        # In the order in which they came; each is there once, whatever happens to
        # it meanwhile: a place that is given to nobody would be lost.
        self._queue: dict[Session, None] = {}
        self._pace = 0.0
        self._long = False
        self.stopping = False
        self._refuses = False
        self._ended = False
        self._over = driver.event()
        self.poller = poller.make(driver)
        self._entrance = Entrance(
            listener, self.poller, self._admit, shared=shared, name=name
        )
        # One task more than there are places: the connections need looking after.
        self._lead = Lead(
            driver, name, lambda: self._places + 1, self._work, self.poller.close
        )

    # Orders

    def start(self) -> None:
        """Serve; does not wait."""
        self._entrance.open()
        self._lead.start()

    def stop(self, *, for_good: bool = True) -> None:
        """Accept nobody else; finish what has begun. Does not wait.

        :param for_good: nobody else will accept those who have come already.
        """
        with self._lock:
            if self.stopping:
                return
            failure = self._entrance.admit_all() if for_good else None
            self.stopping = True
            sessions = list(self._sessions.values())
        self._entrance.close()
        self._refuses = True  # the poller is needed no more for that
        self._entrance.report(failure)
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
            self._ready.extend(self._queue)
            self._queue.clear()
        self.poller.wake()

    # For sessions

    def enter(self, session: Session, member: Member) -> bool:
        """Take a place for an application.

        :returns: False: there is none; the session is served again when there
            is.
        """
        with self._lock:
            if self._free <= 0:
                self._queue[session] = None
                return False
            self._free -= 1
            if self._queue:
                self._queue.pop(session, None)
        if self._long and self._lead.is_with(member):
            self._lead.pass_on()
        return True

    def leave(self, seconds: float) -> None:
        """Return the place back.

        :param seconds: how long the application took.
        """
        with self._lock:
            self._free += 1
            if self._queue and self._free > 0:
                first = next(iter(self._queue))
                del self._queue[first]
                self._ready.appendleft(first)
        if self._parallel:
            seconds = min(seconds, _MOST)
            self._pace += (seconds - self._pace) * _WEIGHT
            self._long = self._pace > _LONG

    def put_off(self, session: Session) -> None:
        """Serve a session again when all others that are ready have been served."""
        self._put_off.append(session)

    def forget(self, fd: int, session: Session) -> None:
        """Record that a session is over; its socket is closed next."""
        self.poller.forget(fd)
        with self._lock:
            self._sessions.pop(fd, None)
            self._queue.pop(session, None)
            self._deadlines.forget(session)
        if self.stopping:
            self._end_if_over()

    # Serving

    def _work(self, member: Member) -> None:
        lead, ready = self._lead, self._ready
        while not self._ended:
            try:
                session = ready.popleft()
            except IndexError:
                if lead.is_with(member):
                    self._look()
                    lead.call_watch()
                elif not self._put_off:
                    return
                self._take_up()
                continue
            self._serve(session, member)
            lead.turns += 1

    def _take_up(self) -> None:
        put_off = self._put_off
        while put_off:
            try:
                self._ready.append(put_off.popleft())
            except IndexError:  # another task was quicker
                return

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
        if earlier and self._lead.resting:
            self.poller.wake()

    # Looking

    def _look(self) -> None:
        # First of all: who notes a deadline that is earlier has to know.
        self._lead.resting = True
        try:
            with self._lock:
                due = self._deadlines.next
                again = self._entrance.opens_again
            if again is not None:
                due = min(due or again, again)
            timeout = None if due is None else max(0.0, due - clock.now())
            if self._put_off:
                timeout = 0
            found = self.poller.wait(timeout)
        finally:
            self._lead.resting = False
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
        now = clock.now()
        with self._lock:
            late = self._deadlines.due(now)
            again = self._entrance.opens_again
            if again is not None and again <= now and not self.stopping:
                self._entrance.open()
        for session in late:
            session.expire()
            self._ready.append(session)

    def _welcome(self, fd: int) -> None:
        failure = None
        with self._lock:
            if not self.stopping and self._entrance.is_at(fd):
                failure = self._entrance.welcome()
        self._entrance.report(failure)

    def _admit(self, client: Any, address: Any) -> None:
        fd = client.fileno()
        try:
            client.setblocking(False)
            session = self._sessions[fd] = self._connect(client, address, self)
            self.poller.add(fd)
        except BaseException:
            self._sessions.pop(fd, None)
            client.close()
            raise
        self._deadlines.note(session)

    # The end

    def _end_if_over(self) -> None:
        with self._lock:
            if self._sessions or self._ended or not self._refuses:
                return
            self._ended = True
        self.poller.wake()
        self._lead.end()
        self._over.set()
