# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent decides for its workers."""

import types

import pytest

from oslo_service.clustering import host
from oslo_service.clustering.due_times import RUN, SKIP
from oslo_service.clustering.host_state import HostState


@pytest.fixture
def state() -> HostState:
    return HostState()


class TestDueTimes:
    """The first worker that asks runs a due time."""

    def test_each_is_given_to_one(self, state) -> None:
        assert state.claim("a", "task", 10.0, SKIP)
        assert not state.claim("b", "task", 10.0, SKIP)
        assert not state.claim("a", "task", 10.0, SKIP)
        assert state.claim("b", "task", 20.0, SKIP)
        assert not state.claim("a", "task", 10.0, SKIP)

    def test_tasks_have_nothing_to_do_with_each_other(self, state) -> None:
        assert state.claim("a", "task", 10.0, SKIP)
        assert state.claim("b", "other", 10.0, SKIP)

    def test_what_a_worker_had_begun_that_has_ended_is_known(self, state) -> None:
        state.claim("a", "task", 10.0, SKIP)
        state.claim("a", "other", 10.0, SKIP)
        state.ended("a", "other", 10.0)
        (found,) = state.gone("a")
        assert (found.task, found.due) == ("task", 10.0)
        assert state.gone("a") == []

    def test_it_is_not_given_to_another_where_that_is_not_wanted(self, state) -> None:
        state.claim("a", "task", 10.0, SKIP)
        state.gone("a")
        assert not state.claim("b", "task", 10.0, SKIP)

    def test_it_is_given_to_another_where_that_is_wanted(self, state) -> None:
        state.claim("a", "task", 10.0, RUN)
        state.gone("a")
        assert state.claim("b", "task", 10.0, RUN)

    def test_not_if_it_has_ended_or_a_later_one_was_begun(self, state) -> None:
        state.claim("a", "task", 10.0, RUN)
        state.ended("a", "task", 10.0)
        state.gone("a")
        assert not state.claim("b", "task", 10.0, RUN)
        state.claim("c", "task", 20.0, RUN)
        state.claim("b", "task", 30.0, RUN)
        state.gone("c")
        assert not state.claim("d", "task", 20.0, RUN)


class TestLocksAndGroups:
    """They are of workers that live."""

    def test_one_has_a_lock_until_it_gives_it_back(self, state) -> None:
        assert state.acquire("a", "lock")
        assert state.acquire("a", "lock")
        assert not state.acquire("b", "lock")
        state.release("b", "lock")
        assert not state.acquire("b", "lock")
        state.release("a", "lock")
        assert state.acquire("b", "lock")

    def test_who_has_ended_has_none_and_is_in_no_group(self, state) -> None:
        state.acquire("a", "lock")
        state.join("a", "group", "one")
        state.join("b", "group", "two")
        assert state.members("b", "group") == ["one", "two"]
        state.gone("a")
        assert state.acquire("b", "lock")
        assert state.members("b", "group") == ["two"]

    def test_who_has_left_is_no_member(self, state) -> None:
        state.join("a", "group", "one")
        state.leave("a", "group")
        state.leave("a", "other")
        assert state.members("a", "group") == []


class TestLeases:
    """A parent knows until when a worker is sure to have a lock."""

    def test_the_first_end_is_the_time_to_look(self, state) -> None:
        assert state.deadline is None
        state.hold("a", "lock", 20.0, False)
        state.hold("b", "other", 10.0, True)
        assert state.deadline == 10.0
        state.hold("b", "other", 30.0, True)
        assert state.deadline == 20.0
        state.hold_no_more("a", "lock")
        assert state.deadline == 30.0

    def test_who_does_not_stop_in_time_is_to_be_killed_once(self, state) -> None:
        state.hold("a", "lock", 10.0, True)
        assert state.passed(9.9) == ([], [])
        assert state.passed(10.0) == (["a"], [])
        assert state.passed(11.0) == ([], [])
        assert state.deadline is None

    def test_nobody_is_killed_who_has_stopped(self, state) -> None:
        state.hold("a", "lock", 10.0, True)
        state.hold_no_more("a", "lock")
        assert state.passed(11.0) == ([], [])

    def test_what_a_worker_that_is_paused_had_begun_is_known_once(self, state) -> None:
        state.hold("a", "lock", 10.0, False)
        state.begun("a", "task", 5.0)
        kill, paused = state.passed(10.0)
        assert kill == []
        ((who, found),) = paused
        assert (who, found.task, found.due) == ("a", "task", 5.0)
        assert state.gone("a") == []

    def test_who_has_ended_has_no_lease(self, state) -> None:
        state.hold("a", "lock", 10.0, True)
        state.gone("a")
        assert state.deadline is None
        assert state.passed(11.0) == ([], [])


def test_the_time_is_not_looked_for_while_somebody_changes_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside: list[bool] = []

    class Guard:
        def __enter__(self) -> None:
            inside.append(True)

        def __exit__(self, *_exc_info: object) -> None:
            inside.pop()

    class State:
        @property
        def deadline(self) -> None:
            assert inside, "a lease that is taken meanwhile ends the supervisor's wait"

    here = host._Host()
    here._guard, here.state = Guard(), State()  # type: ignore[assignment]
    monkeypatch.setattr(host, "_host", types.SimpleNamespace(get=lambda: here))
    assert host._deadline() is None
