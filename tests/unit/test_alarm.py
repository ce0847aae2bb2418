# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The alarm of the process, and in what state it is given back."""

import _thread
import math
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from oslo_service._common import clock
from oslo_service.supervisor.alarm import Alarm
from oslo_service.testing.waiting import LIMIT

# So long that it does not ring in a test.
LONG = 10 * LIMIT


class Clock:
    """A clock that is turned by hand."""

    time = 1000.0

    def now(self) -> float:
        return self.time


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    hands = Clock()
    monkeypatch.setattr(clock, "now", hands.now)
    return hands


@pytest.fixture
def rung() -> threading.Event:
    return threading.Event()


@pytest.fixture
def of_program() -> Iterator[threading.Event]:
    """A handler of the program's own, which says that it was called."""
    called = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_args: called.set())
    yield called
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def alarm(of_program: threading.Event, rung: threading.Event) -> Iterator[Alarm]:
    alarm = Alarm(rung.set)
    yield alarm
    alarm.give_back()


def elsewhere(call: Callable[[], object]) -> object:
    """Return what a call returns in a native thread."""
    results: list[object] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            results.append(call())
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    assert done.acquire(timeout=LIMIT)
    return results[0]


def remaining() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


class TestRinging:
    """It calls its function when the time has come."""

    @pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
    def test_it_rings_also_where_the_time_is_past(self, alarm, rung, seconds) -> None:
        assert alarm.set(seconds)
        assert rung.wait(LIMIT)

    def test_the_latest_time_is_the_one_that_counts(self, alarm, rung) -> None:
        alarm.set(LONG)
        assert remaining() > LONG / 2
        alarm.set(0.01)
        assert rung.wait(LIMIT)

    @pytest.mark.parametrize("seconds", [1e10, 1e18, 1e308, math.inf])
    def test_a_time_that_never_comes_is_legal(self, alarm, seconds) -> None:
        assert alarm.set(seconds)
        assert remaining() > LONG
        alarm.set(1e10)  # likewise where one was set before
        assert remaining() > LONG

    def test_one_that_never_comes_holds_up_no_other(self, alarm, rung) -> None:
        other = Alarm(lambda: None)
        other.set(math.inf)
        alarm.set(0.01)
        assert rung.wait(LIMIT)
        assert remaining() > LONG
        other.give_back()

    def test_it_rings_once(self, alarm, rung) -> None:
        alarm.set(0.01)
        assert rung.wait(LIMIT)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

    def test_it_cannot_be_set_outside_the_main_thread(self, alarm) -> None:
        before = signal.getsignal(signal.SIGALRM)
        assert elsewhere(lambda: alarm.set(LONG)) is False
        assert signal.getsignal(signal.SIGALRM) is before
        assert remaining() == 0.0


class TestGivingBack:
    """Whoever had the alarm before has it again."""

    def test_the_handler_is_what_it_was_and_nothing_rings(self, alarm, rung) -> None:
        before = signal.getsignal(signal.SIGALRM)
        alarm.set(LONG)
        alarm.set(LONG)
        assert signal.getsignal(signal.SIGALRM) is not before
        alarm.give_back()
        assert signal.getsignal(signal.SIGALRM) is before
        assert remaining() == 0.0
        assert not rung.is_set()

    def test_a_timer_of_the_programs_own_goes_on_as_if_it_had_run(
        self, alarm, hands
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, LONG, 7.0)
        alarm.set(LIMIT)
        hands.time += 3 * LIMIT
        alarm.give_back()
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert LONG - 4 * LIMIT < left <= LONG - 3 * LIMIT
        assert interval == 7.0

    def test_a_timer_of_the_programs_own_that_has_run_out_rings_at_once(
        self, alarm, hands, of_program
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, LONG)
        alarm.set(2 * LONG)
        hands.time += LONG + 1
        assert not of_program.is_set()
        alarm.give_back()
        assert of_program.wait(LIMIT)

    def test_what_was_not_borrowed_is_left_alone(self, alarm) -> None:
        signal.setitimer(signal.ITIMER_REAL, LONG)
        alarm.give_back()
        assert remaining() > LONG / 2

    def test_what_was_given_back_is_left_alone(self, alarm) -> None:
        alarm.set(LONG)
        alarm.give_back()
        signal.setitimer(signal.ITIMER_REAL, LONG)
        alarm.give_back()
        assert remaining() > LONG / 2

    def test_it_can_be_borrowed_again(self, alarm, rung) -> None:
        before = signal.getsignal(signal.SIGALRM)
        alarm.set(LONG)
        alarm.give_back()
        alarm.set(0.01)
        assert rung.wait(LIMIT)
        alarm.give_back()
        assert signal.getsignal(signal.SIGALRM) is before

    def test_outside_the_main_thread_it_stops_and_that_one_does_the_rest(
        self, alarm
    ) -> None:
        before = signal.getsignal(signal.SIGALRM)
        alarm.set(LONG)
        elsewhere(alarm.give_back)
        assert remaining() == 0.0
        alarm.give_back()
        assert signal.getsignal(signal.SIGALRM) is before

    def test_a_forked_process_has_the_handler_that_was_and_can_borrow_it(
        self, alarm, rung
    ) -> None:
        before = signal.getsignal(signal.SIGALRM)
        alarm.set(LONG)
        alarm.leave()
        assert signal.getsignal(signal.SIGALRM) is before
        alarm.set(0.01)
        assert rung.wait(LIMIT)
        alarm.give_back()
        assert signal.getsignal(signal.SIGALRM) is before

    def test_a_forked_process_leaves_alone_what_was_not_borrowed(self, alarm) -> None:
        alarm.set(LONG)
        alarm.give_back()
        own = signal.default_int_handler
        signal.signal(signal.SIGALRM, own)
        alarm.leave()
        assert signal.getsignal(signal.SIGALRM) is own
