# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which due times a process begins, of those that all processes have in common."""

import dataclasses
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oslo_service.clustering.due_times import RUN, SKIP, DueTimes
from oslo_service.clustering.lease import Lease


def taken_over(at: float, missed: str = SKIP, skew: float = 1.0) -> DueTimes:
    times = DueTimes(10.0, missed, skew)
    times.took_over(at)
    return times


class TestGrid:
    """Due times are the multiples of the spacing."""

    @pytest.mark.parametrize("spacing", [0.1, 1 / 3, 0.7, 10.0, 3600.0])
    @given(number=st.integers(1, 10**10), part=st.floats(0, 0.999))
    def test_they_are_the_same_whenever_one_looks(self, spacing, number, part) -> None:
        times = DueTimes(spacing, RUN)
        at = number * spacing
        times.took_over(at)
        assert times.due(at) == at
        later = at + part * spacing
        if later < (number + 1) * spacing:
            assert times.due(later) == at

    @given(at=st.floats(1, 2**33), spacing=st.floats(0.01, 10**6))
    def test_the_pause_ends_at_the_next_one(self, at, spacing) -> None:
        times = DueTimes(spacing, RUN)
        pause = times.pause(at)
        assert 0.0 <= pause <= spacing + 1e-5
        times.took_over(at + pause)
        due = times.due(at + pause)
        assert due is not None
        assert due == pytest.approx(at + pause, abs=1e-5)


class TestSkip:
    """Each is run once at most."""

    def test_nothing_is_due_for_who_has_not_taken_over(self) -> None:
        assert DueTimes(10.0).due(100.0) is None

    def test_the_first_is_later_than_the_takeover_and_the_skew(self) -> None:
        times = taken_over(98.9)
        assert times.due(98.9) is None
        assert times.due(100.0) == 100.0

    @pytest.mark.parametrize("at", [99.0, 99.5, 100.0, 100.3])
    def test_one_that_a_faster_clock_may_have_had_is_not_run(self, at) -> None:
        times = taken_over(at)
        assert times.due(100.5) is None
        assert times.due(110.0) == 110.0

    def test_one_is_begun_once(self) -> None:
        times = taken_over(5.0)
        times.begun(20.0)
        assert times.due(25.0) is None
        assert times.due(30.0) == 30.0

    def test_none_is_begun_that_is_not_later_than_the_last(self) -> None:
        times = taken_over(5.0)
        times.begun(50.0)
        times.gave_up()
        times.took_over(5.0)  # the clock was set back
        assert times.due(50.0) is None
        assert times.due(43.0) is None
        assert times.due(60.0) == 60.0

    def test_only_the_latest_of_several_is_begun(self) -> None:
        times = taken_over(5.0)
        assert times.due(47.0) == 40.0
        assert times.passed_over(40.0) == (10.0, 20.0, 30.0)

    def test_nothing_is_due_for_who_has_given_up(self) -> None:
        times = taken_over(5.0)
        times.gave_up()
        assert times.due(20.0) is None


class TestRun:
    """The latest before a takeover is run, though it may have been."""

    def test_the_latest_before_the_takeover_is_run(self) -> None:
        times = taken_over(104.0, RUN)
        assert times.due(104.0) == 100.0

    def test_however_late_one_looks_and_then_the_latest_is(self) -> None:
        times = taken_over(104.0, RUN)
        assert times.due(137.0) == 100.0
        assert times.pause(137.0) == 0.0
        times.begun(100.0)
        assert times.due(137.0) == 130.0
        assert times.passed_over(130.0) == (110.0, 120.0)
        assert times.pause(137.0) == 3.0

    def test_those_before_it_are_not(self) -> None:
        times = taken_over(104.0, RUN)
        times.begun(100.0)
        assert times.due(104.0) is None
        assert times.due(110.0) == 110.0

    def test_what_this_process_has_begun_itself_is_not_run_again(self) -> None:
        times = taken_over(104.0, RUN)
        times.begun(100.0)
        times.gave_up()
        times.took_over(107.0)
        assert times.due(107.0) is None


class TestWhatIsUnknown:
    """A successor says what may have been missed."""

    def test_all_since_its_predecessor_may_have_ended(self) -> None:
        assert taken_over(52.0).unknown(25.0) == (30.0, 40.0, 50.0)

    def test_also_what_is_not_run_for_the_skew(self) -> None:
        assert taken_over(59.5).unknown(45.0) == (50.0, 60.0)

    def test_not_what_this_process_has_begun(self) -> None:
        times = taken_over(5.0)
        times.begun(30.0)
        times.gave_up()
        times.took_over(52.0)
        assert times.unknown(5.0) == (40.0, 50.0)

    def test_not_what_is_run_all_the_same(self) -> None:
        assert taken_over(52.0, RUN).unknown(25.0) == (30.0, 40.0)

    def test_the_latest_thousand_of_very_many(self) -> None:
        unknown = taken_over(1e6).unknown(0.0)
        assert len(unknown) == 1000
        assert unknown[-1] == 1e6

    def test_nothing_where_no_lease_ends(self) -> None:
        assert taken_over(52.0).unknown(-math.inf) == ()


