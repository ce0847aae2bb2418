# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Many deadlines, most of which are extended all the time."""

import pytest

from oslo_service.serving.deadlines import Deadlines


class Thing:
    """Something that has a deadline."""

    bucket: int | None = None

    def __init__(self, deadline: float | None) -> None:
        self.deadline = deadline


@pytest.fixture
def deadlines() -> Deadlines[Thing]:
    """Those of nothing, yet."""
    return Deadlines()


class TestDeadlines:
    """Never early, and at most a quarter of a second late."""

    def test_nothing_is_due_where_there_is_nothing(self, deadlines) -> None:
        assert deadlines.next is None
        assert deadlines.due(1e9) == []

    @pytest.mark.parametrize("deadline", [0.0, 0.1, 7.0, 7.249, 7.25, 123.456])
    def test_one_is_given_when_it_is_due(self, deadlines, deadline) -> None:
        thing = Thing(deadline)
        assert deadlines.note(thing)
        assert deadline < deadlines.next <= deadline + 0.25
        assert deadlines.due(deadline - 0.001) == []
        assert deadlines.due(deadlines.next) == [thing]
        assert deadlines.next is None

    def test_each_is_given_once(self, deadlines) -> None:
        deadlines.note(Thing(1.0))
        assert len(deadlines.due(2.0)) == 1
        assert deadlines.due(3.0) == []

    def test_one_without_a_deadline_is_never_due(self, deadlines) -> None:
        assert not deadlines.note(Thing(None))
        assert deadlines.next is None

    def test_one_may_be_extended_without_a_word(self, deadlines) -> None:
        thing = Thing(1.0)
        deadlines.note(thing)
        thing.deadline = 5.0
        assert deadlines.due(2.0) == []
        assert deadlines.next == pytest.approx(5.25)
        assert deadlines.due(6.0) == [thing]

    def test_one_that_was_no_more_may_come_again(self, deadlines) -> None:
        thing = Thing(1.0)
        deadlines.note(thing)
        deadlines.forget(thing)
        thing.deadline = 5.0
        deadlines.note(thing)
        assert deadlines.due(6.0) == [thing]

    def test_one_may_lose_its_deadline(self, deadlines) -> None:
        thing = Thing(1.0)
        deadlines.note(thing)
        thing.deadline = None
        assert deadlines.due(2.0) == []
        assert deadlines.next is None

    def test_one_that_is_due_earlier_is_to_be_noted(self, deadlines) -> None:
        thing = Thing(9.0)
        deadlines.note(thing)
        thing.deadline = 2.0
        assert deadlines.note(thing)
        assert deadlines.due(3.0) == [thing]
        assert deadlines.next is None

    def test_noting_one_again_changes_nothing(self, deadlines) -> None:
        thing = Thing(1.0)
        deadlines.note(thing)
        assert not deadlines.note(thing)
        assert deadlines.due(2.0) == [thing]

    def test_a_later_one_is_not_the_next(self, deadlines) -> None:
        assert deadlines.note(Thing(1.0))
        assert not deadlines.note(Thing(2.0))

    def test_what_is_forgotten_is_not_given(self, deadlines) -> None:
        gone, stays = Thing(1.0), Thing(1.0)
        deadlines.note(gone)
        deadlines.note(stays)
        deadlines.forget(gone)
        deadlines.forget(gone)
        assert deadlines.due(2.0) == [stays]

    def test_they_are_given_in_order(self, deadlines) -> None:
        things = [Thing(float(n)) for n in (3, 1, 2)]
        for thing in things:
            deadlines.note(thing)
        assert [thing.deadline for thing in deadlines.due(9.0)] == [1.0, 2.0, 3.0]
