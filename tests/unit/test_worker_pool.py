# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A worker pool on a system that exists only on paper, and may refuse anything."""

import contextlib
import dataclasses
import errno
import os
import signal
import types
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from oslo_service import events
from oslo_service._common import clock
from oslo_service.backend.base import LockEvent
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.exchange.framing import chunks
from oslo_service.supervisor.workers import pool as pools
from oslo_service.supervisor.workers import process as processes
from oslo_service.supervisor.workers import stack_dumps
from oslo_service.supervisor.workers.channel import (
    _REPORT,
    ALIVE,
    MUTATED,
    OVERDUE,
    READY,
    STOPPED,
    ControlPipes,
)
from oslo_service.supervisor.workers.limits import Limits

SCARCE = {"pipe": errno.EMFILE, "fork": errno.EAGAIN, "pidfd_open": errno.EMFILE}


@dataclasses.dataclass
class Pipe:
    data: bytes = b""
    full: bool = False


@dataclasses.dataclass
class Child:
    """A worker process on paper."""

    pid: int
    number: int
    orders: Pipe
    orders_fd: int
    reports: Pipe
    status: int | None = None
    reaped: bool = False
    signals: list[int] = dataclasses.field(default_factory=list)
    refused: list[int] = dataclasses.field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.status is None

    def say(self, message: bytes) -> None:
        self.reports.data += _REPORT.pack(self.number, message)


class System:
    """Stands for the modules ``os`` and ``signal``, and for the start method."""

    WNOHANG = os.WNOHANG
    waitstatus_to_exitcode = staticmethod(lambda status: status)
    getpid = staticmethod(os.getpid)

    def __init__(self) -> None:
        self.fds: dict[int, tuple[Pipe | Child, str]] = {}
        self.children: dict[int, Child] = {}
        self.refuses: set[str] = set()
        self.forbids_signals = False
        self.others_reap = False
        self._numbers = 100

    def _refuse(self, call: str) -> None:
        if call in self.refuses:
            raise OSError(SCARCE[call], f"no {call}")

    def _open(self, what: Pipe | Child, end: str) -> int:
        self._numbers += 1
        self.fds[self._numbers] = what, end
        return self._numbers

    # Descriptors

    def pipe(self) -> tuple[int, int]:
        self._refuse("pipe")
        pipe = Pipe()
        return self._open(pipe, "r"), self._open(pipe, "w")

    def set_blocking(self, fd: int, blocking: bool) -> None:
        assert fd in self.fds
        assert not blocking

    def close(self, fd: int) -> None:
        del self.fds[fd]

    def write(self, fd: int, data: bytes) -> int:
        pipe, end = self.fds[fd]
        assert isinstance(pipe, Pipe)
        assert end == "w"
        if not any(one is pipe and way == "r" for one, way in self.fds.values()):
            raise BrokenPipeError(errno.EPIPE, "nobody reads it")
        if pipe.full:
            raise BlockingIOError(errno.EAGAIN, "it is full")
        pipe.data += data
        return len(data)

    def read(self, fd: int, size: int) -> bytes:
        pipe, end = self.fds[fd]
        assert isinstance(pipe, Pipe)
        assert end == "r"
        if not pipe.data:
            raise BlockingIOError(errno.EAGAIN, "it is empty")
        data, pipe.data = pipe.data[:size], pipe.data[size:]
        return data

    def is_readable(self, fd: int) -> bool:
        what = self.fds[fd][0]
        return not what.alive if isinstance(what, Child) else bool(what.data)

    # Processes

    def start(self, plan: Any, pipes: ControlPipes) -> int:
        """Be the start method."""
        self._refuse("fork")
        self._numbers += 1
        # A duplicate is what the worker inherits.
        orders, reports = self.fds[pipes.reader][0], self.fds[pipes.writer][0]
        fd = self._open(orders, "r")
        child = Child(self._numbers, pipes.number, orders, fd, reports)  # type: ignore[arg-type]
        self.children[child.pid] = child
        return child.pid

    def die(self, child: Child, status: int) -> None:
        child.status = status
        self.exec(child)

    def exec(self, child: Child) -> None:
        """Have it become another program: its end of the pipes is closed."""
        self.fds.pop(child.orders_fd, None)

    def pidfd_open(self, pid: int) -> int:
        self._refuse("pidfd_open")
        return self._open(self.children[pid], "pidfd")

    def waitpid(self, pid: int, flags: int) -> tuple[int, int]:
        assert flags == os.WNOHANG
        child = self.children[pid]
        assert not child.reaped
        if child.status is None:
            return 0, 0
        child.reaped = True
        if self.others_reap:
            raise ChildProcessError(errno.ECHILD, "somebody else was told")
        return pid, child.status

    def kill(self, pid: int, signum: int) -> None:
        self._send(self.children[pid], signum)

    def pidfd_send_signal(self, fd: int, signum: int) -> None:
        child = self.fds[fd][0]
        assert isinstance(child, Child)
        self._send(child, signum)

    def _send(self, child: Child, signum: int) -> None:
        if not child.alive:
            raise ProcessLookupError(errno.ESRCH, "it has ended")
        if self.forbids_signals:
            child.refused.append(signum)
            raise PermissionError(errno.EPERM, "it is another user's")
        child.signals.append(signum)
        if signum == signal.SIGKILL:
            self.die(child, -signum)


