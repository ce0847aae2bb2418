# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Questions and answers, from both ends, without processes."""

import collections
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oslo_service._common import clock
from oslo_service.supervisor import events
from oslo_service.supervisor.exchange import exchange as exchanges
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.exchange.exchange import Exchange
from oslo_service.supervisor.exchange.framing import pack, split, unpack
from oslo_service.supervisor.exchange.inquiries import (
    ENDED,
    SILENT,
    UNHEARD,
    Answer,
    Respondent,
)
from oslo_service.supervisor.loop import Supervisor
from oslo_service.testing.waiting import LIMIT, until_asleep

HERE = Respondent(os.getpid())
ONE, TWO = Respondent(11, "api", 0, 1), Respondent(12, "api", 1, 2)
NOW = 1000.0


class Unit:
    """Workers that keep what they are sent."""

    def __init__(self, *workers: Respondent) -> None:
        self.has_workers = False
        self.workers = list(workers)
        self.sent: dict[Respondent, list[Any]] = collections.defaultdict(list)
        self.full: set[Respondent] = set()

    def respondents(self) -> list[Respondent]:
        return self.workers

    def send(self, respondent: Respondent, message: bytes) -> bool:
        if respondent in self.full:
            return False
        (whole,), rest = split(message)
        assert not rest
        self.sent[respondent].append(unpack(whole[1:]))
        return True


class Link:
    """A parent that keeps what it is told."""

    def __init__(self) -> None:
        self.outbox: Link | None = self
        self.told: list[Any] = []
        self.on_wait: Callable[[], object] = lambda: None

    def send(self, message: bytes) -> None:
        self.told.append(unpack(message))

    def drain(self, wait: Callable[[float], object], seconds: float) -> None:
        self.told.append(seconds)


