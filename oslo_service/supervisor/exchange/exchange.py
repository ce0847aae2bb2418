# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Questions to all processes that are supervised, and what workers tell unasked."""

import collections
import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

from oslo_service._common import clock
from oslo_service._common.times import earliest
from oslo_service.backend.base import Driver
from oslo_service.supervisor import events
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.exchange.framing import frame, pack, unpack
from oslo_service.supervisor.exchange.inquiries import (
    UNHEARD,
    Answer,
    Done,
    Inquiries,
    Respondent,
)
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.workers.parent_link import ParentLink

__all__ = ("Exchange",)

#: Takes what a parent replies.
OnReply = Callable[[Any], object]

# How long a worker waits, at its end, for each thing that it tells, and until all of it
# is written, in seconds.
_LAST_WORDS = 1.0
# A worker that has left so many questions unanswered in a row is asked no more, or
# its orders would have no room left in the pipe.
_UNANSWERED = 64


class Exchange:
    """What this process asks its workers and itself, and answers its parent.

    For whoever turns the supervisor, but for :meth:`tell` and :meth:`ask_parent`, which
    are thread-safe.

    :param driver: the driver.
    :param units: returns what is supervised.
    :param link: to the parent, in a worker.
    :param post: has an order carried out by whoever turns; thread-safe.
    :param wake: has whoever turns look again.
    :param publish: takes the events.
    """

    def __init__(
        self,
        driver: Driver,
        units: Callable[[], Sequence[Unit]],
        link: ParentLink | None,
        post: Callable[[Callable[[], object]], object],
        wake: Callable[[], object],
        publish: Callable[[events.Event], object],
    ) -> None:
        self._driver = driver
        self._units = units
        self._link = link
        self._post = post
        self._publish = publish
        self._inquiries = Inquiries()
        self._unanswered: collections.Counter[Respondent] = collections.Counter()
        self._numbers = itertools.count(1)
        self._replies: dict[int, OnReply] = {}
        if link is not None and link.outbox is not None:
            link.outbox.on_wait = wake

    # Asking

    def ask(self, kind: str, args: dict[str, Any], seconds: float, done: Done) -> None:
        """Ask this process, and every worker; non-blocking.

        :param kind: the name of the question.
        :param args: what JSON can be, and short: all of it has 4 kB.
        :param seconds: how long to wait for a process.
        :param done: called once, by whoever turns: with the answers, this
            process's first, when all are there or the time is over.
        :raises ValueError: the question is too long: nobody is asked.
        """
        here = Respondent(os.getpid())
        workers = [(unit, one) for unit in self._units() for one in unit.respondents()]
        asked = [here, *(one for _, one in workers)]
        number = self._inquiries.next_number()
        question = frame(pack({"ask": kind, "number": number}, args))
        self._inquiries.begin(number, asked, clock.now() + seconds, done)
        for unit, one in workers:
            if not self._put(unit, one, question):
                self._inquiries.answered(number, Answer(one, problem=UNHEARD))

        def take(value: Any, problem: str) -> None:
            answer = Answer(here, value, problem)
            self._post(functools.partial(self._inquiries.answered, number, answer))

        # Nothing but what a fork survives is begun where workers are, or will be.
        in_turn = any(unit.has_workers for unit in self._units())
        self._answer(kind, args, take, in_turn=in_turn)

    def _put(self, unit: Unit, worker: Respondent, question: bytes) -> bool:
        """Put a question to a worker; return whether that was possible."""
        self._unanswered[worker] += 1
        return self._unanswered[worker] <= _UNANSWERED and unit.send(worker, question)

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        return earliest((self._inquiries.deadline, self.enforced_deadline))

    @property
    def enforced_deadline(self) -> float | None:
        """When something is to be done, also where whoever turns is held up."""
        return earliest(one.deadline() for one in registry.deadlines())

    def advance(self, now: float) -> None:
        """Hand over the answers to questions that are done."""
        for inquiry in self._inquiries.take_done(now):
            self._try("answers", inquiry.done, inquiry.collected())
        for one in registry.deadlines():
            due = one.deadline()
            if due is not None and due <= now:
                self._try("time", one.act, now)

    def _try(self, what: str, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Exception as exc:  # noqa: BLE001 - is told
            self._publish(events.ActionFailed(action=what, error=exc))
            return None

    # What workers say

    def heard(self, unit: Unit, sender: Respondent, message: bytes) -> None:
        """Take in what a worker has answered, or tells."""
        self._try("a worker's message", self._take_in, unit, sender, message)

    def _take_in(self, unit: Unit, sender: Respondent, message: bytes) -> None:
        head, value = unpack(message)
        if "answer" in head:
            del self._unanswered[sender]
            answer = Answer(sender, value, head.get("problem", ""))
            self._inquiries.answered(head["answer"], answer)
            return
        reply = self._hear(sender, head["tell"], value)
        if number := head.get("number"):
            unit.send(sender, frame(pack({"reply": number}, reply)))

    def ended(self, respondent: Respondent) -> None:
        """Record that a worker has ended."""
        del self._unanswered[respondent]
        self._inquiries.ended(respondent)
        for call in registry.endings():
            self._try("the end of a worker", call, respondent)

    def _hear(self, sender: Respondent, name: str, value: Any) -> Any:
        hear = registry.hearer(name)
        return None if hear is None else self._try(name, hear, sender, value)

    # In the process that is asked, or has something to say

    def listen(self, message: bytes) -> None:
        """Take in a question of the parent's, or what it replies."""
        self._try("a message of the parent's", self._take_up, message)

    def _take_up(self, message: bytes) -> None:
        head, value = unpack(message)
        if "reply" in head:
            take = self._replies.pop(head["reply"], None)
            if take is not None:
                self._try("reply", take, value)
            return
        self._answer(
            head["ask"], value, functools.partial(self._send_answer, head["number"])
        )

    def _send_answer(self, number: int, value: Any, problem: str) -> None:
        head: dict[str, Any] = {"answer": number}
        if problem:
            head["problem"] = problem
        try:
            message = pack(head, value)
        except (TypeError, ValueError) as exc:
            message = pack({**head, "problem": _words(exc)}, None)
        self._send(message)

    def _answer(
        self,
        kind: str,
        args: dict[str, Any],
        take: Callable[[Any, str], object],
        *,
        in_turn: bool = False,
    ) -> None:
        """Have a question answered: ``take`` gets the answer, or why there is none."""
        answering = registry.answers(kind)
        if answering is None:
            take(None, f"does not know the question {kind!r}")
            return

        at_length = None if in_turn else answering.at_length

        def answer() -> None:
            try:
                value = (at_length or answering.call)(args)
            except Exception as exc:  # noqa: BLE001 - goes to who has asked
                take(None, _words(exc))
            else:
                take(value, "")

        if at_length is None:
            answer()
            return
        try:
            self._driver.spawn(answer, name=f"answer {kind}")
        except RuntimeError as exc:
            take(None, _words(exc))

    def tell(self, name: str, value: Any) -> bool:
        """Tell the parent something; where there is none, this process itself.

        Non-blocking, and thread-safe.

        :param name: what it is called.
        :param value: what JSON can be, or bytes.
        :returns: whether there is a way to the parent.
        """
        if self._link is None:
            self._post(functools.partial(self._tell_here, name, value, lambda _: None))
            return True
        return self._send(pack({"tell": name}, value))

    def ask_parent(
        self, name: str, value: Any, on_reply: OnReply
    ) -> Callable[[], object] | None:
        """Tell the parent something, as :meth:`tell` does, and have its reply.

        :param on_reply: called by whoever turns, with what JSON can be.
        :returns: what the asker calls when it waits no more, whether there was a
            reply or not; None: there is no way to the parent.
        """
        if self._link is None:
            self._post(functools.partial(self._tell_here, name, value, on_reply))
            return lambda: None
        number = next(self._numbers)
        message = pack({"tell": name, "number": number}, value)
        self._replies[number] = on_reply
        forget = functools.partial(self._replies.pop, number, None)
        if self._send(message):
            return forget
        forget()
        return None

    def _send(self, message: bytes) -> bool:
        """Send the parent a message; return whether there is a way to it."""
        outbox = None if self._link is None else self._link.outbox
        if outbox is None:
            return False
        outbox.send(message)
        return True

    def _tell_here(self, name: str, value: Any, on_reply: OnReply) -> None:
        reply = self._hear(Respondent(os.getpid()), name, value)
        self._try("reply", on_reply, reply)

    def leave(self) -> None:
        """Tell the parent what is told at the end: a worker's services have ended."""
        outbox = None if self._link is None else self._link.outbox
        if outbox is None:
            return
        for name, word in registry.told_at_end().items():
            self._try(
                name, lambda name=name, word=word: self.tell(name, self._value_of(word))
            )
        outbox.drain(
            lambda left: self._driver.wait_ready((), (outbox.fileno(),), left),
            _LAST_WORDS,
        )
        self._replies.clear()

    def _value_of(self, word: registry.LastWord) -> Any:
        if word.at_length is not None:
            with contextlib.suppress(TimeoutError, RuntimeError):  # there is no task
                task = self._driver.spawn(word.at_length, name="last word")
                return task.wait(_LAST_WORDS)
        return word.call()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