class Configuration:
    """Stands for the settings."""

    def __init__(self, limit: float) -> None:
        self.last_stop_delay = 0.0
        self.stop_limit = self.last_stop_limit = limit
        self.mutates = self.rolls = False
        self.limits = Limits()
        self.error: BaseException | None = None

        self.log: list[str] = []

    def read_again(self) -> BaseException | None:
        return self.error

    def read_aside(self) -> BaseException | None:
        self.log.append("read")
        return self.error

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        self.log.append("new")
        yield

    def adopt(self) -> None:
        self.log.append("adopted")


class Plan(str):
    """What the start method is given."""

    __slots__ = ()

    def adapted(self, **_: bool) -> "Plan":
        return self


class Parent:
    """Turns a pool as a supervisor does, and checks what must always hold."""

    def __init__(self, limit: float = 60.0) -> None:
        self.system = System()
        self.settings = Configuration(limit)
        self.now = 1000.0
        driver = types.SimpleNamespace(
            event=LockEvent, original=lambda _module: self.system
        )
        self.told: list[events.Event] = []
        names = types.SimpleNamespace(
            SIGTERM=signal.SIGTERM,
            SIGKILL=signal.SIGKILL,
            pidfd_send_signal=self.system.pidfd_send_signal,
        )
        self._patches = [
            mock.patch.object(clock, "now", side_effect=lambda: self.now),
            mock.patch.object(processes, "os", self.system),
            mock.patch.object(processes, "signal", names),
            mock.patch.object(processes, "pidfds_work", return_value=True),
            mock.patch.object(pools, "pidfds_work", return_value=True),
        ]
        for patch in self._patches:
            patch.start()
        self.pool = pools.WorkerPool(
            driver,  # type: ignore[arg-type]
            self.settings,  # type: ignore[arg-type]
            self.system.start,
            self.told.append,
        )
        self.pool.timeout = mock.Mock(spec=("arm", "back", "disarm"))

    def close(self) -> None:
        for patch in self._patches:
            patch.stop()

    def add(self, workers: int) -> None:
        self.pool.add(Plan("service"), workers)  # type: ignore[arg-type]
        self.turn()

    # Turning

    def turn(self) -> None:
        for _ in range(50):
            fds = list(self.pool.filenos())
            due = self.pool.deadline
            readable = {fd for fd in fds if self.system.is_readable(fd)}
            self.pool.collect(readable, set(), self.now)
            self.pool.advance(self.now)
            if not readable and (due is None or due > self.now):
                break
        else:
            pytest.fail("the parent spins")
        self.check()

    def pass_time(self, seconds: float) -> None:
        """Turn whenever there is something to do, for so long."""
        end = self.now + seconds
        for _ in range(1000):
            self.turn()
            due = self.pool.deadline
            self.now = end if due is None else min(due, end)
            if self.now == end:
                break
        else:
            pytest.fail("the parent spins")
        self.turn()

    def order(self, what: str) -> None:
        getattr(self.pool, what)()
        self.turn()

    # What must hold

    @property
    def alive(self) -> list[Child]:
        return [one for one in self.system.children.values() if one.alive]

    def told_to_stop(self, child: Child) -> bool:
        return bool(b"S" in child.orders.data or {*child.signals, *child.refused} - {0})

    def check(self) -> None:
        pool = self.pool
        owned = {process.pid for process in pool.processes.values()}
        assert {one.pid for one in self.alive} <= owned, "a worker without an owner"
        assert set(pool.processes) == set(pool._state.workers.values())
        due = pool.deadline
        assert due is None or due > self.now, "it would spin"
        for pid in owned:
            child = self.system.children[pid]
            assert child.alive or due is not None, "an end that nobody sees"
        if pool.stopping:
            self.check_stopping()
            return
        for slot in pool._state.slots:
            waits = due is not None and due <= self.now + 30
            assert slot.current in pool.processes or waits, "a slot is lost"

    def check_stopping(self) -> None:
        for child in self.alive:
            assert self.told_to_stop(child), "a worker is not told"
        assert self.pool.timeout is not None
        if self.settings.stop_limit and self.alive:
            assert self.pool.timeout.arm.called  # type: ignore[attr-defined]
            assert self.pool.timeout.back.called  # type: ignore[attr-defined]
        assert self.pool.ended.is_set() is not bool(self.pool.processes)
        for worker, process in self.pool.processes.items():
            child = self.system.children[process.pid]
            late = worker.deadline is not None and worker.deadline <= self.now
            if late and child.alive:
                assert signal.SIGKILL in [*child.signals, *child.refused]
                again = self.pool.deadline
                assert signal.SIGKILL in child.signals or again is not None

    # What workers do

    def obey(self, child: Child) -> None:
        """Do all that a worker has been told."""
        if {signal.SIGKILL, signal.SIGTERM} & set(child.signals):
            self.system.die(child, -child.signals[-1])
        elif child.orders_fd in self.system.fds:
            orders, child.orders.data, child.orders.full = child.orders.data, b"", False
            for order in orders:
                child.say({b"M": MUTATED, b"?": ALIVE, b"S": STOPPED}[bytes([order])])
            if b"S" in orders:
                self.system.die(child, 0)

    def lift_everything(self) -> None:
        self.system.refuses.clear()
        self.system.forbids_signals = False
        self.settings.error = None

    def settle(self) -> None:
        for _ in range(10):
            for child in self.alive:
                if child.orders_fd in self.system.fds:
                    child.say(READY)
                self.obey(child)
            self.turn()


