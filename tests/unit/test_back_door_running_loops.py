# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is said of a looping call from outside, by a stepped clock."""

import sys

import pytest

from oslo_service import backend, loopingcall
from oslo_service._common.frames import stack_of
from oslo_service.backdoor import running_loops
from oslo_service.loops import clock as current_clock
from oslo_service.testing.waiting import SteppedClock


class Looked(loopingcall.FixedIntervalLoopingCall):
    """Looks at itself where it would pause."""

    def _sleep(self, timeout: float) -> None:
        self.look(timeout)

    look = staticmethod(lambda _timeout: None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    clock = SteppedClock()
    monkeypatch.setattr(current_clock, "current", clock)
    return clock


def seen() -> running_loops.RunningLoop:
    found = running_loops.of_task(stack_of(sys._getframe(1)))
    assert found is not None
    return found


def run(loop: Looked, *times: float) -> None:
    backend._reset_backend()
    loop.start(*times).wait(60)
    backend._reset_backend()


def test_the_first_call_has_no_past(clock) -> None:
    found = []

    def call() -> None:
        found.append(seen())
        raise loopingcall.LoopingCallDone

    run(Looked(call), 10)

    assert found[0].last_run is None
    assert found[0].next_run is None
    assert not found[0].pausing
    assert found[0].status() == "last run ended not yet, the first is running"


def test_a_pause_has_a_last_run_and_a_next_one_which_may_be_late(clock) -> None:
    found = []
    loop = Looked(lambda: clock.advance(1))

    def look(timeout: float) -> None:
        assert timeout == 9
        for seconds in (0, 3, 8):
            clock.advance(seconds)
            found.append(seen())
        loop.stop()

    loop.look = look
    run(loop, 10)

    assert [one.last_run for one in found] == [0, 3, 11]
    assert [one.next_run for one in found] == [9, 6, -2]
    assert [one.late for one in found] == [0, 0, 2]
    assert all(one.pausing for one in found)
    assert found[1].status() == "last run ended 3.000 s ago, the next is due in 6.000 s"
    assert found[2].status() == "last run ended 11.000 s ago, the next is 2.000 s late"
    assert " every 10 s; last run" in str(found[0])


def test_a_call_in_progress_tells_when_it_was_due_and_what_came_before(clock) -> None:
    found = []

    def call() -> None:
        clock.advance(15)
        found.append(seen())

    loop = Looked(call)

    def look(timeout: float) -> None:
        clock.advance(timeout)
        if len(found) == 3:
            loop.stop()

    loop.look = look
    run(loop, 10)

    assert [one.last_run for one in found] == [None, 15, 15]
    assert [one.next_run for one in found] == [None, -15, -15]
    assert [one.interval for one in found] == [
        "every 10 s",
        "every 10 s (overruns in a row: 1)",
        "every 10 s (overruns in a row: 2)",
    ]
    assert found[1].status() == (
        "last run ended 15.000 s ago, another is running, which was due 15.000 s ago"
    )
