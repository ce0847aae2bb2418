# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The supervisor: one wait over everything that can happen in a process."""

import atexit
import os
import weakref
from typing import TYPE_CHECKING

from oslo_service._common import clock, lazy_imports
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.times import earliest
from oslo_service.backend.base import Driver, Task
from oslo_service.supervisor import (
    callers,
    events,
    gil,
    launching,
    signals,
    stopping,
)
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.services.runner import ServiceRunner
from oslo_service.supervisor.signal_policy import SignalPolicy
from oslo_service.supervisor.supervised import Supervised
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.wait_sources import AddedSource, WaitSource
from oslo_service.supervisor.workers.actions import OrderKind
from oslo_service.supervisor.workers.parent_link import ParentLink
from oslo_service.supervisor.workers.plan import StartMethod
from oslo_service.supervisor.workers.pool import WorkerPool

if TYPE_CHECKING:
    from oslo_service.supervisor import (
        enforced_deadline,
        request_limit,
        tracked_work,
        work_limits,
    )
    from oslo_service.supervisor.exchange import exchange as exchanges
    from oslo_service.supervisor.workers import stack_dumps, succession
else:
    enforced_deadline = lazy_imports.module("oslo_service.supervisor.enforced_deadline")
    request_limit = lazy_imports.module("oslo_service.supervisor.request_limit")
    tracked_work = lazy_imports.module("oslo_service.supervisor.tracked_work")
    work_limits = lazy_imports.module("oslo_service.supervisor.work_limits")
    exchanges = lazy_imports.module("oslo_service.supervisor.exchange.exchange")
    stack_dumps = lazy_imports.module("oslo_service.supervisor.workers.stack_dumps")
    succession = lazy_imports.module("oslo_service.supervisor.workers.succession")

__all__ = ("Supervisor",)

LOG = CarefulLog(__name__)


