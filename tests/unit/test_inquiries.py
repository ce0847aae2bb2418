# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Questions: each is done once, with an answer of everybody or why there is none."""

from hypothesis import given
from hypothesis import strategies as st

from oslo_service.supervisor.exchange.inquiries import (
    ENDED,
    SILENT,
    Answer,
    Done,
    Inquiries,
    Respondent,
)

ONE, TWO, THREE = (Respondent(pid, "service", pid, pid) for pid in (1, 2, 3))


def done(answers: object) -> None:
    """Take answers."""


def begin(
    inquiries: Inquiries, asked: list[Respondent], until: float, done: Done
) -> int:
    """Ask something; return the number of the question."""
    number = inquiries.next_number()
    inquiries.begin(number, asked, until, done)
    return number


def test_it_is_done_when_everybody_has_answered() -> None:
    inquiries = Inquiries()
    number = begin(inquiries, [ONE, TWO], 5.0, done)
    inquiries.answered(number, Answer(TWO, "two"))
    assert inquiries.take_done(1.0) == []
    inquiries.answered(number, Answer(ONE, "one"))
    (found,) = inquiries.take_done(1.0)
    assert found.collected() == [Answer(ONE, "one"), Answer(TWO, "two")]
    assert found.done is done
    assert inquiries.take_done(9.0) == []
    assert inquiries.deadline is None


def test_nobody_is_waited_for_beyond_its_time() -> None:
    inquiries = Inquiries()
    number = begin(inquiries, [ONE, TWO], 5.0, done)
    begin(inquiries, [ONE], 7.0, done)
    inquiries.answered(number, Answer(TWO, "two"))
    assert inquiries.deadline == 5.0
    assert inquiries.take_done(4.999) == []
    (found,) = inquiries.take_done(5.0)
    assert found.collected() == [Answer(ONE, problem=SILENT), Answer(TWO, "two")]
    assert inquiries.deadline == 7.0
    inquiries.answered(number, Answer(ONE, "too late"))


def test_who_has_ended_is_not_waited_for_and_what_it_has_said_counts() -> None:
    inquiries = Inquiries()
    first = begin(inquiries, [ONE, TWO], 5.0, done)
    second = begin(inquiries, [TWO], 5.0, done)
    inquiries.answered(first, Answer(TWO, "said"))
    inquiries.ended(TWO)
    (found,) = inquiries.take_done(0.0)
    assert found.number == second
    assert found.collected() == [Answer(TWO, problem=ENDED)]
    inquiries.ended(ONE)
    (found,) = inquiries.take_done(0.0)
    assert found.collected() == [Answer(ONE, problem=ENDED), Answer(TWO, "said")]


def test_who_was_not_asked_does_not_answer() -> None:
    inquiries = Inquiries()
    number = begin(inquiries, [ONE], 5.0, done)
    inquiries.answered(number, Answer(THREE, "me, too"))
    assert inquiries.take_done(1.0) == []


def test_a_question_to_nobody_is_done() -> None:
    inquiries = Inquiries()
    begin(inquiries, [], 5.0, done)
    (found,) = inquiries.take_done(0.0)
    assert found.collected() == []


FACTS = st.one_of(
    st.tuples(st.just("begin"), st.sets(st.sampled_from([ONE, TWO, THREE]))),
    st.tuples(
        st.just("answered"),
        st.tuples(st.integers(1, 6), st.sampled_from([ONE, TWO, THREE])),
    ),
    st.tuples(st.just("ended"), st.sampled_from([ONE, TWO, THREE])),
    st.tuples(st.just("time"), st.integers(0, 3)),
)


@given(st.lists(FACTS, max_size=30))
def test_each_is_done_once_in_time_with_an_answer_of_everybody(facts) -> None:
    inquiries, now, begun = Inquiries(), 0.0, {}
    over: dict[int, list[Answer]] = {}
    for fact, about in [*facts, ("time", 10)]:
        if fact == "begin":
            asked = sorted(about, key=lambda one: one.pid)
            begun[begin(inquiries, asked, now + 4, done)] = asked
        elif fact == "answered":
            number, who = about
            inquiries.answered(number, Answer(who, number))
        elif fact == "ended":
            inquiries.ended(about)
        else:
            now += about
        for one in inquiries.take_done(now):
            assert one.number not in over
            over[one.number] = one.collected()
        assert inquiries.deadline is None or inquiries.deadline > now
    assert over.keys() == begun.keys()
    for number, answers in over.items():
        assert [one.respondent for one in answers] == begun[number]
        assert all(one.problem or one.value == number for one in answers)
