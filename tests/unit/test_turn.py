# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is, and what becomes of the orders meanwhile."""

import logging
from collections.abc import Iterator

import pytest

from oslo_service.supervisor.turn import Turn
from oslo_service.testing.scripted import ScriptedDriver


class Supervisor:
    """Has a turn, and notes what happens."""

    def __init__(self, driver: ScriptedDriver) -> None:
        self.seen: list[str] = []
        self.turn = Turn(driver, self.follow_up, lambda: self.seen.append("woken"))

    def follow_up(self) -> None:
        self.seen.append("followed up")

    def one(self) -> None:
        self.seen.append("one")

    def two(self) -> None:
        self.seen.append("two")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with ScriptedDriver() as driver:
        yield Supervisor(driver)


class TestOrders:
    """What they are carried out by, and when."""

    def test_one_that_is_posted_where_nobody_has_the_turn_is_carried_out(
        self, supervisor
    ) -> None:
        supervisor.turn.post(supervisor.one)
        assert supervisor.seen == ["woken", "one", "followed up"]

    def test_one_that_is_posted_while_somebody_has_the_turn_is_left_to_him(
        self, supervisor
    ) -> None:
        with supervisor.turn.take():
            supervisor.turn.post(supervisor.one)
            assert supervisor.seen == ["woken"]
            supervisor.turn.carry_out()
        assert supervisor.seen == ["woken", "one", "followed up"]

    def test_one_that_is_latched_waits_for_whoever_turns(self, supervisor) -> None:
        supervisor.turn.latch(supervisor.one)
        assert supervisor.seen == ["woken"]
        supervisor.turn.post(supervisor.two)
        assert supervisor.seen == ["woken", "woken", "one", "two", "followed up"]

    def test_one_that_another_posts_is_carried_out_after_that_not_inside(
        self, supervisor
    ) -> None:
        def outer() -> None:
            supervisor.turn.post(supervisor.two)
            supervisor.one()

        supervisor.turn.post(outer)
        assert supervisor.seen == ["woken", "woken", "one", "two", "followed up"]

    def test_one_that_comes_as_the_turn_ends_is_carried_out_nevertheless(
        self, supervisor, monkeypatch
    ) -> None:
        follow_up = supervisor.follow_up

        def once() -> None:
            supervisor.turn._follow_up = follow_up
            supervisor.turn.latch(supervisor.two)

        monkeypatch.setattr(supervisor.turn, "_follow_up", once)
        supervisor.turn.post(supervisor.one)
        assert supervisor.seen == ["woken", "one", "woken", "two", "followed up"]

    def test_one_that_fails_is_logged_and_the_next_is_carried_out(
        self, supervisor, caplog
    ) -> None:
        def failing() -> None:
            raise ZeroDivisionError

        supervisor.turn.latch(failing)
        supervisor.turn.post(supervisor.two)
        assert supervisor.seen[2:] == ["two", "followed up"]
        [record] = caplog.records
        assert record.levelno == logging.ERROR
        assert "failing" in record.getMessage()
        assert record.exc_info[0] is ZeroDivisionError

    def test_what_follows_is_done_though_there_was_no_order(self, supervisor) -> None:
        with supervisor.turn.take():
            supervisor.turn.carry_out()
        assert supervisor.seen == ["followed up"]


class TestTaking:
    """Only one has the turn."""

    def test_it_is_to_be_had_once(self, supervisor) -> None:
        with supervisor.turn.take() as first, supervisor.turn.take() as second:
            assert (first, second) == (True, False)

    def test_who_did_not_get_it_does_not_give_it_back(self, supervisor) -> None:
        with supervisor.turn.take():
            with supervisor.turn.take():
                pass
            with supervisor.turn.take() as again:
                assert not again

    def test_it_is_given_back_by_what_fails_too(self, supervisor) -> None:
        with pytest.raises(ZeroDivisionError), supervisor.turn.take():
            raise ZeroDivisionError
        with supervisor.turn.take() as again:
            assert again


class TestWaiting:
    """Who waits for the turn looks again when it is given back."""

    def test_everybody_is_woken_when_it_is_given_back(self, supervisor) -> None:
        events = [supervisor.turn.wait_event() for _ in range(3)]
        with supervisor.turn.take():
            assert not any(event.is_set() for event in events)
        assert all(event.is_set() for event in events)

    def test_nobody_is_woken_by_one_who_did_not_get_it(self, supervisor) -> None:
        with supervisor.turn.take():
            event = supervisor.turn.wait_event()
            with supervisor.turn.take():
                pass
            assert not event.is_set()

    def test_who_is_woken_once_is_not_kept(self, supervisor) -> None:
        event = supervisor.turn.wait_event()
        supervisor.turn.wake_waiting()
        event.clear()
        supervisor.turn.wake_waiting()
        assert not event.is_set()

    def test_who_begins_to_wait_while_others_are_woken_waits_for_the_next_time(
        self, supervisor, monkeypatch
    ) -> None:
        first = supervisor.turn.wait_event()
        late = []
        monkeypatch.setattr(
            first, "set", lambda: late.append(supervisor.turn.wait_event())
        )
        supervisor.turn.wake_waiting()
        assert not late[0].is_set()
        supervisor.turn.wake_waiting()
        assert late[0].is_set()


class TestLent:
    """While the turn is lent, whoever posts an order carries it out."""

    def test_one_that_has_come_just_before_is_carried_out_first(
        self, supervisor
    ) -> None:
        with supervisor.turn.take():
            supervisor.turn.carry_out()
            supervisor.turn.latch(supervisor.one)
            supervisor.turn.lend(lambda: supervisor.seen.append("lent"))
        before = ["followed up", "woken", "one", "followed up"]
        assert supervisor.seen == [*before, "lent"]

    def test_one_that_comes_while_those_are_carried_out_is_not_left_either(
        self, supervisor, monkeypatch
    ) -> None:
        follow_up = supervisor.follow_up

        def once() -> None:
            supervisor.turn._follow_up = follow_up
            supervisor.turn.post(supervisor.two)

        monkeypatch.setattr(supervisor.turn, "_follow_up", once)
        with supervisor.turn.take():
            supervisor.turn.latch(supervisor.one)
            supervisor.turn.lend(lambda: supervisor.seen.append("lent"))
        before = ["woken", "one", "woken", "two", "followed up"]
        assert supervisor.seen == [*before, "lent"]

    def test_one_that_is_posted_meanwhile_is_carried_out_at_once(
        self, supervisor
    ) -> None:
        def call() -> None:
            supervisor.turn.post(supervisor.one)
            assert supervisor.seen == ["woken", "one", "followed up"]

        with supervisor.turn.take():
            supervisor.turn.lend(call)

    def test_who_has_lent_it_has_it_still(self, supervisor) -> None:
        def call() -> None:
            supervisor.turn.post(supervisor.one)
            assert supervisor.turn.held_here

        with supervisor.turn.take():
            supervisor.turn.lend(call)