@pytest.fixture
def parent() -> Iterator[Parent]:
    """One with a worker, which is ready."""
    parent = Parent()
    parent.add(1)
    (child,) = parent.alive
    child.say(READY)
    parent.turn()
    yield parent
    parent.close()


def told(parent: Parent, kind: type[events.Event]) -> list[Any]:
    return [event for event in parent.told if isinstance(event, kind)]


class TestSignalsThatAreRefused:
    """The parent has become another user since, or the worker has."""

    @pytest.fixture
    def forbidden(self, parent) -> Parent:
        parent.system.forbids_signals = True
        return parent

    def test_a_kill_is_tried_again_and_both_are_said_once(self, forbidden) -> None:
        (child,) = forbidden.alive
        forbidden.order("stop")
        forbidden.pass_time(70)
        assert len(child.refused) > 2
        assert not told(forbidden, events.WorkerKilled)
        assert len(told(forbidden, events.KillRefused)) == 1
        forbidden.system.forbids_signals = False
        forbidden.pass_time(30)
        assert child.signals == [signal.SIGKILL]
        assert len(told(forbidden, events.WorkerKilled)) == 1

    @pytest.mark.parametrize("what", ["kill", "quit"])
    def test_the_others_are_killed_all_the_same(self, parent, what) -> None:
        parent.add(2)
        first, *others = parent.alive
        send = parent.system._send

        def refuse(child: Child, signum: int) -> None:
            parent.system.forbids_signals = child is first
            send(child, signum)

        with mock.patch.object(parent.system, "_send", refuse):
            getattr(parent.pool, what)()
        assert [one.signals for one in others] == [[signal.SIGKILL]] * 2

    def test_a_worker_that_cannot_be_told_keeps_nobody_from_being(
        self, forbidden
    ) -> None:
        forbidden.add(1)
        first, other = forbidden.alive
        forbidden.system.exec(first)
        forbidden.pool.stop_now()
        assert other.orders.data == b"S"

    def test_an_order_that_is_refused_is_given_again(self, forbidden) -> None:
        (child,) = forbidden.alive
        forbidden.system.exec(child)
        forbidden.order("stop")
        forbidden.pass_time(5)
        assert set(child.refused) == {signal.SIGTERM}
        assert len(told(forbidden, events.KillRefused)) == 1
        forbidden.system.forbids_signals = False
        forbidden.pass_time(10)
        assert child.signals == [signal.SIGTERM]
        forbidden.system.die(child, -signal.SIGTERM)
        forbidden.turn()
        assert forbidden.pool.ended.is_set()
        assert forbidden.pool.status == 0


