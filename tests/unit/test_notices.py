# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What systemd is told, and when, with a clock that is turned by hand."""

import dataclasses
import os

import pytest

from oslo_service.supervisor.systemd.messages import EXTENSION, RENEWAL, Facts, Notices
from oslo_service.supervisor.systemd.watchdog import Watchdog, interval

RUNNING = Facts(workers=4, places=4)
EXTEND = f"EXTEND_TIMEOUT_USEC={EXTENSION * 1e6:.0f}"


def but(**changes):
    return dataclasses.replace(RUNNING, **changes)


@pytest.fixture
def notices():
    return Notices(pid=17)


@pytest.fixture
def told(notices):
    """They have been told that all is ready, at the time of 100 seconds."""
    assert notices.ready(RUNNING, 100.0)
    return notices


def at(notices, now, facts=RUNNING):
    return list(notices.advance(facts, now))


class TestReadiness:
    def test_nothing_is_said_before(self, notices):
        for facts in (but(workers=2), but(restarts=1), but(readings=1), RUNNING):
            assert at(notices, 100.0, facts) == []
        assert notices.deadline is None

    def test_it_comes_with_the_main_pid_and_the_status(self, notices):
        assert notices.ready(RUNNING, 100.0) == [
            "READY=1",
            "MAINPID=17",
            "STATUS=4 workers, 0 restarts",
        ]
        assert at(notices, 101.0) == []
        assert notices.deadline is None

    def test_it_is_too_late_once_all_stops(self, notices):
        assert at(notices, 100.0, but(stopping=True, draining=True))
        assert notices.ready(RUNNING, 101.0) == []


class TestStatus:
    @pytest.mark.parametrize(
        ("facts", "status"),
        [
            (but(workers=1, places=1, restarts=1), "1 worker, 1 restart"),
            (but(workers=0), "0 of 4 workers, 0 restarts"),
            (but(workers=3, restarts=7), "3 of 4 workers, 7 restarts"),
        ],
    )
    def test_what_has_changed_is_said_once(self, told, facts, status):
        assert at(told, 101.0, facts) == [[f"STATUS={status}"]]
        assert at(told, 102.0, facts) == []


class TestReload:
    def test_it_has_the_time_in_the_same_message(self, told):
        facts = but(readings=1)
        assert told.reloads(facts)
        assert at(told, 101.000002, facts) == [
            ["RELOADING=1", "MONOTONIC_USEC=101000002"]
        ]
        assert not told.reloads(facts)
        assert at(told, 102.0, facts) == []
        assert told.ready(facts, 103.0) == ["READY=1", "STATUS=4 workers, 0 restarts"]

    def test_each_signal_is_answered(self, told):
        for number in (1, 2):
            facts = but(readings=number)
            message = ["RELOADING=1", f"MONOTONIC_USEC={100 + number}000000"]
            assert at(told, 100.0 + number, facts) == [message]

    def test_one_during_the_start_belongs_to_it(self, notices):
        assert notices.ready(but(readings=1), 100.0)
        assert at(notices, 101.0, but(readings=1)) == []
        assert notices.reloads(but(readings=2))

    def test_there_is_none_once_all_stops(self, told):
        at(told, 101.0, but(stopping=True))
        assert not told.reloads(but(stopping=True, readings=1))
        assert told.ready(but(stopping=True, readings=1), 102.0) == []

    def test_work_that_is_finished_in_place_is_given_time(self, told):
        drains = but(readings=1, draining=True)
        assert at(told, 101.0, drains)[1:] == [[EXTEND]]
        assert told.deadline == 101.0 + RENEWAL
        assert at(told, 101.0 + RENEWAL, drains) == [[EXTEND]]
        assert at(told, 115.0, but(readings=1)) == []
        assert told.deadline is None


class TestStop:
    STOPPING = but(stopping=True, draining=True)

    def test_it_is_said_once_and_asks_for_time(self, told):
        assert at(told, 101.0, self.STOPPING) == [
            ["STOPPING=1", EXTEND, "STATUS=stopping: 4 workers, 0 restarts"]
        ]
        assert at(told, 102.0, self.STOPPING) == []

    def test_time_is_asked_for_again_while_it_drains(self, told):
        at(told, 101.0, self.STOPPING)
        assert RENEWAL < EXTENSION / 2, "one that is lost does no harm"
        assert told.deadline == 101.0 + RENEWAL
        assert at(told, told.deadline - 0.1, self.STOPPING) == []
        for number in (1, 2, 3):
            assert at(told, 101.0 + number * RENEWAL, self.STOPPING) == [[EXTEND]]
        left = but(stopping=True, workers=0)
        assert at(told, 140.0, left) == [["STATUS=stopping: 0 workers, 0 restarts"]]
        assert told.deadline is None

    def test_it_is_said_also_when_nothing_was_ready(self, notices):
        assert at(notices, 101.0, self.STOPPING)[0][0] == "STOPPING=1"


class TestWatchdog:
    @pytest.fixture
    def watched(self):
        notices = Notices(17, Watchdog(20.0))
        assert at(notices, 90.0) == []
        assert "WATCHDOG=1" not in notices.ready(RUNNING, 100.0)
        return notices

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
        silent = but(healthy=False)
        assert at(watched, 105.0, silent) == []
        assert at(watched, 110.0, silent) == []
        assert watched.deadline is None, "it waits for the answer, not for a time"
        assert at(watched, 113.0) == [["WATCHDOG=1"]]
        assert watched.deadline == 123.0

    def test_it_is_fed_while_work_is_finished(self, watched):
        facts = but(stopping=True, draining=True)
        at(watched, 105.0, facts)
        assert watched.deadline == 110.0
        assert at(watched, 110.0, facts) == [["WATCHDOG=1"]]


class TestInterval:
    def test_it_is_half_told_in_microseconds(self):
        assert interval({"WATCHDOG_USEC": "2500000"}) == 2.5
        mine = {"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(os.getpid())}
        assert interval(mine) == 2.5

    def test_it_may_be_anothers_or_nobodys(self):
        assert interval({}) is None
        assert interval({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "1"}) is None

    @pytest.mark.parametrize("text", ["", "0", "-5", "1.5", "often", "٣"])
    def test_nonsense_is_named(self, text):
        with pytest.raises(ValueError, match=f"WATCHDOG_USEC .* not '{text}'"):
            interval({"WATCHDOG_USEC": text})
