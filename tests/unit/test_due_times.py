# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which due times a process begins, of those that all processes have in common."""

import dataclasses
import functools
import heapq
import math
import random
from collections import Counter
from collections.abc import Callable

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

    def test_one_that_was_not_begun_after_all_is_due_still(self) -> None:
        times = taken_over(5.0)
        times.begun(10.0)
        take_back = times.begun(20.0)
        take_back()
        assert times.due(25.0) == 20.0
        assert times.due(15.0) is None, "the one before was begun"
        take_back = times.begun(20.0)
        times.begun(30.0)
        take_back()
        assert times.due(35.0) is None, "another was begun meanwhile"

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

LENGTH, SKEW, SPACING = 5.0, 1.0, 0.5
ENOUGH = 120.0


@dataclasses.dataclass(eq=False)
class Process:
    """A process with a clock of its own, which may be asleep or cut off."""

    skew: float
    lease: Lease
    times: DueTimes
    asleep_until: float = 0.0
    cut_off_until: float = 0.0


class World:
    """Processes, a server, and the time."""

    def __init__(self, skews: list[float], missed: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 1000.0
        self.holder: Process | None = None
        self.until = 0.0
        self.begun: list[tuple[float, Process]] = []
        self.takeovers = 0
        self.processes = [
            Process(skew, Lease(LENGTH), DueTimes(SPACING, missed, SKEW))
            for skew in skews
        ]
        self._queue: list[tuple[float, float, Callable[[], None]]] = []

    def at(self, seconds: float, call: Callable[[], None]) -> None:
        """Have something happen in so many seconds."""
        entry = (self.now + seconds, self.random.random(), call)
        heapq.heappush(self._queue, entry)

    def run(self) -> None:
        """Have everything happen, for a while."""
        for process in self.processes:
            self.at(self.random.random(), functools.partial(self.ask, process))
            self.at(self.random.random(), functools.partial(self.look, process))
        self.at(1.0, self.disturb)
        while self.now < 1000.0 + ENOUGH:
            self.now, _, call = heapq.heappop(self._queue)
            call()

    def later(self, usual: float) -> float:
        """Return how long something takes: rarely, much longer than usual."""
        if self.random.random() < 0.03:
            return self.random.uniform(0, 2 * LENGTH)
        return self.random.uniform(0, usual)

    def disturb(self) -> None:
        """Have somebody sleep, or be cut off, or the server renew what it knows."""
        process, seconds = self.random.choice(self.processes), self.later(LENGTH)
        what = self.random.randrange(5)
        if what < 2:
            process.asleep_until = self.now + seconds
        elif what < 4:
            process.cut_off_until = self.now + seconds
        elif self.random.random() < 0.5:
            self.give_back(process)
        elif self.holder is not None and self.now < self.until:
            self.until = self.now + LENGTH  # it has another leader, say
        self.at(self.later(3.0), self.disturb)

    def awake(self, process: Process, call: Callable[[], None]) -> bool:
        """Whether a process is awake; else something happens when it is."""
        if self.now < process.asleep_until:
            self.at(process.asleep_until - self.now, call)
        return self.now >= process.asleep_until

    # What processes and the server do

    def ask(self, process: Process) -> None:
        if self.awake(process, functools.partial(self.ask, process)):
            reach = functools.partial(self.reach, process, self.now, process.lease.held)
            self.at(self.later(0.1), reach)

    def reach(self, process: Process, asked: float, keeps: bool) -> None:
        """Have what a process asks reach the server."""
        answer: bool | None = None
        if self.now >= process.cut_off_until:
            if self.now >= self.until:
                self.holder = None
            # Some servers confirm anything: what counts is when it comes back.
            answer = keeps or self.holder is None
            if self.holder is process if keeps else answer:
                self.holder, self.until = process, self.now + LENGTH
        hear = functools.partial(self.hear, process, asked, answer, keeps)
        self.at(self.later(0.1), hear)

    def hear(
        self, process: Process, asked: float, answer: bool | None, keeps: bool
    ) -> None:
        """Have a process hear the answer, or that there is none."""
        again = functools.partial(self.hear, process, asked, answer, keeps)
        if not self.awake(process, again):
            return
        if answer and keeps:
            if not process.lease.confirmed(asked, self.now):
                process.times.gave_up()
        elif answer and process.lease.taken(asked, self.now):
            process.times.took_over(self.now + process.skew)
            self.takeovers += 1
        pause = 1.0 if process.lease.held else 0.25
        self.at(pause, functools.partial(self.ask, process))

    def give_back(self, process: Process) -> None:
        """Have a process let others have the lock at once."""
        reachable = self.now >= max(process.asleep_until, process.cut_off_until)
        if reachable and process.lease.held:
            process.lease.give_up()
            process.times.gave_up()
            if self.holder is process:
                self.holder = None

    def look(self, process: Process) -> None:
        """Have a process begin what is due."""
        if not self.awake(process, functools.partial(self.look, process)):
            return
        if process.lease.passed(self.now):
            process.times.gave_up()
        due = process.times.due(self.now + process.skew)
        if due is not None and process.lease.is_sure(self.now):
            process.times.begun(due)
            self.begun.append((due, process))
        self.at(self.later(0.1), functools.partial(self.look, process))


SKEWS = st.permutations([0.0, SKEW / 2, SKEW * 0.999])
SEEDS = st.integers(0, 2**32)
HISTORIES = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@HISTORIES
@given(skews=SKEWS, seed=SEEDS)
def test_no_due_time_is_begun_twice_whatever_happens(skews, seed) -> None:
    world = World(skews, SKIP, seed)
    world.run()
    times = Counter(due for due, _ in world.begun)
    assert not [due for due, number in times.items() if number > 1]
    assert world.takeovers  # or it has shown nothing


@HISTORIES
@given(skews=SKEWS, seed=SEEDS)
def test_none_begins_one_that_is_not_later_than_its_last(skews, seed) -> None:
    world = World(skews, RUN, seed)
    world.run()
    for process in world.processes:
        own = [due for due, who in world.begun if who is process]
        assert own == sorted(set(own))
