# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What each signal means, to a supervisor that only notes its orders."""

import dataclasses
import signal
from collections.abc import Callable, Mapping

import pytest

from oslo_service import events
from oslo_service._common import clock
from oslo_service.supervisor import foreground, signal_policy
from oslo_service.supervisor.repeated_signals import RepeatedSignals
from oslo_service.supervisor.signal_policy import SignalPolicy


def timeless(event: events.Event) -> events.Event:
    return dataclasses.replace(event, time=0.0)


class Supervisor:
    """Notes what it is told, and when: inside a handler, or later."""

    has_parent = False
    stop_delay = 0.0
    has_workers = True

    def __init__(self) -> None:
        self.delay_ends: Callable[[], object] | None = None
        self.told: list[object] = []
        self.latched: list[Callable[[], object]] = []

    def latch(self, order: Callable[[], object]) -> None:
        self.latched.append(order)

    latch_urgent = latch

    def turn(self) -> list[object]:
        """Carry out what is latched, and return what that was."""
        self.told.clear()
        latched, self.latched = self.latched, []
        for order in latched:
            order()
        return list(self.told)

    @property
    def delaying(self) -> bool:
        return self.delay_ends is not None

    def delay_stop(self, seconds: float, then: Callable[[], object]) -> None:
        assert seconds == self.stop_delay
        self.delay_ends = then

    def end_delay(self) -> None:
        self.delay_ends = None

    def stop_now(self) -> None:
        self.told.append("stop now")

    def stop(self) -> None:
        self.told.append("stop")

    def reload(self) -> None:
        self.told.append("reload")

    def resize(self, wanted: Callable[[int], int]) -> int:
        self.told.append(("resize", wanted(4)))
        return 1

    def quit_now(self) -> None:
        self.told.append("quit now")

    def quit(self, reason: events.Event) -> None:
        self.told.append(("quit", timeless(reason)))

    def publish(self, event: events.Event) -> None:
        self.told.append(timeless(event))


class Process:
    """Its signals, a supervisor of it, and the time."""

    def __init__(self) -> None:
        self.time = 0.0
        self.reactions: Mapping[int, Callable[[], object]] = {}
        self.supervisor = Supervisor()
        self.policy = SignalPolicy(self.supervisor)

    def now(self) -> float:
        return self.time

    def react(
        self,
        reactions: Mapping[int, Callable[[], object]],
        repeated: RepeatedSignals | None = None,
    ) -> None:
        self.reactions, self.repeated = reactions, repeated

    def gets(self, signum: int) -> list[object]:
        """Return what is done inside the handler of a signal."""
        self.supervisor.told.clear()
        self.reactions[signum]()
        return list(self.supervisor.told)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    process = Process()
    monkeypatch.setattr(clock, "now", process.now)
    monkeypatch.setattr(foreground, "is_daemon", lambda **_: True)
    process.policy.listen(process)
    return process


def received(name: str, consequence: str, *, forced: bool = False) -> events.Event:
    return timeless(
        events.SignalReceived(signal=name, consequence=consequence, forced=forced)
    )


SECOND = received("a second SIGTERM", "ending at once", forced=True)


class TestSigterm:
    """It stops everything in order; a second one does not wait for that."""

    def test_what_cannot_wait_is_done_in_the_handler_and_the_rest_later(
        self, process
    ) -> None:
        assert process.gets(signal.SIGTERM) == ["stop now"]
        assert process.supervisor.turn() == ["stop", received("SIGTERM", "stopping")]

    def test_one_that_is_repeated_within_a_second_is_the_same_order(
        self, process
    ) -> None:
        process.gets(signal.SIGTERM)
        process.supervisor.turn()
        process.time += 0.99
        assert process.gets(signal.SIGTERM) == []
        assert process.supervisor.turn() == ["stop"]

    def test_a_second_one_ends_everything_at_once(self, process) -> None:
        process.gets(signal.SIGTERM)
        process.supervisor.turn()
        process.time += 1.0
        assert process.gets(signal.SIGTERM) == ["quit now"]
        assert process.supervisor.turn() == [("quit", SECOND)]

    def test_repeated_ones_do_not_put_off_when_a_second_one_counts(
        self, process
    ) -> None:
        process.gets(signal.SIGTERM)
        process.time += 0.75
        process.gets(signal.SIGTERM)
        process.time += 0.75
        assert process.gets(signal.SIGTERM) == ["quit now"]

    def test_to_a_worker_a_second_one_is_the_same_order(self, process) -> None:
        process.supervisor.has_parent = True
        assert process.gets(signal.SIGTERM) == ["stop now"]
        process.supervisor.turn()
        process.time += 100
        assert process.gets(signal.SIGTERM) == []
        assert process.supervisor.turn() == ["stop"]

    def test_after_everything_has_ended_one_is_the_first_again(self, process) -> None:
        process.gets(signal.SIGTERM)
        process.policy.listen_no_more(process)
        assert process.reactions == {}
        process.policy.listen(process)
        process.time += 100
        assert process.gets(signal.SIGTERM) == ["stop now"]

    def test_one_that_repeats_it_is_expected_for_the_rest_of_a_second(
        self, process
    ) -> None:
        process.gets(signal.SIGTERM)
        process.time += 0.9
        process.policy.listen_no_more(process)
        process.policy.listen_no_more(process)
        assert process.repeated.are_expected
        process.time += 0.2
        assert not process.repeated.are_expected

    def test_without_one_none_is_expected_to_repeat_it(self, process) -> None:
        process.policy.listen_no_more(process)
        assert process.repeated is None


