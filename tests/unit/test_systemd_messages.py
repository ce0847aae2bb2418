# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What systemd is told, and when, with a clock that is turned by hand."""

import dataclasses
import os

import pytest

from oslo_service._common.times import LONGEST
from oslo_service.supervisor.snapshot import Snapshot
from oslo_service.supervisor.systemd.messages import EXTENSION, RENEWAL, Messages
from oslo_service.supervisor.systemd.watchdog import Watchdog, interval

RUNNING = Snapshot(workers=4, slots=4)
EXTEND = f"EXTEND_TIMEOUT_USEC={EXTENSION * 1e6:.0f}"


def but(**changes):
    return dataclasses.replace(RUNNING, **changes)


@pytest.fixture
def messages():
    return Messages(pid=17)


@pytest.fixture
def told(messages):
    """They have been told that all is ready, at the time of 100 seconds."""
    assert messages.ready(RUNNING, 100.0)
    return messages


def at(messages, now, snapshot=RUNNING):
    return list(messages.advance(snapshot, now))


class TestReadiness:
    def test_nothing_is_said_before(self, messages):
        for snapshot in (but(workers=2), but(restarts=1), RUNNING):
            assert messages.changed(snapshot, 101.0) == []
            assert at(messages, 100.0, snapshot) == []
        assert messages.reloading(100.0) == []
        assert messages.deadline is None

    def test_it_comes_with_the_main_pid_and_the_status(self, messages):
        assert messages.ready(RUNNING, 100.0) == [
            "READY=1",
            "MAINPID=17",
            "STATUS=4 workers, 0 restarts",
        ]
        assert messages.changed(RUNNING, 101.0) == []
        assert at(messages, 101.0) == []
        assert messages.deadline is None

    def test_it_is_too_late_once_all_stops(self, messages):
        assert messages.stopping(but(stopping=True, draining=True), 100.0)
        assert messages.ready(RUNNING, 101.0) == []


class TestStatus:
    @pytest.mark.parametrize(
        ("snapshot", "status"),
        [
            (but(workers=1, slots=1, restarts=1), "1 worker, 1 restart"),
            (but(workers=0), "0 of 4 workers, 0 restarts"),
            (but(workers=3, restarts=7), "3 of 4 workers, 7 restarts"),
        ],
    )
    def test_what_has_changed_is_said_once(self, told, snapshot, status):
        assert told.changed(snapshot, 101.0) == [f"STATUS={status}"]
        assert told.changed(snapshot, 101.0) == []


class TestReload:
    def test_it_has_the_time_in_the_same_message(self, told):
        assert told.reloading(101.000002) == ["RELOADING=1", "MONOTONIC_USEC=101000002"]
        assert told.ready(RUNNING, 103.0) == ["READY=1", "STATUS=4 workers, 0 restarts"]

    def test_each_signal_is_answered(self, told):
        for number in (1, 2):
            message = ["RELOADING=1", f"MONOTONIC_USEC={100 + number}000000"]
            assert told.reloading(100.0 + number) == message

    def test_there_is_none_once_all_stops(self, told):
        told.stopping(but(stopping=True), 101.0)
        assert told.reloading(102.0) == []
        assert told.ready(but(stopping=True), 102.0) == []

    def test_work_that_is_finished_in_place_is_given_time(self, told):
        drains = but(draining=True)
        assert at(told, 101.0, drains) == [[EXTEND]]
        assert told.deadline == 101.0 + RENEWAL
        assert at(told, 101.0 + RENEWAL, drains) == [[EXTEND]]
        assert at(told, 115.0) == []
        assert told.deadline is None


class TestStop:
    STOPPING = but(stopping=True, draining=True)

    def test_it_is_said_once_and_asks_for_time(self, told):
        assert told.stopping(self.STOPPING, 101.0) == [
            "STOPPING=1",
            EXTEND,
            "STATUS=stopping: 4 workers, 0 restarts",
        ]
        assert told.stopping(self.STOPPING, 102.0) == []
        assert at(told, 102.0, self.STOPPING) == []

    def test_time_is_asked_for_again_while_it_drains(self, told):
        told.stopping(self.STOPPING, 101.0)
        assert RENEWAL < EXTENSION / 2, "one that is lost does no harm"
        assert told.deadline == 101.0 + RENEWAL
        assert at(told, told.deadline - 0.1, self.STOPPING) == []
        for number in (1, 2, 3):
            assert at(told, 101.0 + number * RENEWAL, self.STOPPING) == [[EXTEND]]
        left = but(stopping=True, workers=0)
        assert told.changed(left, 101.0) == ["STATUS=stopping: 0 workers, 0 restarts"]
        assert at(told, 140.0, left) == []
        assert told.deadline is None

    def test_it_comes_before_what_it_has_done(self, told):
        first, *further = told.changed(self.STOPPING, 101.0)
        assert first == "STOPPING=1"
        assert further == [EXTEND, "STATUS=stopping: 4 workers, 0 restarts"]
        assert told.stopping(self.STOPPING, 101.0) == []

    def test_it_is_said_also_when_nothing_was_ready(self, messages):
        assert messages.stopping(self.STOPPING, 101.0)[0] == "STOPPING=1"


class TestWatchdog:
    @pytest.fixture
    def watched(self):
        messages = Messages(17, Watchdog(20.0))
        assert at(messages, 90.0) == []
        assert "WATCHDOG=1" not in messages.ready(RUNNING, 100.0)
        return messages

    def test_it_is_fed_at_half_of_its_interval(self, watched):
        assert watched.deadline == 110.0
        assert at(watched, 109.9) == []
        assert at(watched, 110.0) == [["WATCHDOG=1"]]
        assert at(watched, 110.1) == []
        assert watched.deadline == 120.0

    def test_it_is_fed_late_rather_than_twice(self, watched):
        assert at(watched, 117.0) == [["WATCHDOG=1"]]
        assert watched.deadline == 127.0

    def test_it_is_not_fed_while_somebody_is_silent_and_at_once_after(self, watched):
        silent = but(silent=("a worker",))
        assert at(watched, 105.0, silent) == []
        assert at(watched, 110.0, silent) == []
        assert watched.deadline is None, "it waits for the answer, not for a time"
        assert at(watched, 113.0) == [["WATCHDOG=1"]]
        assert watched.deadline == 123.0

    def test_it_is_fed_while_work_is_finished(self, watched):
        snapshot = but(stopping=True, draining=True)
        at(watched, 105.0, snapshot)
        assert watched.deadline == 110.0
        assert at(watched, 110.0, snapshot) == [["WATCHDOG=1"]]


class TestInterval:
    def test_it_is_half_told_in_microseconds(self):
        assert interval({"WATCHDOG_USEC": "2500000"}) == 2.5
        mine = {"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(os.getpid())}
        assert interval(mine) == 2.5

    def test_it_may_be_longer_than_any_process_lives(self):
        assert interval({"WATCHDOG_USEC": "9" * 18}) == LONGEST

    def test_it_may_be_anothers_or_nobodys(self):
        assert interval({}) is None
        assert interval({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "1"}) is None

    @pytest.mark.parametrize("text", ["", "0", "-5", "1.5", "often", "٣", "9" * 20])
    def test_nonsense_is_named(self, text):
        with pytest.raises(ValueError, match=f"WATCHDOG_USEC .* not '{text}'"):
            interval({"WATCHDOG_USEC": text})
