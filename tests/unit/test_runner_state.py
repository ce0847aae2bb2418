# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the services of a process, with services on paper."""

import dataclasses

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

from oslo_service.supervisor.services import actions
from oslo_service.supervisor.services.incarnation import Incarnation, StopOrder
from oslo_service.supervisor.services.state import RunnerState


@dataclasses.dataclass
class Task:
    """What the task of an incarnation, and that of its stop(), are in."""

    service: str
    calls: list[str]
    call: str | None = None
    stop_called: bool = False
    awaits_again: bool = False
    left: bool = False


class Process:
    """Does what the state says, with services that exist only on paper.

    After each event it checks what must always hold.
    """

    def __init__(self) -> None:
        self.state = RunnerState()
        self.tasks: dict[Incarnation, Task] = {}
        self.armed = False
        self.reading = False
        self.resetting: Incarnation | None = None
        self.resets: list[str] = []
        self.reads = 0
        self.prevents = False
        self.ended = False
        self.added: list[str] = []

    def advance(self) -> None:
        """Do what there is to do, until there is nothing more."""
        for _ in range(100):
            due = self.state.advance()
            if not due:
                break
            for action in due:
                self.do(action)
        else:
            pytest.fail("it spins")
        self.check()

    def do(self, action: actions.Action) -> None:
        match action:
            case actions.SetTimeout(armed):
                assert armed is not self.armed, "it is armed, or disarmed, once"
                assert armed or not self.state.stopping, "what follows may hang, too"
                self.armed = armed
            case actions.Begin(incarnation):
                assert incarnation not in self.tasks, "one task has a service begun"
                calls = ["reset", "start"] if incarnation.reset else ["start"]
                task = Task(incarnation.service, calls, call="start")
                self.tasks[incarnation] = task
            case actions.Call(incarnation, method):
                task = self.tasks[incarnation]
                assert task.call is None, "a task does one thing at a time"
                assert not task.left
                task.call = method
                task.calls.append(method)
            case actions.Leave(incarnation):
                task = self.tasks[incarnation]
                assert task.call is None, "who works does not leave"
                assert not task.stop_called, "stop() is awaited"
                assert not task.awaits_again, "its work in flight is lost"
                task.left = True
            case actions.Stop(incarnation):
                self.stop(incarnation)
            case actions.Reset(incarnation):
                assert self.resetting is None, "one after the other"
                self.resetting = incarnation
                self.resets.append(incarnation.service)
            case actions.Read():
                assert not self.reading, "the files are read by one"
                self.reading = True
                self.reads += 1
            case actions.End():
                assert not self.ended
                self.ended = True

    def stop(self, incarnation: Incarnation) -> None:
        task = self.tasks[incarnation]
        assert "stop" not in task.calls, "an order is given once"
        if self.prevents and task.call == "start":
            task.call = None
            task.calls.clear()
            self.state.prevented(incarnation)
        else:
            task.stop_called = True
            task.calls.append("stop")

    def check(self) -> None:
        """Check what holds after every event."""
        living = [task.service for task in self.tasks.values() if not task.left]
        assert len(living) == len(set(living)), "a service is started twice"
        if not self.ended:
            wanted = bool(living and self.ending)
            assert self.armed is wanted, "the time-out is wrong"
        assert self.state.advance() == []
        if self.ended:
            assert not living, "something is left behind"

    @property
    def ending(self) -> bool:
        return self.state.stopping or self.state.draining

    # What may happen

    def add(self, service: str | None = None) -> None:
        service = service or f"service {len(self.added)}"
        self.added.append(service)
        self.state.add(service)
        self.advance()

    def order(self, what: str) -> None:
        getattr(self.state, what)()
        self.advance()

    def busy(self) -> list[Incarnation]:
        return [one for one, task in self.tasks.items() if task.call]

    def stops(self) -> list[Incarnation]:
        return [one for one, task in self.tasks.items() if task.stop_called]

    def returns(self, incarnation: Incarnation, *, failed: bool = False) -> None:
        """Have what the task of an incarnation calls return."""
        early = incarnation.stop is StopOrder.NONE
        task = self.tasks[incarnation]
        if task.call == "wait":
            task.awaits_again = early and not failed
        task.call = None
        self.state.returned(incarnation, failed=failed, early=early)
        self.advance()

    def stop_returns(self, incarnation: Incarnation, *, failed: bool = False) -> None:
        self.tasks[incarnation].stop_called = False
        self.state.stopped(incarnation, failed=failed)
        self.advance()

    def reset_returns(self) -> None:
        incarnation, self.resetting = self.resetting, None
        assert incarnation is not None
        self.state.reset(incarnation)
        self.advance()

    def between(self) -> list[Incarnation]:
        """Those whose task has nothing to call now, and waits."""
        return [one for one, task in self.tasks.items() if not (task.call or task.left)]

    def is_killed(self, incarnation: Incarnation) -> None:
        """Have the task of an incarnation killed while it waits."""
        self.tasks[incarnation].awaits_again = False
        self.state.lost(incarnation)
        self.advance()

    def read_returns(self) -> None:
        self.reading = False
        self.state.read()
        self.advance()

    def settle(self) -> None:
        """Have everything return that returns of itself."""
        for _ in range(1000):
            waits = [
                one
                for one in self.busy()
                if self.tasks[one].call != "wait" or one.stop is StopOrder.CARRIED_OUT
            ]
            if waits:
                self.returns(waits[0])
            elif self.stops():
                self.stop_returns(self.stops()[0])
            elif self.resetting is not None:
                self.reset_returns()
            elif self.reading:
                self.read_returns()
            else:
                return
        pytest.fail("it never comes to rest")

    def living(self) -> dict[str, Task]:
        return {task.service: task for task in self.tasks.values() if not task.left}


