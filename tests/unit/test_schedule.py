# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When ticks are due: exact, with a manual clock."""

import itertools
import logging
import random
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oslo_service.loops import schedules
from oslo_service.loops.schedules import LoopingCallTimeOut

INTERVALS = st.floats(min_value=1e-3, max_value=1e6)
STARTS = st.floats(min_value=0, max_value=1e9)
DURATIONS = st.lists(st.floats(min_value=0, max_value=1e4), min_size=1, max_size=50)
RESULTS = st.lists(st.booleans(), min_size=1, max_size=100)


def starts_of_calls(
    schedule: schedules.Schedule, durations: list[float], now: float = 0.0
) -> list[float]:
    """Run a schedule by hand; return when each call starts."""
    schedule.begin(now)
    starts = []
    for duration in durations:
        starts.append(now)
        now += duration
        now += schedule.delay(None, now)
    return starts


class TestFixedInterval:
    def test_ticks_are_on_the_grid_however_long_the_calls_take(self) -> None:
        schedule = schedules.FixedInterval(1, "loop")

        starts = starts_of_calls(schedule, [0, 0.25, 0.5, 1, 0.75], now=100)

        assert starts == [100, 101, 102, 103, 104]

    def test_an_overrun_is_followed_at_once_and_restarts_the_grid(self) -> None:
        schedule = schedules.FixedInterval(1, "loop")

        starts = starts_of_calls(schedule, [0, 3.5, 0.25, 0, 0])

        assert starts == [0, 1, 4.5, 5.5, 6.5]

    def test_missed_ticks_are_skipped_and_not_made_up_for(self) -> None:
        schedule = schedules.FixedInterval(1, "loop")

        starts = starts_of_calls(schedule, [100, 0, 0])

        assert starts == [0, 100, 101]

    def test_a_call_that_takes_the_interval_exactly_is_no_overrun(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        starts = starts_of_calls(schedules.FixedInterval(1, "loop"), [1, 1, 1])

        assert starts == [0, 1, 2]
        assert not caplog.records

    def test_a_run_of_overruns_is_two_lines(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        schedule = schedules.FixedInterval(1, "my loop")

        starts_of_calls(schedule, [0, 3, 4, 5, 0, 0, 1.5, 0])

        first, recovery, again, once = caplog.records
        assert [one.levelname for one in caplog.records] == ["WARNING", "INFO"] * 2
        assert "my loop took 2.000 s longer" in first.getMessage()
        assert "after 3 calls" in recovery.getMessage()
        assert "my loop took 0.500 s longer" in again.getMessage()
        assert "after 1 calls" in once.getMessage()

    def test_at_interval_0_there_is_no_pause_and_no_overrun(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        starts = starts_of_calls(schedules.FixedInterval(0, "loop"), [1, 0, 2, 0])

        assert starts == [0, 1, 1, 3]
        assert not caplog.records

    def test_there_is_no_drift(self) -> None:
        schedule = schedules.FixedInterval(0.1, "loop")

        starts = starts_of_calls(schedule, [0.004] * 10_001)

        assert starts[-1] == pytest.approx(1000, abs=1e-6)

    @given(INTERVALS, STARTS, DURATIONS)
    def test_a_pause_is_never_negative_nor_longer_than_the_interval(
        self, interval: float, now: float, durations: list[float]
    ) -> None:
        schedule = schedules.FixedInterval(interval, "loop")
        schedule.begin(now)
        for duration in durations:
            now += duration
            pause = schedule.delay(None, now)
            # The rounding of a clock that shows `now`.
            assert 0 <= pause <= interval + 1e-6
            now += pause

    @given(st.integers(1, 1000), st.lists(st.integers(0, 3000), min_size=1))
    def test_every_tick_is_on_the_grid_of_the_latest_overrun(
        self, interval: int, durations: list[int]
    ) -> None:
        # Whole numbers, in which floats are exact.
        schedule = schedules.FixedInterval(interval, "loop")
        starts = starts_of_calls(schedule, [float(one) for one in durations])

        for (one, following), duration in zip(
            itertools.pairwise(starts), durations, strict=False
        ):
            assert following - one == max(interval, duration)


class TestLimited:
    def test_the_other_schedule_is_asked_until_the_time_is_over(self) -> None:
        schedule = schedules.Limited(
            schedules.FixedInterval(1, "loop"), since=10, until=13.5
        )
        schedule.begin(10)

        assert [schedule.delay(None, now) for now in (10, 11.25, 12, 13.5)] == [
            1,
            0.75,
            1,
            0.5,
        ]
        with pytest.raises(LoopingCallTimeOut, match=r"after 4\.00 s.* 3\.5 s"):
            schedule.delay(None, 14)


class TestDynamic:
    def test_the_result_is_the_pause(self) -> None:
        schedule = schedules.Dynamic(None)
        schedule.begin(0)

        pauses = [schedule.delay(result, 0) for result in (1, 0.5, 0, -1)]

        assert pauses == [1, 0.5, 0, 0]

    def test_the_longest_bounds_it_and_stands_for_none(self) -> None:
        schedule = schedules.Dynamic(5)

        assert [schedule.delay(result, 0) for result in (9, None, 2)] == [5, 5, 2]

    def test_none_is_an_error_where_there_is_no_longest(self) -> None:
        with pytest.raises(RuntimeError, match="periodic_interval_max"):
            schedules.Dynamic(None).delay(None, 0)

    def test_a_longest_of_0_is_kept(self) -> None:
        schedule = schedules.Dynamic(0)

        assert [schedule.delay(result, 0) for result in (9, None)] == [0, 0]

    @pytest.mark.parametrize(("longest", "pause"), [(None, 1), (7, 7)])
    def test_after_a_failed_first_call_the_pause_is_the_longest_or_a_second(
        self, longest: float | None, pause: float
    ) -> None:
        schedule = schedules.Dynamic(longest)

        assert schedule.delay(schedules.FAILED, 0) == pause

    def test_after_a_failed_call_the_pause_is_the_one_before(self) -> None:
        schedule = schedules.Dynamic(None)
        schedule.delay(3, 0)

        assert schedule.delay(schedules.FAILED, 0) == 3


def back_off(
    start: float = 1,
    timeout: float = 0,
    longest: float = 300,
    jitter: float = 0.75,
    shortest: float = 0.001,
) -> schedules.BackOff:
    """Return a schedule with the defaults of the looping call."""
    return schedules.BackOff(start, timeout, longest, jitter, shortest)


class TestBackOff:
    def test_pauses_double_times_the_jitter(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            random.SystemRandom, "gauss", lambda _self, mean, _spread: mean
        )
        schedule = back_off(jitter=0.75)

        pauses = [schedule.delay(False, 0) for _ in range(4)]

        assert pauses == [1.5, 2.25, 3.375, 5.0625]

    def test_the_jitter_varies_a_pause_and_not_the_growth(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(schedules, "_RANDOM", random.Random(7))
        schedule, rates = back_off(jitter=1), []
        for number in range(1, 15):
            rates.append(schedule.delay(False, 0) / 2.0**number)
            if number == 8:
                break

        assert len(set(rates)) == len(rates), "no two alike"
        assert all(0.5 < rate < 1.5 for rate in rates)

    def test_a_success_starts_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            random.SystemRandom, "gauss", lambda _self, mean, _spread: mean
        )
        schedule = back_off(jitter=1)

        pauses = [schedule.delay(one, 0) for one in (False, False, True, False)]

        assert pauses == [2, 4, 1, 2]

    def test_the_timeout_counts_the_pauses_of_a_run_of_failures(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            random.SystemRandom, "gauss", lambda _self, mean, _spread: mean
        )
        schedule = back_off(jitter=1, timeout=7)

        assert [schedule.delay(one, 0) for one in (0, 0, 1, 0, 0)] == [2, 4, 1, 2, 4]
        with pytest.raises(LoopingCallTimeOut, match=r"6\.00 s of pauses.* 7 s"):
            schedule.delay(False, 0)

    @given(RESULTS, st.integers(), st.floats(0, 10), st.floats(0, 2))
    def test_every_pause_after_a_failure_is_between_shortest_and_longest(
        self, results: list[bool], seed: int, start: float, jitter: float
    ) -> None:
        schedule = back_off(start=start, jitter=jitter, shortest=0.5, longest=20)
        with mock.patch.object(schedules, "_RANDOM", random.Random(seed)):
            for result in results:
                pause = schedule.delay(result, 0)
                assert pause == start if result else 0.5 <= pause <= 20

    @given(RESULTS, st.integers(), st.floats(1, 100))
    def test_no_run_of_failures_pauses_longer_than_the_timeout(
        self, results: list[bool], seed: int, timeout: float
    ) -> None:
        schedule, paused = back_off(timeout=timeout), 0.0
        with mock.patch.object(schedules, "_RANDOM", random.Random(seed)):
            for result in results:
                try:
                    pause = schedule.delay(result, 0)
                except LoopingCallTimeOut:
                    return
                paused = 0.0 if result else paused + pause
                assert paused <= timeout

    def test_pauses_that_grow_without_end_stay_numbers(self) -> None:
        schedule = back_off(jitter=1)

        assert [schedule.delay(False, 0) for _ in range(5000)][-1] == 300


class TestInWords:
    """How often it is, for the back door."""

    @pytest.mark.parametrize(
        ("schedule", "words"),
        [
            (schedules.FixedInterval(2.5, "loop"), "every 2.5 s"),
            (schedules.Dynamic(None), "when it says"),
            (schedules.Dynamic(30), "when it says, 30 s at most"),
            (schedules.BackOff(1, 300, 60, 0.75, 0.5), "backing off from 1 s to 60 s"),
            (
                schedules.Limited(schedules.FixedInterval(1, "loop"), 10, 70),
                "every 1 s, for 60 s at most",
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_each_says_what_it_does(self, schedule, words) -> None:
        assert str(schedule) == words

    def test_one_that_is_late_says_how_often_it_was(self) -> None:
        schedule = schedules.FixedInterval(1, "loop")
        starts_of_calls(schedule, [5, 5])
        assert str(schedule) == "every 1 s (overruns in a row: 2)"
