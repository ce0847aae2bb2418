# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor: one wait over everything that can happen in a process."""

import collections
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator

from oslo_service._common import clock
from oslo_service.backend.base import Driver, Event
from oslo_service.sockets import open_sockets
from oslo_service.supervisor import signals
from oslo_service.supervisor.readiness import Readiness
from oslo_service.supervisor.runner import Host
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.shutdown_timeout import Backstop, TimeLimit, flush_streams
from oslo_service.supervisor.signal_policy import Operator
from oslo_service.supervisor.systemd.notifier import Manager
from oslo_service.supervisor.workers.parent_link import Uplink
from oslo_service.supervisor.workers.pool import Starter, Workforce
from oslo_service.supervisor.workers.state import OrderKind

__all__ = (
    "Supervisor",
    "abandon",
    "known",
    "launching_nothing",
    "of_process",
    "replace",
)

LOG = logging.getLogger(__name__)

# How long to wait for workers that were killed, in seconds.
_REAPING = 5.0

Unit = Host | Workforce


class Supervisor:
    """Everything that runs in, or below, this process.

    Any task may give orders; one at a time turns it (:meth:`wait_for`).

    :param driver: supplies the waiting.
    :param uplink: the line to the parent, in a worker.
    """

    def __init__(self, driver: Driver, uplink: Uplink | None = None) -> None:
        self.driver = driver
        self.pid = os.getpid()
        self.units: list[Unit] = []
        self.readiness = Readiness(self._tell_ready)
        #: Called once, when everything has started, with what there is to say
        #: besides to a manager.
        self.on_ready: Callable[..., object] = lambda: None
        #: Whoever is to be told how the services fare.
        self.manager: Manager | None = None
        self._uplink = uplink
        self._waker = signals.Waker(driver)
        self._signals = signals.of_process()
        self._backstop = Backstop(self._stacks_fd)
        self._orders: collections.deque[Callable[[], object]] = collections.deque()
        # Held by whoever turns.
        self._baton = driver.original("_thread").allocate_lock()
        self._candidates: list[Event] = []
        self._dispatcher: int | None = None
        self._stopping = False
        self._told_stopped = False
        self._mutations = 0
        self._operator = Operator(self)

    @property
    def has_parent(self) -> bool:
        """Whether this process is a worker."""
        return self._uplink is not None

    def _stacks_fd(self) -> int | None:
        return None if self._uplink is None else self._uplink.stacks_fd

    # Units

    def add_host(self, settings: Settings | None) -> Host:
        """Make a place for services of this process."""
        host = Host(self.driver, settings, on_change=self._waker.wake)
        host.limit = TimeLimit(
            self.driver, self._backstop, host.still_running, self.kill_workers
        )
        self._add(host)
        return host

    def add_workforce(self, settings: Settings, starter: Starter) -> Workforce:
        """Make a place for worker processes."""
        workforce = Workforce(self.driver, settings, starter)
        workforce.limit = TimeLimit(
            self.driver, self._backstop, workforce.still_running, self.kill_workers
        )
        self._add(workforce)
        return workforce

    def _add(self, unit: Unit) -> None:
        if _refusal is not None:
            raise RuntimeError(_refusal)
        self.units.append(unit)
        self.readiness.begin(clock.now())
        self._signals.expected = True
        self._operator.listen(self._signals)
        if self._stopping:
            # What a start() that is still in progress adds must end, too.
            unit.stop()

    def _remove_ended(self) -> None:
        self.units = [unit for unit in self.units if not unit.ended.is_set()]
        if not self.units:
            self._stopping = False
            self._signals.expected = False
            self._operator.listen_no_more(self._signals)

    # Orders

    def post(self, order: Callable[[], object]) -> None:
        """Have an order carried out by whoever turns; else here and now."""
        self.latch(order)
        while self._orders and self._baton.acquire(blocking=False):
            try:
                self._obey()
            finally:
                self._pass_baton()

    def latch(self, order: Callable[[], object]) -> None:
        """Have an order carried out by whoever turns; from a signal handler."""
        self._orders.append(order)
        self._waker.wake()

    def stop(self) -> None:
        """Stop everything, in order; also what is added until all has ended."""
        self._stopping = True
        open_sockets.close_all()
        for unit in self.units:
            unit.stop()

    def stop_unit(self, unit: Unit) -> None:
        """Stop a unit; with the last one, clients are refused."""
        if all(other is unit or other.stopping for other in self.units):
            open_sockets.close_all()
        unit.stop()

    @property
    def stopping(self) -> bool:
        """Whether everything was told to stop."""
        return self._stopping

    @property
    def restarts_in_place(self) -> bool:
        """Whether services of this process are stopped to be started again."""
        return any(isinstance(unit, Host) and unit.restarts for unit in self.units)

    def read_again(self) -> None:
        """Do what SIGHUP means, to everything."""
        for unit in self.units:
            unit.read_again()

    def quit(self, status: int = 1) -> None:
        """End this process, and its workers, at once."""
        if self.manager is not None:
            self.manager.end(self.units, clock.now())
        self.kill_workers()
        until = clock.now() + _REAPING
        for unit in self.units:
            if isinstance(unit, Workforce):
                unit.await_killed(until)
        open_sockets.close_last()
        logging.shutdown()
        flush_streams()
        os._exit(status)

    def kill_workers(self) -> None:
        """End every worker by force; from any native thread."""
        for unit in self.units:
            if isinstance(unit, Workforce):
                for pid in unit.pids():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue

    # Turning

    def wait_for(self, unit: Unit) -> int:
        """Turn until a unit has ended.

        :returns: its exit status.
        :raises RuntimeError: called by a signal handler that is run here.
        """
        if self._dispatcher == self.driver.current_ident():
            raise RuntimeError(
                "a signal handler cannot wait for the launcher that runs it;"
                " stop() does not wait"
            )
        # A worker's main thread is sure to turn it: nobody else needs to.
        may_turn = not self.has_parent or signals.in_main_thread()
        while not unit.ended.is_set():
            candidate = self.driver.event()
            self._candidates.append(candidate)
            if may_turn and self._baton.acquire(blocking=False):
                try:
                    self._turn(unit)
                finally:
                    self._pass_baton()
            else:
                candidate.wait()
        self.post(self._tell)  # of what ended before anybody turned
        self._remove_ended()
        return unit.status

    def _pass_baton(self) -> None:
        self._baton.release()
        self._wake_candidates()

    def _wake_candidates(self) -> None:
        candidates, self._candidates = self._candidates, []
        for candidate in candidates:
            candidate.set()

    def _turn(self, unit: Unit) -> None:
        if not signals.in_main_thread():
            LOG.warning(
                "A launcher waits outside the main thread: signals are left to that"
            )
        self._signals.attend(self._waker)
        try:
            while True:
                self._waker.clear()
                self._dispatch_signals()
                self._obey()
                self._tell()
                if unit.ended.is_set():
                    return
                self._wait()
        finally:
            self._signals.release()

    def _dispatch_signals(self) -> None:
        self._dispatcher = self.driver.current_ident()
        try:
            if signals.in_main_thread():
                self._signals.install()
            self._signals.dispatch()
        except SystemExit as exc:
            LOG.info("A signal handler asks for the end, with %s", exc.code)
            self.quit(exc.code if isinstance(exc.code, int) else 1)
        finally:
            self._dispatcher = None

    def _obey(self) -> None:
        while self._orders:
            self._orders.popleft()()
        now = clock.now()
        for unit in list(self.units):
            if isinstance(unit, Workforce):
                unit.advance(now)
        if any(unit.ended.is_set() for unit in self.units):
            self._wake_candidates()

    def _wait(self) -> None:
        fds = [self._waker.fileno()]
        deadlines = [self.readiness.deadline]
        if self._uplink is not None:
            fds += self._uplink.filenos()
        if self.manager is not None:
            deadlines.append(self.manager.deadline)
        for unit in self.units:
            if isinstance(unit, Workforce):
                fds += unit.filenos()
                deadlines.append(unit.deadline)
        due = min((one for one in deadlines if one is not None), default=None)
        timeout = None if due is None else max(0.0, due - clock.now())
        readable = set(self.driver.wait_ready(fds, (), timeout)[0])
        now = clock.now()
        for unit in self.units:
            if isinstance(unit, Workforce):
                unit.collect(readable, now)
        if self._uplink is not None:
            self._hear_parent(self._uplink, readable)

    def _hear_parent(self, uplink: Uplink, readable: set[int]) -> None:
        for order in uplink.listen(readable):
            if order is OrderKind.STOP:
                self.stop()
            elif order is OrderKind.MUTATE:
                self._mutations += 1
                self.read_again()
            else:
                uplink.tell_alive()

    def _tell(self) -> None:
        now = clock.now()
        if self.manager is not None and self.manager.tell(self.units, now):
            self.readiness.begin_again()
        running = [unit for unit in self.units if not unit.ended.is_set()]
        self.readiness.check(running, now)
        if self._uplink is not None:
            self._tell_parent(self._uplink)

    def _tell_parent(self, uplink: Uplink) -> None:
        while self._mutations and not any(one.reading_again for one in self.units):
            self._mutations -= 1
            uplink.tell_mutated()
        if not self._told_stopped and all(unit.all_stopped for unit in self.units):
            self._told_stopped = True
            uplink.tell_stopped()

    def _tell_ready(self) -> None:
        if self.manager is None:
            self.on_ready()
        else:
            self.manager.ready(self.units, clock.now(), self.on_ready)

    def abandon(self) -> None:
        """Close what belongs to the parent, in a freshly forked process."""
        self._waker.close()
        for unit in self.units:
            if isinstance(unit, Workforce):
                unit.abandon()
        if self._uplink is not None:
            self._uplink.close()


_of_process: Supervisor | None = None
# Why nothing can be launched now; None: it can.
_refusal: str | None = None


def of_process(driver: Driver) -> Supervisor:
    """Give the supervisor of this process."""
    global _of_process
    supervisor = known()
    if supervisor is not None:
        if supervisor.driver is driver or supervisor.units:
            return supervisor
        supervisor.abandon()  # of a driver that a test has left
    supervisor = _of_process = Supervisor(driver)
    return supervisor


def known() -> Supervisor | None:
    """Give the supervisor of this process where there is one; make none."""
    supervisor = _of_process
    return None if supervisor is None or supervisor.pid != os.getpid() else supervisor


def replace(supervisor: Supervisor) -> None:
    """Make this the supervisor of the process."""
    global _of_process
    _of_process = supervisor


@contextlib.contextmanager
def launching_nothing(reason: str) -> Iterator[None]:
    """Have whoever launches something meanwhile be told why that is wrong."""
    global _refusal
    _refusal = reason
    try:
        yield
    finally:
        _refusal = None


def abandon() -> None:
    """Leave the parent's supervisor to the parent, in a forked process."""
    global _of_process
    if _of_process is not None:
        _of_process.abandon()
        _of_process = None