@pytest.fixture
def process() -> Process:
    """A process with one service, which runs."""
    process = Process()
    process.add("service")
    process.settle()
    assert process.living()["service"].calls == ["start", "wait"]
    return process


def only(process: Process) -> Incarnation:
    (incarnation,) = [one for one, task in process.tasks.items() if not task.left]
    return incarnation


class TestLife:
    def test_it_is_stopped_and_awaited_and_ends_with_0(self, process) -> None:
        process.order("stop")
        process.settle()
        (task,) = process.tasks.values()
        assert task.calls == ["start", "wait", "stop"]
        assert process.ended
        assert process.state.status == 0

    def test_a_wait_that_returns_early_is_called_again_after_stop(
        self, process
    ) -> None:
        process.returns(only(process))
        assert not process.busy()
        process.order("stop")
        assert not process.busy(), "not before stop() has returned"
        process.settle()
        (task,) = process.tasks.values()
        assert task.calls == ["start", "wait", "stop", "wait"]
        assert process.ended

    def test_what_is_stopped_during_its_start_is_stopped_once_more_after_it(
        self,
    ) -> None:
        process = Process()
        process.add()
        process.order("stop")
        incarnation = only(process)
        process.returns(incarnation)
        assert process.tasks[incarnation].call is None, "the first stop() still runs"
        process.settle()
        assert process.tasks[incarnation].calls == ["start", "stop", "stop", "wait"]
        assert process.state.status == 0

    def test_one_whose_task_is_killed_is_stopped_and_ends_with_1(self, process) -> None:
        process.add("other")
        process.settle()
        incarnation = process.busy()[0]
        process.returns(incarnation)
        process.is_killed(incarnation)
        assert not process.state.stopping, "it may serve all the same"
        process.order("stop")
        process.settle()
        assert process.tasks[incarnation].calls == ["start", "wait", "stop"]
        assert process.ended
        assert process.state.status == 1

    def test_a_task_that_is_killed_when_all_is_done_is_no_loss(self, process) -> None:
        incarnation = only(process)
        process.order("stop")
        process.returns(incarnation)
        process.is_killed(incarnation)
        process.settle()
        assert process.ended
        assert process.state.status == 0

    def test_a_start_that_can_be_prevented_is(self) -> None:
        process = Process()
        process.prevents = True
        process.add()
        process.order("stop")
        assert process.ended
        assert [task.calls for task in process.tasks.values()] == [[]]
        assert process.state.status == 0

    def test_a_start_that_fails_stops_the_others_and_is_not_stopped(
        self, process
    ) -> None:
        process.add("failing")
        failing = next(one for one in process.busy() if one.service == "failing")
        process.returns(failing, failed=True)
        process.settle()
        assert [task.calls for task in process.tasks.values()] == [
            ["start", "wait", "stop"],
            ["start"],
        ]
        assert process.ended
        assert process.state.status == 1

    def test_a_wait_that_fails_before_stop_stops_everything(self, process) -> None:
        process.add("sibling")
        process.settle()
        service = next(one for one in process.busy() if one.service == "service")
        process.returns(service, failed=True)
        process.settle()
        for task in process.tasks.values():
            assert task.calls == ["start", "wait", "stop"]
        assert process.ended
        assert process.state.status == 1

    @pytest.mark.parametrize("what", ["returns", "stop_returns"])
    def test_what_fails_at_the_end_makes_the_status_1(self, process, what) -> None:
        process.order("stop")
        getattr(process, what)(only(process), failed=True)
        process.settle()
        assert process.ended
        assert process.state.status == 1

    def test_what_is_added_after_the_end_never_starts(self, process) -> None:
        process.order("stop")
        process.settle()
        process.add("late")
        assert "late" not in process.living()


