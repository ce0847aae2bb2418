# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The fixtures that projects have for their tests."""

import time

import pytest

from oslo_service import fixture, loopingcall
from oslo_service.testing.waiting import LIMIT


@pytest.mark.usefixtures("driver")
class TestSleepFixture:
    def test_loops_do_not_pause_and_their_pauses_are_known(self):
        ticks = iter(range(1000))

        def tick():
            if next(ticks) == 3:
                raise loopingcall.LoopingCallDone("enough")

        loop = loopingcall.FixedIntervalLoopingCall(tick)
        with fixture.SleepFixture() as sleeping:
            task = loop.start(interval=60.1, initial_delay=3600)
            assert task.wait(LIMIT) == "enough"
        pauses = [call.args for call in sleeping.mock_wait.call_args_list]
        assert pauses == [(3600,), (60.1,), (60.1,), (60.1,)]

    def test_retries_do_not_pause(self):
        @loopingcall.RetryDecorator(3, 10, 60, ValueError)
        def fail():
            raise ValueError("failed")

        with (
            fixture.SleepFixture() as sleeping,
            pytest.raises(ValueError, match="failed"),
        ):
            fail()
        assert [call.args[0] for call in sleeping.mock_wait.call_args_list] == [
            *(10, 20, 30)
        ]

    def test_a_time_limit_counts_the_pauses(self):
        loop = loopingcall.FixedIntervalWithTimeoutLoopingCall(lambda: None)
        with fixture.SleepFixture() as sleeping:
            task = loop.start(interval=10, timeout=95)
            with pytest.raises(loopingcall.LoopingCallTimeOut):
                task.wait(LIMIT)
        assert sleeping.mock_wait.call_count == 10

    def test_others_have_their_turn_meanwhile(self, driver):
        done = driver.event()

        def poll():
            if done.is_set():
                raise loopingcall.LoopingCallDone

        loop = loopingcall.FixedIntervalLoopingCall(poll)
        with fixture.SleepFixture():
            task = loop.start(interval=3600)
            driver.spawn(done.set, name="done")
            assert task.wait(LIMIT) is True

    def test_what_the_mock_raises_is_raised_in_the_loop(self):
        loop = loopingcall.FixedIntervalLoopingCall(lambda: None)
        with fixture.SleepFixture() as sleeping:
            sleeping.mock_wait.side_effect = loopingcall.LoopingCallDone(5)
            assert loop.start(interval=3600).wait(LIMIT) == 5

    def test_afterwards_they_pause_again(self):
        with fixture.SleepFixture():
            pass
        began = time.monotonic()
        loopingcall.LoopingCallBase()._sleep(0.02)
        assert time.monotonic() - began >= 0.015