class Supervisor(Supervised):
    """Everything that runs in, or below, this process.

    Any task may give orders; one at a time turns it (:meth:`wait_for`).

    :param driver: supplies the waiting.
    :param parent_link: in a worker.
    """

    def __init__(self, driver: Driver, parent_link: ParentLink | None = None) -> None:
        super().__init__(driver, parent_link, self._follow_up)
        #: Keeps a child from being born with what it cannot let go.
        self.before_fork = self._timeout.before_fork
        #: Goes on after that, in the parent.
        self.after_fork = self._timeout.back_again
        self._exchange: exchanges.Exchange | None = None
        # Reentrant: a signal's handler may interrupt who makes it, and want it, too.
        self._making = driver.original("_thread").RLock()
        self._waiters = 0
        # In a worker: what its limits are, and what keeps it to them.
        self._limiting: Settings | None = None
        self._request_limit: request_limit.RequestLimit | None = None
        self._work_limits: work_limits.WorkLimits | None = None
        self._enforced_deadline: enforced_deadline.EnforcedDeadline | None = None
        # Whether what there was has been stopped, and has ended.
        self._over = False
        # The tasks that ran when it had.
        self._left_over: weakref.WeakSet[Task] = weakref.WeakSet()
        self._pid = os.getpid()
        self._policy = SignalPolicy(self)
        stopping.ask(self._is_stopping)

    @property
    def exchange(self) -> "exchanges.Exchange":
        """What workers are asked, and what they tell: made at its first use."""
        if self._exchange is None:
            with self._making:
                if self._exchange is None:
                    made = self._make_exchange()
                    self._exchange = self._exchange or made
        return self._exchange

    def _make_exchange(self) -> "exchanges.Exchange":
        return exchanges.Exchange(
            self.driver,
            lambda: self.units,
            self._parent_link,
            post=self.post,
            wake=self._waker.wake,
            publish=self.publish,
        )

    def exchange_in_use(self) -> "exchanges.Exchange | None":
        """Return it where there is, or may be, anything for it to do."""
        if self._exchange is not None or self.is_asked or registry.is_wanted():
            return self.exchange
        return None

    @property
    def is_asked(self) -> bool:
        """Whether this is a worker that its parent may ask something."""
        return self._parent_link is not None and self._parent_link.outbox is not None

    # Units

    def add_runner(self, settings: Settings | None) -> ServiceRunner:
        """Return a new unit for services of this process."""
        runner = ServiceRunner(self.driver, settings, self.post, self.publish)
        runner.timeout = self._timeout
        runner.awaited.may_wait = self._caller_may_wait
        runner.held_by = self._is_held
        if self._parent_link is not None and self._limiting is None:
            self._limiting = settings
        self._add(runner)
        return runner

    def add_pool(self, settings: Settings, start: StartMethod) -> WorkerPool:
        """Return a new unit for worker processes."""
        pool = WorkerPool(self.driver, settings, start, self.publish)
        pool.post = self.post
        pool.timeout = self._timeout
        pool.exchange_with(self.exchange_in_use)
        # What its workers are going to need is imported before they are forked.
        asked = self.exchange_in_use() is not None or settings.limits.worker_timeout
        if asked:  # then, a worker may have no descriptor to read a module by
            lazy_imports.load(enforced_deadline, stack_dumps, tracked_work, work_limits)
        if settings.limits.worker_max_requests:
            lazy_imports.load(request_limit)
        if settings.rolls:  # nor may the parent, when it is told to
            lazy_imports.load(succession)
        pool.held_by = self._is_held
        self._add(pool)
        return pool

    @property
    def request_limit(self) -> "request_limit.RequestLimit | None":
        """In a worker: how many requests it answers. Thread-safe."""
        link, settings = self._parent_link, self._limiting
        if self._request_limit is None and link is not None and settings is not None:
            with self._making:
                self._request_limit = self._request_limit or (
                    request_limit.RequestLimit(settings, link.tell_served)
                )
        return self._request_limit

    def _limits_of_work(self) -> "work_limits.WorkLimits | None":
        """Return what tells of overdue work: in a worker, where that is wanted."""
        link, settings = self._parent_link, self._limiting
        if link is None or settings is None or not settings.limits.worker_timeout:
            return None
        if self._work_limits is None:
            self._work_limits = work_limits.WorkLimits(
                link.tell_overdue, self._waker.wake
            )
        return self._work_limits

    def _add(self, unit: Unit) -> None:
        launching.check()
        self._over = False
        atexit.unregister(self._tell_unawaited)
        atexit.register(self._tell_unawaited)
        gil.warn_once(self.driver)  # before workers are forked
        self.units.append(unit)
        self.reporter.launched()
        self._signals.unattended = lambda: self._act_unattended(lambda: None)
        self._policy.listen(self._signals)
        if self._stopping:
            # What a start() that is still in progress adds must end, too.
            unit.stop()

    def add_source(self, source: AddedSource) -> None:
        """Wait for this, too, until everything has ended: whenever anybody waits."""
        self.added_sources.append(source)
        self._waker.wake()

    def _close_added_sources(self) -> None:
        sources, self.added_sources = self.added_sources, []
        for source in sources:
            try:
                source.close()
            except Exception:
                LOG.exception("%r could not be closed", source)

    def _remove_ended(self) -> None:
        units = self.units
        self.units = [unit for unit in units if not unit.ended.is_set()]
        # The end of the process, which follows, may hang, too.
        final = not self.units and (self.has_parent or self._stopping)
        for unit in units:
            if unit not in self.units:
                if final and not self.has_parent:
                    self._timeout.keep_for_end(unit)
                if not (final and self.has_parent):
                    self._timeout.disarm(unit)
                unit.close()
        if not self.units:
            if units and (self.has_parent or self._are_stopping(units)):
                self._over = True
                self._left_over = weakref.WeakSet(callers.running_tasks())
            self._stopping = False
            self.end_delay()
            self._close_added_sources()
            self._enforce(None)
            self.reporter.all_ended()
            self._signals.unattended = None
            if not self.has_parent:
                self._policy.listen_no_more(self._signals)

    # Orders

    def _caller_may_wait(self) -> bool:
        return not self.left and callers.may_wait(self._turn)

    def terminate(self) -> None:
        """Do what SIGTERM does; where that has come already, nothing."""
        self._policy.terminate()

    def _is_stopping(self) -> bool:
        """Whether it was, by whatever order."""
        if self._over:
            return self.has_parent or any(
                task in self._left_over for task in callers.calling_tasks()
            )
        return self._are_stopping(self.units)

    def _are_stopping(self, units: list[Unit]) -> bool:
        ordered = bool(units) and all(one.stopping for one in units)
        return self._stopping or ordered

    def _is_held(self) -> bool:
        """Whether the end waits for work that user code tracks."""
        if not self._is_stopping():
            return False  # others go on, and so may the work
        return lazy_imports.is_loaded(tracked_work) and tracked_work.is_awaited(
            lambda: self.latch(lambda: None)
        )

    # Turning

    def wait_for(self, unit: Unit) -> int:
        """Turn until a unit has ended: for a program.

        :returns: its exit status.
        :raises RuntimeError: called by a signal handler, which may have interrupted
            whoever turns, by a method that it waits for, or in a process that was
            forked afterwards.
        """
        self._refuse_strangers()
        unit.refuse_own()
        if self._turn.held_here or callers.in_added_handler():
            raise RuntimeError(
                "neither a signal handler nor a subscriber can wait for the launcher"
                " that calls it; stop() does not wait"
            )
        unit.awaited_by_program = True
        return self.run(unit)

    def run(self, unit: Unit) -> int:
        """Turn until a unit has ended; return its exit status."""
        self._waiters += 1
        try:
            self._await_end(unit)
        finally:
            self._waiters -= 1
        self._conclude()
        return unit.status

    def _conclude(self) -> None:
        """Say how it has ended, also where that was before anybody waited."""
        said = self.driver.event()

        def say() -> None:
            try:
                self.reporter.observe()
                self._remove_ended()
            finally:
                said.set()

        self.post(say)
        said.wait()
        if signals.in_main_thread():
            # Where another task has done what they mean, and has given them back.
            self._dispatch_signals()

    def _refuse_strangers(self) -> None:
        if self.left:
            raise RuntimeError(
                f"what process {self._pid} has launched runs there, and not in process"
                f" {os.getpid()}, which was forked from it: launch it here"
            )

    def _await_end(self, unit: Unit) -> None:
        # A worker's main thread is sure to turn it: nobody else needs to.
        may_turn = not self.has_parent or signals.in_main_thread()
        while not unit.ended.is_set():
            changed = self._turn.wait_event()
            if not may_turn:
                changed.wait()
                continue
            with self._turn.take() as taken:
                if taken:
                    self._run_until_ended(unit)
            if not taken:
                changed.wait()

    def _run_until_ended(self, unit: Unit) -> None:
        if not signals.in_main_thread():
            LOG.warning(
                "A launcher waits outside the main thread: signals are left to that"
            )
        self._signals.attend(self._waker)
        try:
            while True:
                self._refuse_strangers()  # a handler may have forked
                self._waker.clear()
                self._dispatch_signals()
                self._turn.carry_out()
                self.reporter.observe()
                if unit.ended.is_set():
                    return
                self._wait()
        finally:
            self._signals.release()

    def _dispatch_signals(self) -> None:
        try:
            if signals.in_main_thread():
                self._signals.install()
            self._signals.dispatch()
        except SystemExit as exc:
            LOG.info("A signal handler asks for the end, with %s", exc.code)
            self.quit(status=exc.code if isinstance(exc.code, int) else 1)

    def _follow_up(self) -> None:
        """Do what follows from what has happened; then say it."""
        now = clock.now()
        for unit in list(self.units):
            unit.advance(now)
        if not self._stopping and any(unit.gave_up for unit in self.units):
            self.stop()
            for unit in list(self.units):
                unit.advance(now)
        exchange = self.exchange_in_use()
        if exchange is not None:
            exchange.advance(now)
        limits = self._limits_of_work()
        if limits is not None:
            limits.advance(now)
        if any(unit.ended.is_set() for unit in self.units):
            self._turn.wake_waiting()
        self.reporter.tell()
        if not self._waiters and all(unit.ended.is_set() for unit in self.units):
            # Nobody is going to say so: signals are the program's again.
            if self.units:
                self.reporter.observe()
                self._remove_ended()

    def _wait(self) -> None:
        sources: list[WaitSource] = [*self.units, *self.added_sources]
        reading = [self._waker.fileno()]
        writing: list[int] = []
        deadlines = [self.reporter.deadline]
        exchange, limits = self.exchange_in_use(), self._limits_of_work()
        if exchange is not None:
            deadlines.append(exchange.deadline)
            self._enforce(exchange.enforced_deadline)
        if limits is not None:
            deadlines.append(limits.deadline)
        if self._parent_link is not None:
            reading += self._parent_link.filenos()
            writing += self._parent_link.filenos_to_write()
        for source in sources:
            reading += source.filenos()
            writing += source.filenos_to_write()
            deadlines.append(source.deadline)
        due = earliest(deadlines)
        timeout = None if due is None else max(0.0, due - clock.now())
        found = self.driver.wait_ready(reading, writing, timeout)
        readable, writable, now = set(found[0]), set(found[1]), clock.now()
        for source in sources:
            source.collect(readable, writable, now)
        if self._parent_link is not None:
            self._hear_parent(self._parent_link, readable)

    def _enforce(self, at: float | None) -> None:
        """Have a deadline be kept, though whoever turns is held up; None: none."""
        if self._enforced_deadline is None and at is not None:
            self._enforced_deadline = enforced_deadline.EnforcedDeadline(
                lambda: self._turn.lent, lambda: self._act_unattended(self._collect)
            )
        if self._enforced_deadline is not None:
            self._enforced_deadline.set(at)

    def _collect(self) -> None:
        """Take in what workers say, by who acts in the place of whoever turns."""
        for unit in self.units:
            unit.collect(set(unit.filenos()), set(), clock.now())

    def _hear_parent(self, link: ParentLink, readable: set[int]) -> None:
        known = link.parent_gone
        link.flush()
        orders = link.listen(readable)
        if known is None and link.parent_gone is not None:
            self.publish(
                events.ParentGone(pid=link.parent_gone, waited=not link.unawaited)
            )
        for order in orders:
            if order is OrderKind.STOP:
                self.stop()
            elif order is OrderKind.MUTATE:
                self.reporter.mutation_ordered()
                self.reload()
            else:
                link.tell_alive()
        for message in link.take_messages():
            link.offer_stacks()  # the next question, it may not be able to answer
            self.exchange.listen(message)

    def _tell_unawaited(self) -> None:
        """Say, as the program ends, which launchers it has never waited for."""
        if self.has_parent or self._pid != os.getpid():
            return
        for unit in self.units:
            if not (unit.awaited_by_program or unit.stopping or unit.ended.is_set()):
                LOG.warning(
                    "The program ends, and what it has launched ends with it, as it has"
                    " never called the launcher's wait(): %s",
                    unit.still_running() or "nothing",
                )
                unit.tell_unawaited()

    def abandon(self) -> None:
        """Close what is held: of a driver that a test has left."""
        self._close_added_sources()
        self._waker.close()
        self._enforce(None)
        self._timeout.close()

    def leave(self) -> None:
        """Close what belongs to the parent, in a freshly forked process."""
        self.left = True
        self._waker.close()
        if self._enforced_deadline is not None:
            self._enforced_deadline.leave()
        self._timeout.leave()
        for unit in self.units:
            unit.abandon()
        for source in self.added_sources:
            source.leave()
        if self._parent_link is not None:
            self._parent_link.close()