class TestOrdersThatCannotBeSent:
    def test_a_full_pipe_does_not_keep_a_stop(self, parent) -> None:
        (child,) = parent.alive
        child.orders.full = True
        parent.order("stop")
        assert child.signals == [signal.SIGTERM]
        parent.system.die(child, 0)
        parent.turn()
        assert parent.pool.status == 0

    @pytest.mark.parametrize("full", [True, False])
    def test_a_mutation_that_nobody_hears_is_not_waited_for(self, parent, full) -> None:
        (child,) = parent.alive
        if full:
            child.orders.full = True
        else:
            parent.system.exec(child)
        parent.settings.mutates = True
        parent.order("reload")
        assert not parent.pool.reloading

    def test_another_program_is_not_waited_for_to_answer(self, parent) -> None:
        parent.system.exec(*parent.alive)
        parent.order("ask")
        parent.pass_time(100)
        assert parent.pool.silent(parent.now) == []


class TestAnActionThatRaises:
    def test_the_others_are_done_and_it_is_told(self, parent) -> None:
        parent.add(1)
        first, other = parent.alive
        order_stop = processes.Process.order_stop

        def fail_once(process: processes.Process, message: bytes) -> None:
            if process.pid == first.pid:
                raise MemoryError
            order_stop(process, message)

        with mock.patch.object(processes.Process, "order_stop", fail_once):
            parent.pool.stop()
            parent.pool.advance(parent.now)
        assert other.orders.data == b"S"
        (event,) = told(parent, events.ActionFailed)
        assert isinstance(event.error, MemoryError)

    def test_an_end_counts_though_its_stacks_cannot_be_read(self, parent) -> None:
        (child,) = parent.alive
        parent.system.die(child, -9)
        with mock.patch(
            "oslo_service.supervisor.workers.stacks.os.pread", side_effect=OSError
        ) as read:
            parent.turn()
        assert read.called
        assert len(parent.alive) == 1
        assert [one.stacks for one in told(parent, events.WorkerEnded)] == [""]


def test_an_end_is_seen_though_a_descriptor_could_be_had_only_later(parent) -> None:
    parent.system.refuses.add("pidfd_open")
    parent.add(1)
    late = parent.alive[-1]
    assert parent.pool.deadline is not None
    parent.system.refuses.clear()
    parent.system.die(late, 0)
    watched = list(parent.pool.filenos())
    due = parent.pool.deadline
    assert due is not None or any(map(parent.system.is_readable, watched))