class Driver:
    """Begins tasks when it is told to."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.hangs = False

    def spawn(self, call: Callable[[], object], *, name: str) -> "Task":
        assert name
        self.calls.append(call)
        return Task(call, hangs=self.hangs)


class Task:
    """Does what it is to do when it is waited for, unless it hangs."""

    def __init__(self, call: Callable[[], object], *, hangs: bool) -> None:
        self.call = call
        self.hangs = hangs

    def wait(self, timeout: float) -> object:
        if self.hangs:
            raise TimeoutError(f"after {timeout} s")
        return self.call()


class World:
    """An exchange, and all around it."""

    def __init__(self, link: Link | None = None) -> None:
        self.unit = Unit()
        self.events: list[events.Event] = []
        self.answers: list[Any] = []
        self.wakes: list[bool] = []
        self.driver = Driver()
        self.exchange = Exchange(
            self.driver,
            lambda: [self.unit],
            link,
            post=lambda order: order(),
            wake=lambda: self.wakes.append(True),
            publish=self.events.append,
        )

    def ask(self, kind: str = "greeting", **args: Any) -> None:
        self.exchange.ask(kind, args, 5.0, self.answers.append)

    def hear(self, sender: Respondent, head: dict[str, Any], value: Any) -> None:
        self.exchange.heard(self.unit, sender, pack(head, value))


@pytest.fixture(autouse=True)
def time(monkeypatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture(autouse=True)
def nothing_registered() -> Iterator[None]:
    before = registry._registry.get()
    registry._registry.set(registry._Registry())
    registry.answer("greeting", lambda args: {"hello": args})
    yield
    registry._registry.set(before)


@pytest.fixture
def world() -> World:
    return World()


class TestAsking:
    """A parent, and its workers."""

    def test_everybody_answers(self, world) -> None:
        world.unit.workers = [ONE, TWO]
        world.ask(a=1)
        ((head, args),) = world.unit.sent[ONE]
        assert head["ask"] == "greeting"
        assert args == {"a": 1}
        world.hear(TWO, {"answer": head["number"]}, "two")
        world.exchange.advance(NOW)
        assert world.answers == []
        assert world.exchange.deadline == NOW + 5
        world.hear(ONE, {"answer": head["number"], "problem": "cannot"}, None)
        world.exchange.advance(NOW)
        assert world.answers == [
            [
                Answer(HERE, {"hello": {"a": 1}}),
                Answer(ONE, None, "cannot"),
                Answer(TWO, "two"),
            ]
        ]
        assert world.exchange.deadline is None

    def test_nobody_is_waited_for_too_long(self, world) -> None:
        world.unit.workers = [ONE, TWO]
        world.unit.full.add(TWO)
        world.ask()
        world.exchange.advance(NOW + 5)
        (answers,) = world.answers
        assert [one.problem for one in answers] == ["", SILENT, UNHEARD]

    def test_who_ends_is_waited_for_no_more(self, world) -> None:
        ended = []
        registry.at_end_of_worker("me", ended.append)
        world.unit.workers = [ONE]
        world.ask()
        world.exchange.ended(ONE)
        world.exchange.advance(NOW)
        (answers,) = world.answers
        assert [one.problem for one in answers] == ["", ENDED]
        assert ended == [ONE]

    def test_who_never_answers_is_asked_no_more_until_it_does(self, world) -> None:
        world.unit.workers = [ONE, TWO]
        for _ in range(100):
            world.ask()
            head, _ = world.unit.sent[TWO][-1]
            world.hear(TWO, {"answer": head["number"]}, "two")
        assert len(world.unit.sent[TWO]) == 100
        asked = len(world.unit.sent[ONE])
        assert 10 < asked < 100
        head, _ = world.unit.sent[ONE][-1]
        world.hear(ONE, {"answer": head["number"]}, "late")
        world.ask()
        assert len(world.unit.sent[ONE]) == asked + 1

    def test_a_question_that_is_too_long_is_refused(self, world) -> None:
        world.unit.workers = [ONE]
        with pytest.raises(ValueError, match="has room for"):
            world.ask(long="x" * 5000)
        world.exchange.advance(NOW + 5)
        assert world.answers == [], "who was told so is not told again"

    def test_who_takes_the_answers_may_fail(self, world) -> None:
        world.exchange.ask("greeting", {}, 5.0, lambda _answers: 1 / 0)
        world.exchange.advance(NOW)
        (event,) = world.events
        assert isinstance(event.error, ZeroDivisionError)

    def test_a_process_answers_itself_in_a_task_where_it_may_take_long(self) -> None:
        world = World()
        registry.answer(
            "greeting", lambda _args: "at once", at_length=lambda _args: "at length"
        )
        world.ask()
        world.exchange.advance(NOW)
        assert world.answers == []
        world.driver.calls.pop()()
        world.exchange.advance(NOW)
        assert world.answers == [[Answer(HERE, "at length")]]

    def test_one_that_has_workers_begins_no_task_for_that(self) -> None:
        world = World()
        world.unit.has_workers = True  # though there may be none at the moment
        registry.answer(
            "greeting", lambda _args: "at once", at_length=lambda _args: "at length"
        )
        world.ask()
        assert world.driver.calls == []
        world.exchange.advance(NOW)
        assert world.answers == [[Answer(HERE, "at once")]]

    def test_how_a_process_is_called(self) -> None:
        assert ONE.name == "api/0"
        assert HERE.name == f"pid {os.getpid()}"

    def test_what_nobody_knows_is_said(self, world) -> None:
        world.ask("weather")
        world.exchange.advance(NOW)
        assert "'weather'" in world.answers[0][0].problem


class TestHearing:
    """A parent is told something, and replies to who wants that."""

    def test_it_replies_to_who_asks(self, world) -> None:
        registry.hear("claim", lambda sender, value: [sender.worker, value])
        world.hear(ONE, {"tell": "claim", "number": 3}, "mine")
        assert world.unit.sent[ONE] == [({"reply": 3}, [0, "mine"])]
        world.hear(TWO, {"tell": "claim"}, "mine, too")
        assert TWO not in world.unit.sent

    def test_what_makes_no_sense_is_told_of_and_harms_nobody(self, world) -> None:
        world.exchange.heard(world.unit, ONE, b"no message")
        registry.hear("claim", lambda _sender, _value: "x" * 5000)
        world.hear(ONE, {"tell": "claim", "number": 3}, None)
        assert ONE not in world.unit.sent
        assert len(world.events) == 2

    def test_who_listens_may_fail_and_may_be_nobody(self, world) -> None:
        registry.hear("claim", lambda _sender, _value: 1 / 0)
        world.hear(ONE, {"tell": "claim", "number": 3}, None)
        world.hear(ONE, {"tell": "nothing", "number": 4}, None)
        assert world.unit.sent[ONE] == [({"reply": 3}, None), ({"reply": 4}, None)]
        assert len(world.events) == 1


class TestDeadlines:
    """What else is to be done at a time."""

    def test_it_is_done_at_its_time_and_not_before(self, world) -> None:
        done = []
        registry.enforce_deadline(lambda: None, done.append)
        registry.enforce_deadline(lambda: NOW + 3, done.append)
        registry.enforce_deadline(lambda: NOW + 9, done.append)
        world.unit.workers = [ONE]
        world.ask()
        assert world.exchange.enforced_deadline == NOW + 3
        world.exchange.advance(NOW + 2.99)
        assert world.exchange.deadline == NOW + 3
        assert done == []
        world.exchange.advance(NOW + 3)
        assert done == [NOW + 3]

    def test_what_fails_then_is_told_of_and_harms_nobody(self, world) -> None:
        done = []
        registry.enforce_deadline(lambda: NOW, lambda _now: 1 / 0)
        registry.enforce_deadline(lambda: NOW, done.append)
        world.exchange.advance(NOW)
        (event,) = world.events
        assert isinstance(event.error, ZeroDivisionError)
        assert done == [NOW]


class TestInAWorker:
    """What a worker answers, and tells."""

    @pytest.fixture
    def link(self) -> Link:
        return Link()

    @pytest.fixture
    def world(self, link) -> World:
        return World(link)

    def test_it_answers(self, world, link) -> None:
        world.exchange.listen(pack({"ask": "greeting", "number": 7}, {"a": 1}))
        world.exchange.listen(pack({"ask": "weather", "number": 8}, {}))
        assert link.told[0] == ({"answer": 7}, {"hello": {"a": 1}})
        assert "'weather'" in link.told[1][0]["problem"]

    def test_what_fails_is_an_answer_too(self, world, link) -> None:
        registry.answer("failing", lambda _args: 1 / 0)
        registry.answer("strange", lambda _args: object())
        for number, kind in enumerate(("failing", "strange")):
            world.exchange.listen(pack({"ask": kind, "number": number}, {}))
        problems = [head["problem"] for head, _ in link.told]
        assert problems[0] == "ZeroDivisionError: division by zero"
        assert problems[1].startswith("TypeError: ")

    def test_it_tells_and_may_have_a_reply(self, world, link) -> None:
        replies: list[Any] = []
        assert world.exchange.tell("news", b"raw")
        assert world.exchange.ask_parent("claim", [1], replies.append)
        assert link.told[0] == ({"tell": "news"}, b"raw")
        head, value = link.told[1]
        assert (head["tell"], value) == ("claim", [1])
        for _ in range(2):
            world.exchange.listen(pack({"reply": head["number"]}, "yes"))
        assert replies == ["yes"]

    def test_who_waits_no_more_has_no_reply_and_leaves_nothing(
        self, world, link
    ) -> None:
        class Asker:
            def take(self, reply: Any) -> None:
                replies.append(reply)

        replies: list[Any] = []
        askers = [Asker(), Asker()]
        there = [weakref.ref(one) for one in askers]
        give_up = world.exchange.ask_parent("claim", 1, askers.pop().take)
        give_up()
        world.exchange.listen(pack({"reply": link.told[0][0]["number"]}, "yes"))
        world.exchange.ask_parent("claim", 1, askers.pop().take)
        world.exchange.leave()
        world.exchange.listen(pack({"reply": link.told[1][0]["number"]}, "yes"))
        assert replies == []
        assert [one() for one in there] == [None, None]

    def test_what_cannot_be_told_leaves_nothing(self, world) -> None:
        with pytest.raises(TypeError):
            world.exchange.ask_parent("claim", object(), print)
        assert world.exchange._replies == {}

    def test_without_a_way_it_is_told_so(self, world, link) -> None:
        link.outbox = None
        assert not world.exchange.tell("news", 1)
        assert world.exchange.ask_parent("claim", 1, print) is None
        world.exchange.listen(pack({"ask": "greeting", "number": 7}, {}))
        world.exchange.leave()
        assert world.events == []

    def test_what_has_to_wait_wakes_whoever_turns(self, world, link) -> None:
        link.on_wait()
        assert world.wakes == [True]

    def test_what_it_has_to_tell_at_its_end_is_told_and_those_that_fail_harm_none(
        self, world, link
    ) -> None:
        registry.tell_at_end("figures", lambda: 1 / 0)
        registry.tell_at_end("counts", lambda: [1, 2])
        world.exchange.leave()
        told, seconds = link.told
        assert told == ({"tell": "counts"}, [1, 2])
        assert seconds > 0, "they are waited for until they are written"
        (event,) = world.events
        assert isinstance(event.error, ZeroDivisionError)

    @pytest.mark.parametrize("takes", ["long", "forever"])
    def test_what_it_has_to_tell_at_length_is_not_waited_for_for_long(
        self, world, link, takes
    ) -> None:
        registry.tell_at_end("figures", lambda: "short", at_length=lambda: "long")
        world.driver.hangs = takes == "forever"
        world.exchange.leave()
        told, _ = link.told
        assert told == ({"tell": "figures"}, "short" if world.driver.hangs else "long")

    def test_one_without_a_parent_tells_itself(self) -> None:
        replies: list[Any] = []
        registry.hear("claim", lambda sender, value: [sender.pid, value])
        assert World().exchange.ask_parent("claim", 1, replies.append)
        assert replies == [[os.getpid(), 1]]


def test_it_is_made_once_though_another_wants_it_just_then(driver, monkeypatch) -> None:
    made: list[Exchange] = []
    found: list[Exchange] = []

    class Slow(Exchange):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)
            if len(made) == 1:
                other.start()
                until_asleep(other.native_id)

    monkeypatch.setattr(exchanges, "Exchange", Slow)
    supervisor = Supervisor(driver)
    other = threading.Thread(
        target=lambda: found.append(supervisor.exchange), daemon=True
    )
    try:
        found.append(supervisor.exchange)
        other.join(LIMIT)
    finally:
        supervisor.abandon()
    assert len(found) == 2
    assert {*made} == {*found}