class TestReload:
    def test_all_are_stopped_then_the_files_read_then_all_are_started(
        self, process
    ) -> None:
        process.add("other")
        process.settle()
        process.order("reload")
        assert process.state.draining
        assert not process.reading
        process.settle()
        assert process.reads == 1
        assert {name: task.calls for name, task in process.living().items()} == {
            "service": ["reset", "start", "wait"],
            "other": ["reset", "start", "wait"],
        }
        assert not process.state.reloading
        assert not process.armed, "the time-out ends what is healthy"

    def test_what_is_launched_while_the_files_are_read_is_started_once(
        self, process
    ) -> None:
        process.order("reload")
        while not process.reading:
            (process.stop_returns if process.stops() else process.returns)(
                only(process)
            )
        process.add("late")
        assert "late" not in process.living(), "it would be started twice"
        process.settle()
        assert set(process.living()) == {"service", "late"}

    def test_a_stop_while_the_files_are_read_ends_at_once(self, process) -> None:
        process.order("reload")
        while not process.reading:
            (process.stop_returns if process.stops() else process.returns)(
                only(process)
            )
        process.order("stop")
        assert process.ended
        process.read_returns()
        assert not process.living()

    def test_one_during_another_reads_again_and_starts_once(self, process) -> None:
        process.order("reload")
        while not process.reading:
            (process.stop_returns if process.stops() else process.returns)(
                only(process)
            )
        process.order("reload")
        process.read_returns()
        assert not process.living()
        process.settle()
        assert process.reads == 2
        assert process.living()["service"].calls == ["reset", "start", "wait"]


class TestMutation:
    def test_the_files_are_read_then_every_service_is_reset(self, process) -> None:
        process.add("other")
        process.settle()
        process.order("mutate")
        assert process.resets == []
        process.read_returns()
        assert process.resets == ["service"], "one after the other"
        process.settle()
        assert process.resets == ["service", "other"]
        assert not process.state.reloading

    def test_what_is_starting_is_reset_after_its_start(self) -> None:
        process = Process()
        process.add("service")
        process.order("mutate")
        process.read_returns()
        assert process.resets == []
        process.settle()
        assert process.living()["service"].calls == ["start", "reset", "wait"]

    def test_what_stops_is_not_reset(self, process) -> None:
        process.order("mutate")
        process.order("stop")
        process.read_returns()
        process.settle()
        assert process.resets == []
        assert process.ended


class AnyOrder(RuleBasedStateMachine):
    """Events in any order whatever: see :meth:`Process.check`."""

    @initialize()
    def begin(self) -> None:
        self.process = Process()
        self.process.add()

    number = st.integers(0, 1000)
    fails = st.sampled_from([False] * 9 + [True])

    @rule()
    def add(self) -> None:
        if len(self.process.added) < 4:
            self.process.add()

    @rule(what=st.sampled_from(["reload"] * 3 + ["mutate"] * 3 + ["stop"]))
    def order(self, what) -> None:
        self.process.order(what)

    @rule(prevents=st.booleans())
    def tasks_are_slow_to_begin(self, prevents) -> None:
        self.process.prevents = prevents

    @precondition(lambda self: self.process.busy())
    @rule(number=number, failed=fails)
    def returns(self, number, failed) -> None:
        busy = self.process.busy()
        self.process.returns(busy[number % len(busy)], failed=failed)

    @precondition(lambda self: self.process.between())
    @rule(number=number)
    def is_killed(self, number) -> None:
        between = self.process.between()
        self.process.is_killed(between[number % len(between)])

    @precondition(lambda self: self.process.stops())
    @rule(number=number, failed=fails)
    def stop_returns(self, number, failed) -> None:
        stops = self.process.stops()
        self.process.stop_returns(stops[number % len(stops)], failed=failed)

    @precondition(lambda self: self.process.resetting is not None)
    @rule()
    def reset_returns(self) -> None:
        self.process.reset_returns()

    @precondition(lambda self: self.process.reading)
    @rule()
    def read_returns(self) -> None:
        self.process.read_returns()

    @invariant()
    def nothing_is_left_to_do(self) -> None:
        if hasattr(self, "process"):
            assert self.process.state.advance() == []

    def teardown(self) -> None:
        """Left alone it comes to rest, and told to stop to its end."""
        process = getattr(self, "process", None)
        if process is None:
            return
        process.settle()
        if not process.state.stopping:
            assert set(process.living()) == set(process.added), "one is forgotten"
            assert not process.state.reloading
            assert process.state.all_started
            assert not process.armed
        process.order("stop")
        process.settle()
        assert process.ended
        assert process.state.all_stopped


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=120, stateful_step_count=50)