def test_an_end_that_only_a_signal_tells_of_is_looked_for_at_each_turn(parent) -> None:
    parent.system.refuses.add("pidfd_open")
    parent.add(1)
    unwatched = parent.alive[-1]
    # The signal may come after this, and before its wake-up is cleared.
    parent.pool.collect(set(), set(), parent.now)
    parent.system.die(unwatched, 1)
    parent.pool.advance(parent.now)
    [ended] = [one for one in parent.told if isinstance(one, events.WorkerEnded)]
    assert ended.pid == unwatched.pid


def test_what_a_worker_has_said_is_heard_before_its_end(parent) -> None:
    (child,) = parent.alive
    parent.pool.stop()
    parent.pool.advance(parent.now)
    parent.obey(child)
    # A driver may report one descriptor at a time.
    ends = {fd for fd, (what, _) in parent.system.fds.items() if what is child}
    parent.pool.collect(ends, set(), parent.now)
    kinds = [type(event) for event in parent.told[-2:]]
    assert kinds == [events.WorkerStopped, events.WorkerEnded]


class TestRollingReload:
    """What the pool does with two configurations."""

    @pytest.fixture
    def rolling(self, parent) -> Parent:
        parent.add(1)
        for child in parent.alive:
            child.say(READY)
        parent.turn()
        parent.settings.rolls = True
        parent.told.clear()
        return parent

    def test_successors_are_started_with_the_new_one_which_is_adopted_last(
        self, rolling
    ) -> None:
        rolling.order("reload")
        for count in (1, 2):
            assert rolling.settings.log == ["read", *["new"] * count]
            rolling.alive[-1].say(READY)
            rolling.turn()
        assert rolling.settings.log == ["read", "new", "new", "adopted"]

    def test_one_that_fails_is_told_with_what_it_has_failed_of(self, rolling) -> None:
        rolling.order("reload")
        rolling.system.die(rolling.alive[-1], 3)
        rolling.turn()
        (event,) = told(rolling, events.ReloadFailed)
        assert event.rolled_back
        assert str(event.error) == "worker 0 of service: worker exited with status 3"
        assert rolling.settings.log == ["read", "new"]

    def test_what_cannot_be_read_starts_nothing(self, rolling) -> None:
        rolling.settings.error = ValueError("no such value")
        before = len(rolling.system.children)
        rolling.order("reload")
        (event,) = told(rolling, events.ReloadFailed)
        assert event.error is rolling.settings.error
        assert len(rolling.system.children) == before
        assert not rolling.pool.reloading


class TestHangs:
    """What the pool does with a worker that does not answer."""

    def test_it_is_told_once_with_where_it_is_and_killed(self, parent) -> None:
        (victim,) = parent.alive
        parent.settings.limits = Limits(worker_timeout=8.0)
        with mock.patch.object(stack_dumps, "describe", return_value="where it is"):
            parent.pass_time(30)
        assert victim.signals == [signal.SIGKILL]
        (event,) = told(parent, events.WorkerHung)
        assert (event.pid, event.work, event.stacks) == (victim.pid, "", "where it is")
        assert event.seconds == pytest.approx(8.0)
        (killed,) = told(parent, events.WorkerKilled)
        assert killed.hung
        ended = told(parent, events.WorkerEnded)
        assert ended[0].cause is events.Cause.HUNG

    def test_one_that_ends_before_it_is_reported_is_reported_first(
        self, parent
    ) -> None:
        (victim,) = parent.alive
        parent.settings.limits = Limits(worker_timeout=8.0)
        victim.say(OVERDUE)
        parent.turn()
        parent.system.die(victim, 0)
        parent.turn()
        kinds = [type(one) for one in parent.told]
        hung, ended = events.WorkerHung, events.WorkerEnded
        assert kinds.index(hung) < kinds.index(ended)


