# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The executor that a driver has which brings none of its own."""

from concurrent import futures

import pytest

from oslo_service.backend import base
from oslo_service.testing import scripted
from oslo_service.testing.waiting import LIMIT, Log


@pytest.fixture
def make(driver):
    return lambda max_workers: base.Driver.executor(driver, max_workers)


def test_calls_begin_in_their_order(make):
    calls = Log()
    with make(1) as executor:
        for number in range(20):
            executor.submit(calls, number)

    assert calls.entries == list(range(20))


def test_a_time_out_says_that_the_call_still_runs(make, driver):
    release = driver.event()
    with make(1) as executor:
        future = executor.submit(release.wait, LIMIT)
        with pytest.raises(TimeoutError):
            future.result(0.01)
        with pytest.raises(TimeoutError):
            future.exception(0.01)
        release.set()
        assert future.result(LIMIT) is True
        assert future.exception() is None


def test_a_call_that_has_not_begun_can_be_cancelled(make, driver):
    release, calls = driver.event(), Log()
    with make(1) as executor:
        first = executor.submit(release.wait, LIMIT)
        second = executor.submit(calls, "second")
        third = executor.submit(calls, "third")
        assert second.cancel()
        release.set()
        assert first.result(LIMIT) is True
        third.result(LIMIT)
        with pytest.raises(futures.CancelledError):
            second.result(LIMIT)

    assert calls.entries == ["third"]


def test_a_shutdown_may_drop_what_has_not_begun(make, driver):
    release, begun, calls = driver.event(), driver.event(), Log()

    def call():
        begun.set()
        return release.wait(LIMIT)

    executor = make(1)
    first = executor.submit(call)
    begun.wait(LIMIT)
    second = executor.submit(calls, "second")
    executor.shutdown(wait=False, cancel_futures=True)
    release.set()
    executor.shutdown()

    assert first.result(LIMIT) is True
    assert second.cancelled()
    assert not calls.entries


def test_results_can_be_had_in_their_order(make):
    with make(3) as executor:
        assert list(executor.map(pow, range(10), [2] * 10)) == [
            number**2 for number in range(10)
        ]


def test_an_executor_that_ran_nothing_ends(make):
    with make(1):
        pass


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_workers_than_one_are_refused(make, count):
    with pytest.raises(ValueError, match=f"1 or more, not {count}"):
        make(count)


class TestWithoutRoom:
    """The system has no room for another task."""

    @pytest.fixture
    def driver(self):
        with scripted.ScriptedDriver() as driver:
            yield driver

    def test_those_that_run_take_what_is_submitted(self, make, driver):
        release, executor = driver.event(), make(2)
        first = executor.submit(release.wait)
        driver.run()
        driver.room = 0
        second = executor.submit(int)
        assert driver.ready == []
        release.set()
        driver.run()

        assert (first.result(), second.result()) == (True, 0)

    def test_where_none_runs_a_call_is_refused(self, make, driver):
        calls, executor = Log(), make(2)
        driver.room = 0
        with pytest.raises(RuntimeError, match="no room"):
            executor.submit(calls, "refused")
        driver.room = 1
        executor.submit(calls, "accepted")
        driver.run()
        executor.shutdown()

        assert calls.entries == ["accepted"]
