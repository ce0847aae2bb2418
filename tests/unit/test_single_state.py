# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that runs where a lock is held."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oslo_service.clustering.single_state import Action, SingleState

START, STOP, RELEASE = Action.START, Action.STOP, Action.RELEASE
LEAVE, END = Action.LEAVE, Action.END


@pytest.fixture
def state() -> SingleState:
    return SingleState()


def test_it_is_started_when_the_lock_is_taken(state) -> None:
    assert state.taken() == [START]
    assert state.running
    assert state.taken() == []


def test_it_is_stopped_once_when_the_lock_may_go(state) -> None:
    state.taken()
    assert state.endangered() == [STOP]
    assert state.endangered() == []
    assert not state.running


def test_when_it_has_ended_the_lock_is_given_back_and_asked_for_again(state) -> None:
    state.taken()
    state.endangered()
    assert state.finished() == [RELEASE]
    assert state.taken() == [START]


def test_the_end_of_it_all_stops_it_and_gives_the_lock_back_for_good(state) -> None:
    state.taken()
    assert state.stop() == [STOP]
    assert state.finished() == [LEAVE, END]
    assert state.ended
    assert state.taken() == []


def test_the_end_comes_at_once_where_it_does_not_run(state) -> None:
    assert state.stop() == [LEAVE, END]


def test_the_end_while_it_stops_already_waits_for_that(state) -> None:
    state.taken()
    state.endangered()
    assert state.stop() == []
    assert state.finished() == [LEAVE, END]


def test_one_that_has_failed_is_stopped_and_that_is_the_end(state) -> None:
    state.taken()
    assert state.failed() == [STOP]
    assert state.finished() == [LEAVE, END]


FACTS = ["taken", "endangered", "stop", "failed", "finished"]


@given(facts=st.lists(st.sampled_from(FACTS), max_size=30))
def test_it_is_started_stopped_and_given_back_in_turn(facts) -> None:
    state, lives = SingleState(), False
    done: list[Action] = []
    for fact in facts:
        if fact in ("failed", "finished") and not lives:
            continue  # there is nobody who could tell
        if fact == "finished" and state.running:
            continue  # it ends when it was told to
        if state.ended:
            break
        for action in getattr(state, fact)():
            done.append(action)
            lives = lives or action is START
        if fact == "finished":
            lives = False
    order = [one for one in done if one is not END]
    expected = {START: (STOP,), STOP: (RELEASE, LEAVE), RELEASE: (START, LEAVE)}
    for before, after in itertools.pairwise(order):
        assert after in expected[before], done
    assert done.count(END) == done.count(LEAVE) <= 1