class TestDelay:
    """Between SIGTERM and the stop, clients may be accepted for a while."""

    @pytest.fixture
    def delayed(self, process) -> Process:
        process.supervisor.stop_delay = 10.0
        assert process.gets(signal.SIGTERM) == []
        assert process.supervisor.turn() == [
            received("SIGTERM", "stopping in 10 s (shutdown_delay)"),
            timeless(events.StopDelayed(seconds=10.0)),
        ]
        return process

    def test_when_it_is_over_all_is_done_as_at_sigterm(self, delayed) -> None:
        delayed.time += 10.0
        delayed.supervisor.told.clear()
        delayed.supervisor.delay_ends()
        assert delayed.supervisor.told == ["stop now"]
        assert not delayed.supervisor.delaying
        assert "stop" in delayed.supervisor.turn()
        assert delayed.gets(signal.SIGTERM) == ["quit now"]

    def test_a_sigterm_that_is_repeated_within_a_second_is_the_same(
        self, delayed
    ) -> None:
        delayed.time += 0.99
        assert delayed.gets(signal.SIGTERM) == []
        assert delayed.supervisor.turn() == []
        assert delayed.supervisor.delaying

    @pytest.mark.parametrize("in_worker", [False, True])
    def test_a_later_one_ends_it_only(self, delayed, in_worker) -> None:
        delayed.supervisor.has_parent = in_worker
        delayed.time += 1.0
        assert delayed.gets(signal.SIGTERM) == ["stop now"]
        assert not delayed.supervisor.delaying
        assert "stop" in delayed.supervisor.turn()
        delayed.time += 0.99
        assert delayed.gets(signal.SIGTERM) == []
        delayed.time += 0.01
        assert delayed.gets(signal.SIGTERM) == ([] if in_worker else ["quit now"])

    def test_sigint_has_none(self, delayed) -> None:
        assert delayed.gets(signal.SIGINT) == ["quit now"]


class TestOthers:
    """SIGINT and SIGHUP, and those that only wake."""

    def test_sigint_ends_everything_at_once(self, process) -> None:
        assert process.gets(signal.SIGINT) == ["quit now"]
        reason = received("SIGINT", "ending at once", forced=True)
        assert process.supervisor.turn() == [("quit", reason)]

    def test_sigint_is_its_parents_matter_in_a_worker(self, process) -> None:
        process.supervisor.has_parent = True
        assert process.gets(signal.SIGINT) == []
        assert process.supervisor.turn() == []

    def test_sighup_has_a_daemon_reload_and_is_told_before(self, process) -> None:
        assert process.gets(signal.SIGHUP) == []
        told = received("SIGHUP", "reading the configuration again")
        assert process.supervisor.turn() == [told, "reload"]

    def test_sighup_stops_what_is_in_the_foreground(self, process, monkeypatch) -> None:
        monkeypatch.setattr(foreground, "is_daemon", lambda **_: False)
        assert process.gets(signal.SIGHUP) == []
        told = received("SIGHUP", "in the foreground, stopping")
        assert process.supervisor.turn() == ["stop", told]

    @pytest.mark.parametrize(
        ("signum", "words", "wanted"),
        [
            (signal.SIGTTIN, "one worker more", 5),
            (signal.SIGTTOU, "one worker less, unless there is only one", 3),
        ],
    )
    def test_two_signals_add_and_take_a_worker(
        self, process, signum, words, wanted
    ) -> None:
        assert process.gets(signum) == []
        told = received(signal.Signals(signum).name, words)
        assert process.supervisor.turn() == [told, ("resize", wanted)]

    @pytest.mark.parametrize("signum", [signal.SIGTTIN, signal.SIGTTOU])
    def test_they_do_nothing_to_a_worker_and_suspend_what_has_none(
        self, process, signum
    ) -> None:
        process.supervisor.has_workers = False
        process.policy.listen(process)
        assert signum not in process.reactions
        process.supervisor.has_parent = True
        process.policy.listen(process)
        assert process.gets(signum) == []
        assert process.supervisor.turn() == []

    @pytest.mark.parametrize(("have", "wanted"), [(True, False), (False, True)])
    def test_sigchld_wakes_where_there_are_no_pidfds(
        self, process, monkeypatch, have, wanted
    ) -> None:
        monkeypatch.setattr(signal_policy, "pidfds_work", lambda: have)
        process.policy.listen(process)
        assert (signal.SIGCHLD in process.reactions) is wanted
        if wanted:
            assert process.gets(signal.SIGCHLD) == []

    @pytest.mark.parametrize(
        ("disposition", "wanted"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)]
    )
    def test_sigpipe_is_survived_where_it_would_end_the_process(
        self, process, disposition, wanted
    ) -> None:
        before = signal.signal(signal.SIGPIPE, disposition)
        try:
            process.policy.listen(process)
        finally:
            signal.signal(signal.SIGPIPE, before)
        assert (signal.SIGPIPE in process.reactions) is wanted
        if wanted:
            assert process.gets(signal.SIGPIPE) == []