class AnyFailure(RuleBasedStateMachine):
    """Whatever the system refuses, and whenever: see :meth:`Parent.check`."""

    @initialize(limit=st.sampled_from([0.0, 2.0, 60.0]))
    def begin(self, limit) -> None:
        self.parent = Parent(limit)
        self.parent.add(1)

    alive = precondition(lambda self: self.parent.alive)
    number = st.integers(0, 1000)

    def pick(self, number: int) -> Child:
        return self.parent.alive[number % len(self.parent.alive)]

    @rule(workers=st.integers(1, 2))
    def add(self, workers) -> None:
        if self.parent.pool.slots < 5:
            self.parent.add(workers)

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.1, 1.0, 3.0, 31.0]))
    def pass_time(self, seconds) -> None:
        self.parent.pass_time(seconds)

    @rule(what=st.sampled_from(sorted(SCARCE)), scarce=st.booleans())
    def something_is_scarce(self, what, scarce) -> None:
        (
            self.parent.system.refuses.add
            if scarce
            else self.parent.system.refuses.discard
        )(what)

    @rule(forbids=st.booleans(), others_reap=st.booleans())
    def the_user_changes(self, forbids, others_reap) -> None:
        self.parent.system.forbids_signals = forbids
        self.parent.system.others_reap = others_reap

    @rule(mutates=st.booleans(), fails=st.booleans())
    def the_configuration_changes(self, mutates, fails) -> None:
        self.parent.settings.mutates = mutates
        self.parent.settings.error = ValueError() if fails else None

    @alive
    @rule(number=number, what=st.sampled_from([READY, STOPPED, MUTATED, ALIVE]))
    def says(self, number, what) -> None:
        self.pick(number).say(what)
        self.parent.turn()

    @alive
    @rule(number=number)
    def obeys(self, number) -> None:
        self.parent.obey(self.pick(number))
        self.parent.turn()

    @alive
    @rule(number=number, full=st.booleans())
    def reads_no_orders(self, number, full) -> None:
        self.pick(number).orders.full = full

    @alive
    @rule(number=number)
    def becomes_another_program(self, number) -> None:
        child = self.pick(number)
        if not child.orders.data:  # it has read what it was told
            self.parent.system.exec(child)

    @alive
    @rule(number=number, status=st.sampled_from([0, 1, -9, -15]))
    def dies(self, number, status) -> None:
        self.parent.system.die(self.pick(number), status)
        self.parent.turn()

    @rule(what=st.sampled_from(["reload", "reload", "ask", "stop"]))
    def order(self, what) -> None:
        self.parent.order(what)

    @rule()
    def sigterm(self) -> None:
        """What its handler does, and the rest later."""
        self.parent.pool.stop_now()
        self.parent.order("stop")

    @invariant()
    def nothing_is_left_to_do(self) -> None:
        if hasattr(self, "parent"):
            assert self.parent.pool._state.advance(self.parent.now) == []

    def teardown(self) -> None:
        """Where nothing is refused any more, all is as it should be, to the end."""
        parent = getattr(self, "parent", None)
        if parent is not None:
            try:
                self.end(parent)
            finally:
                parent.close()

    def end(self, parent: Parent) -> None:
        parent.lift_everything()
        parent.pass_time(31)
        parent.settle()
        if not parent.pool.stopping:
            assert len(parent.alive) >= parent.pool.slots, "a slot is lost"
            assert not parent.pool.reloading
        parent.order("stop")
        parent.pass_time(31)
        parent.settle()
        parent.pass_time(31)
        assert parent.pool.ended.is_set()
        parent.pool.close()
        assert parent.system.fds == {}, "a descriptor is lost"


TestAnyFailure = AnyFailure.TestCase
TestAnyFailure.settings = settings(max_examples=100, stateful_step_count=40)