# Random histories: who has a lock, who believes to have it, and who begins what.

LENGTH, SKEW, SPACING = 5.0, 1.0, 2.0


@dataclasses.dataclass
class Process:
    """A process with a clock of its own, which may be asleep or cut off."""

    skew: float
    lease: Lease
    times: DueTimes
    asked: float | None = None
    answer: bool | None = None
    cut_off: bool = False


class World:
    """Processes, a server, and the time."""

    def __init__(self, skews: list[float], missed: str) -> None:
        self.now = 1000.0
        self.holder: Process | None = None
        self.until = 0.0
        self.begun: list[tuple[float, Process]] = []
        self.processes = [
            Process(skew, Lease(LENGTH), DueTimes(SPACING, missed, SKEW))
            for skew in skews
        ]

    def ask(self, process: Process) -> None:
        if process.asked is None:
            process.asked, process.answer = self.now, None

    def reach(self, process: Process) -> None:
        """Have what a process asks reach the server."""
        if process.asked is None or process.answer is not None or process.cut_off:
            return
        if self.now >= self.until:
            self.holder = None
        if process.lease.held:
            # Some servers confirm anything: what counts is when it comes back.
            process.answer = True
            if self.holder is process:
                self.until = self.now + LENGTH
        elif self.holder is None:
            process.answer = True
            self.holder, self.until = process, self.now + LENGTH
        else:
            process.answer = False

    def hear(self, process: Process) -> None:
        """Have a process hear the answer, or that there is none."""
        asked, answer = process.asked, process.answer
        process.asked = process.answer = None
        if asked is None or not answer:
            return
        if process.lease.held:
            if not process.lease.confirmed(asked, self.now):
                process.times.gave_up()
        elif process.lease.taken(asked, self.now):
            process.times.took_over(self.now + process.skew)

    def look(self, process: Process) -> None:
        """Have a process begin what is due."""
        if process.lease.passed(self.now):
            process.times.gave_up()
        due = process.times.due(self.now + process.skew)
        if due is not None and process.lease.is_sure(self.now):
            process.times.begun(due)
            self.begun.append((due, process))

    def cut(self, process: Process) -> None:
        process.cut_off = not process.cut_off

    def prolong(self, process: Process) -> None:
        """Have the server change its leader, and renew what it knows of."""
        if self.holder is not None and self.now < self.until:
            self.until = self.now + LENGTH


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "reach", "hear", "look", "look", "cut", "prolong"]),
        st.integers(0, 2),
        st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 2.5 * LENGTH)),
    ),
    max_size=120,
)
SKEWS = st.lists(st.floats(0, SKEW * 0.999), min_size=3, max_size=3)
HISTORIES = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@HISTORIES
@given(skews=SKEWS, steps=STEPS)
def test_no_due_time_is_begun_twice_whatever_happens(skews, steps) -> None:
    world = World(skews, SKIP)
    for what, number, seconds in steps:
        world.now += seconds
        getattr(world, what)(world.processes[number])
    begun = [due for due, _ in world.begun]
    assert len(begun) == len(set(begun)), world.begun


@HISTORIES
@given(skews=SKEWS, steps=STEPS)
def test_none_begins_one_that_is_not_later_than_its_last(skews, steps) -> None:
    world = World(skews, RUN)
    for what, number, seconds in steps:
        world.now += seconds
        getattr(world, what)(world.processes[number])
    for process in world.processes:
        own = [due for due, who in world.begun if who is process]
        assert own == sorted(set(own))


def test_the_model_finds_what_the_skew_is_for() -> None:
    world = World([0.9, 0.0, 0.0], SKIP)
    first, second = world.processes[:2]
    second.times = DueTimes(SPACING, SKIP, 0.0)  # as if clocks were all the same
    world.now = 1001.2
    for one in (first, second):
        world.ask(one)
        world.reach(one)
        world.hear(one)
        if one is first:
            world.look(one)
            world.now = 1003.2  # 1004.1 by its clock
            world.look(one)
            world.holder = None  # it has given it back
    world.now = 1004.0
    world.look(second)
    assert [due for due, _ in world.begun] == [1004.0, 1004.0]
