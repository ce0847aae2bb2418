# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Answers that are waited for."""

from oslo_service import events
from oslo_service.admin.deferred_replies import Awaited, Heard, Once, Outcome
from oslo_service.admin.messages import Reply, as_json


class Question:
    """Is asked again and again, and answered when it is told to."""

    def __init__(self) -> None:
        self.asked = self.made = 0
        self.done = []

    def ask(self) -> Awaited:
        self.asked += 1
        return Awaited(self.done.append, self.make)

    def make(self, value: object) -> Reply:
        self.made += 1
        return as_json(value)


def test_several_who_want_to_know_at_a_time_ask_once() -> None:
    once, question = Once(), Question()
    first, second = (once.ask("metrics", question.ask) for _ in range(2))
    assert question.asked == 1
    assert first.reply(0.0) is None
    assert first.deadline is None
    question.done[0](7)
    assert first.reply(0.0) == second.reply(0.0) == as_json(7)
    assert first.deadline == 0.0
    assert question.made == 1
    assert once.ask("metrics", question.ask).reply(0.0) is None
    assert question.asked == 2
    once.ask("another", question.ask)
    assert question.asked == 3


def test_an_outcome_is_the_first_event_that_decides() -> None:
    heard = Heard()

    def judge(event: events.Event) -> Reply | None:
        return as_json("ready") if isinstance(event, events.Ready) else None

    outcome = Outcome(judge, heard)
    heard.hear(events.ReloadStarted())
    assert (outcome.reply(0.0), outcome.deadline) == (None, None)
    heard.hear(events.Ready())
    assert outcome.deadline == 0.0
    assert outcome.reply(0.0) == as_json("ready")
    assert heard.outcomes == []
    Outcome(judge, heard).forget()
    assert heard.outcomes == []


def test_one_that_cannot_be_told_is_an_error(caplog) -> None:
    heard = Heard()

    def judge(_event: events.Event) -> Reply | None:
        raise RuntimeError("nothing can be told")

    outcome = Outcome(judge, heard)
    heard.hear(events.Ready())
    reply = outcome.reply(0.0)
    assert reply is not None
    assert reply.status == 500
    assert "nothing can be told" in caplog.text