class TestQuestions:
    """What a pool asks its workers, and hears of them, where that is wanted."""

    @pytest.fixture(autouse=True)
    def nothing_registered(self) -> Iterator[None]:
        before = registry._registry.get()
        registry._registry.set(registry._Registry())
        yield
        registry._registry.set(before)

    @pytest.fixture
    def parent(self) -> Iterator[Parent]:
        parent = Parent()
        yield parent
        parent.close()

    @pytest.fixture
    def heard(self, parent: Parent) -> list[Any]:
        heard: list[Any] = []
        exchange = mock.Mock(
            heard=lambda _pool, sender, message: heard.append((sender.pid, message)),
            ended=lambda worker: heard.append((worker.pid, "ended")),
        )
        parent.pool.exchange_with(lambda: exchange)
        return heard

    @staticmethod
    def answers(parent: Parent) -> Pipe:
        """Return what workers write to."""
        answers = parent.pool._shared.answers
        assert answers is not None
        pipe, _ = parent.system.fds[answers.writer]
        assert isinstance(pipe, Pipe)
        return pipe

    def test_it_takes_no_descriptor_where_nobody_wants_it(self, parent) -> None:
        parent.add(2)
        before = len(parent.system.fds)
        (one, _) = parent.pool.respondents()
        assert not parent.pool.send(one, b"Fquestion")
        registry.want()
        parent.add(1)  # with three for the worker, and two for what all of them say
        assert len(parent.system.fds) == before + 3 + 2

    def test_a_worker_is_sent_what_is_for_it(self, parent) -> None:
        registry.want()
        parent.add(2)
        first, second = parent.pool.respondents()
        assert (first.worker, second.worker) == (0, 1)
        assert parent.pool.send(second, b"Fquestion")
        children = parent.system.children
        assert children[second.pid].orders.data == b"Fquestion"
        assert children[first.pid].orders.data == b""
        children[second.pid].orders.full = True
        assert not parent.pool.send(second, b"Fquestion")
        parent.system.die(children[first.pid], 1)
        parent.turn()
        assert not parent.pool.send(first, b"Fquestion")

    def test_nothing_is_done_to_another_that_has_the_pid_of_one_that_has_ended(
        self, parent, monkeypatch
    ) -> None:
        registry.want()
        parent.add(1)
        (worker,) = parent.pool.respondents()
        gone = dataclasses.replace(worker, generation=worker.generation + 1)
        asked: list[int] = []
        monkeypatch.setattr(stack_dumps, "request_stacks", asked.append)
        monkeypatch.setattr(stack_dumps, "describe", lambda pid: f"threads of {pid}")
        for one in (gone, worker):
            parent.pool.request_stacks(one)
        assert asked == [worker.pid]
        assert parent.pool.stacks_of(gone) == ""
        assert parent.pool.stacks_of(worker) == f"threads of {worker.pid}"
        assert not parent.pool.send(gone, b"Fquestion")
        assert not parent.pool.kill_one(gone)
        assert parent.pool.kill_one(worker)

    def test_what_several_say_is_put_together(self, parent, heard) -> None:
        registry.want()
        parent.add(2)
        first, second = parent.alive
        pipe = self.answers(parent)
        pieces = list(chunks(second.number, 1, b"much" * 2000))
        pipe.data += pieces[0] + b"".join(chunks(first.number, 1, b"little"))
        parent.turn()
        assert heard == [(first.pid, b"little")]
        pipe.data += b"".join(pieces[1:])
        parent.turn()
        assert heard[1:] == [(second.pid, b"much" * 2000)]

    def test_what_a_worker_has_not_finished_goes_with_it(self, parent, heard) -> None:
        registry.want()
        parent.add(2)
        first, second = parent.alive
        pipe = self.answers(parent)
        pipe.data += next(iter(chunks(first.number, 1, bytes(9000))))
        pipe.data += b"".join(chunks(first.number, 2, b"last words"))
        pipe.data += next(iter(chunks(first.number, 3, bytes(9000))))
        parent.system.die(first, 0)
        parent.turn()
        assert heard == [(first.pid, b"last words"), (first.pid, "ended")]
        pipe.data += b"".join(chunks(second.number, 1, b"later"))
        parent.turn()
        assert heard[2:] == [(second.pid, b"later")]
