# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Connections that are served by a leader and its followers.

The leader waits for all connections and serves those that are ready. Once
applications are seen to be slow, it promotes another task before it runs one,
not only when it is held up.
"""

import collections
from collections.abc import Callable, Iterable
from typing import Any

from oslo_service._common import clock, instruments
from oslo_service._common.instruments import Reading
from oslo_service.backend.base import Driver
from oslo_service.serving import metering, pollers
from oslo_service.serving.acceptor import Acceptor
from oslo_service.serving.deadlines import Deadlines
from oslo_service.serving.leader_followers import LeaderFollowers, ServingTask
from oslo_service.serving.poller import END, WRITE
from oslo_service.serving.served import Served
from oslo_service.serving.slot_pool import SlotPool

__all__ = ("Engine",)

# Applications that take longer than this on average, in seconds, are run when
# another task has been promoted; the weight of one in the average; and the most
# that one counts for.
_SLOW, _WEIGHT, _CAP = 0.0005, 0.1, 0.01


class Engine:
    """Serves the clients of one listening socket.

    :param driver: what to run on.
    :param listener: a socket of the unpatched module, non-blocking; it is
        closed in the end.
    :param connect: makes a session of a client's socket and address.
    :param pool_size: how many applications may run at a time.
    :param shared: whether other processes accept from the same socket.
    :param name: for the names of the tasks.
    """

    def __init__(
        self,
        driver: Driver,
        listener: Any,
        connect: Callable[[Any, Any, "Engine"], Served],
        *,
        pool_size: int,
        shared: bool,
        name: str,
    ) -> None:
        self._driver = driver
        self._name = name
        self._connect = connect
        self._parallel = driver.capabilities.parallel
        self._holds_thread_locals = driver.holds_thread_locals
        #: Makes a lock of native threads.
        self.new_lock: Callable[[], Any] = driver.original("_thread").allocate_lock
        self._lock = self.new_lock()
        self._sessions: dict[int, Served] = {}
        self._ready: collections.deque[Served] = collections.deque()
        self._requeued: collections.deque[Served] = collections.deque()
        self._deadlines: Deadlines[Served] = Deadlines()
        self._slots: SlotPool[Served] = SlotPool(
            pool_size, self.new_lock(), self._ready.appendleft
        )
        self._mean = 0.0
        self._slow = False
        self.stopping = False
        self._listener_closed = False
        self._ended = False
        self._finished = driver.event()
        self.poller = pollers.make(driver)
        self._acceptor = Acceptor(
            listener, self.poller, self._add, shared=shared, name=name
        )
        # One task more than there are slots: the connections need looking after.
        self._tasks = LeaderFollowers(
            driver, name, lambda: self._slots.size + 1, self._work, self.poller.close
        )

    # Orders

    def start(self) -> None:
        """Serve. Non-blocking."""
        instruments.add(self)
        self._acceptor.open()
        self._tasks.start()

    def stop(self, *, for_good: bool = True) -> None:
        """Accept nobody else; finish what has begun. Non-blocking, idempotent.

        :param for_good: nobody else will accept those who have come already.
        """
        with self._lock:
            if self.stopping:
                return
            failure = self._acceptor.accept_backlog() if for_good else None
            self.stopping = True
            sessions = list(self._sessions.values())
        self._acceptor.close()
        self._listener_closed = True  # the poller is needed no more for that
        self._acceptor.report(failure)
        for session in sessions:
            self._ready.append(session)
        self.poller.wake()
        self._end_if_finished()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until everything that had begun is finished.

        :returns: whether it is.
        """
        return self._finished.wait(timeout)

    @property
    def running(self) -> int:
        """How many applications run."""
        return self._slots.used

    def readings(self) -> Iterable[Reading]:
        """Return the gauges of the server."""
        if self._ended:
            return ()
        return metering.readings(
            self._name,
            size=self._slots.size,
            busy=self._slots.used,
            waiting=self._slots.waiting,
            connections=len(self._sessions),
        )

    def resize(self, pool_size: int) -> None:
        """Have another number of applications run at a time."""
        self._slots.resize(pool_size)
        self.poller.wake()

    # For sessions

    def acquire_slot(self, session: Served, task: ServingTask) -> bool:
        """Take a slot for an application.

        :returns: False: there is none, or none for this task; the session is served
            again when there is.
        """
        if task.spent:
            self.requeue(session)
            return False
        if not self._slots.acquire(session):
            return False
        if self._slow and self._tasks.is_leader(task):
            self._tasks.promote()
        return True

    def release_slot(
        self,
        session: Served,  # noqa: ARG002 - a subclass wants it
        seconds: float,
        task: ServingTask,
    ) -> None:
        """Give the slot back.

        :param seconds: how long the application took.
        """
        self._slots.release()
        if self._parallel:
            if seconds > _CAP:  # noqa: PLR1730 - it takes a twentieth of the time
                seconds = _CAP
            self._mean = mean = self._mean + (seconds - self._mean) * _WEIGHT
            self._slow = mean > _SLOW
        else:
            task.spent = self._holds_thread_locals()

    def requeue(self, session: Served) -> None:
        """Serve a session again when all others that are ready have been served."""
        self._requeued.append(session)

    def forget(self, fd: int, session: Served) -> None:
        """Record that a session is over; its socket is closed next."""
        self.poller.forget(fd)
        self._slots.forget(session)
        self._sessions.pop(fd, None)
        lock = self._lock
        lock.acquire()  # which takes half the time of "with"
        try:
            self._deadlines.forget(session)
        finally:
            lock.release()
        if self.stopping:
            self._end_if_finished()

    # Serving

    def _work(self, task: ServingTask) -> None:
        tasks, ready = self._tasks, self._ready
        task.now = clock.now()
        while not (self._ended or task.spent):
            try:
                session = ready.popleft()
            except IndexError:
                if tasks.is_leader(task):
                    self._poll()
                    task.now = clock.now()
                    tasks.wake_monitor()
                elif not self._requeued:
                    return
                self._take_requeued()
                continue
            self._serve(session, task)
            tasks.progress += 1
        if (ready or self._requeued) and not tasks.is_leader(task):
            self.poller.wake()  # the leader may wait already

    def _take_requeued(self) -> None:
        requeued = self._requeued
        while requeued:
            try:
                self._ready.append(requeued.popleft())
            except IndexError:  # another task was quicker
                return

    def _serve(self, session: Served, task: ServingTask) -> None:
        session.notified = True
        while session.notified:
            try:
                session.turn.pop()
            except IndexError:  # another task serves it
                session.send_pending()
                return
            session.notified = False
            try:
                session.serve(task)
            finally:
                session.turn.append(None)
        if session.deadline_moved:
            self._schedule(session)

    def _schedule(self, session: Served) -> None:
        session.deadline_moved = False
        if session.deadline is None:
            return
        with self._lock:
            earlier = self._deadlines.note(session)
        if earlier and self._tasks.leader_waits:
            self.poller.wake()

    # Looking

    def _poll(self) -> None:
        # First of all: who notes a deadline that is earlier has to know.
        self._tasks.leader_waits = True
        try:
            with self._lock:
                due = self._deadlines.next
                resumes_at = self._acceptor.resumes_at
            if resumes_at is not None:
                due = min(due or resumes_at, resumes_at)
            due = self._next_look(due)
            timeout = None if due is None else max(0.0, due - clock.now())
            if self._requeued:
                timeout = 0
            found = self.poller.wait(timeout)
        finally:
            self._tasks.leader_waits = False
        # Nothing in between may have others run: who is killed there would take
        # along what only it has been told.
        failure = None
        sessions, ready = self._sessions, self._ready
        for fd, events in found:
            session = sessions.get(fd)
            if session is None:
                failure = self._accept(fd)
                continue
            if events != WRITE:
                session.input.ready = True
                if events & END:
                    session.input.hung_up = True
            ready.append(session)
        if due is not None:
            self._check_deadlines()
        self._acceptor.report(failure)
        self._look()

    def _next_look(self, due: float | None) -> float | None:
        """Return when the leader has to look at the latest; by default, when due."""
        return due

    def _look(self) -> None:
        """Look after whatever else a subclass has to."""

    def _check_deadlines(self) -> None:
        now = clock.now()
        with self._lock:
            late = self._deadlines.due(now)
            resumes_at = self._acceptor.resumes_at
            if resumes_at is not None and resumes_at <= now and not self.stopping:
                self._acceptor.open()
        for session in late:
            session.expire()
            self._ready.append(session)

    def _accept(self, fd: int) -> Exception | None:
        """Accept clients; return what is to be reported."""
        with self._lock:
            if not self.stopping and self._acceptor.listens_on(fd):
                return self._acceptor.accept()
        return None

    def _add(self, client: Any, address: Any) -> None:
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

    def _end_if_finished(self) -> None:
        with self._lock:
            if self._sessions or self._ended or not self._listener_closed:
                return
            self._ended = True
        self.poller.wake()
        self._tasks.end()
        self._finished.set()
