# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Questions that are waiting for answers: a state machine without I/O.

Facts come in (somebody has answered, or has ended; so much time has passed), those
that are done come out. Nobody is waited for beyond the time of the question.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from oslo_service._common.records import Record, State

__all__ = ("ENDED", "SILENT", "UNHEARD", "Answer", "Inquiries", "Inquiry", "Respondent")

#: Why there is no answer: there was none in time.
SILENT = "no answer"
#: Likewise: the process has ended meanwhile.
ENDED = "has ended"
#: Likewise: it could not be told the question, or has no way to answer.
UNHEARD = "cannot be asked"


class Respondent(Record):
    """A process that can be asked, or that tells something: who it is.

    No two are equal: an id may be given to the next process, and all the rest not.

    :ivar pid: its process id.
    :ivar service: what it runs, as it is called in the log; of a process that is
        nobody's worker nothing.
    :ivar worker: the number of its slot; None: it is no worker.
    :ivar number: its number among those that a pool has started; 0: likewise.
    :ivar generation: how many reloads there were before it.
    """

    pid: int
    service: str = ""
    worker: int | None = None
    number: int = 0
    generation: int = 0

    @property
    def name(self) -> str:
        """Its name: that of a worker is its service and its slot."""
        return f"{self.service}/{self.worker}" if self.service else f"pid {self.pid}"


class Answer(Record):
    """What a process has answered.

    :ivar respondent: the process that answers.
    :ivar value: the answer: what JSON can be, or bytes.
    :ivar problem: why there is none; empty: there is one.
    """

    respondent: Respondent
    value: Any = None
    problem: str = ""


#: Takes the answers to a question.
Done = Callable[[list[Answer]], object]


class Inquiry(State):
    """A question.

    :ivar until: when waiting for answers ends.
    :ivar done: takes the answers.
    :ivar answers: of each process that was asked, in order; None: there is none yet.
    :ivar missing: how many there are not yet.
    """

    number: int
    until: float
    done: Done
    answers: dict[Respondent, Answer | None]
    missing: int

    def take(self, answer: Answer) -> None:
        """Record an answer: the first of each process that was asked."""
        if self.answers.get(answer.respondent, answer) is None:
            self.answers[answer.respondent] = answer
            self.missing -= 1

    def collected(self) -> list[Answer]:
        """Return the answer, or the problem, of each process that was asked."""
        return [
            Answer(one, problem=SILENT) if answer is None else answer
            for one, answer in self.answers.items()
        ]


class Inquiries:
    """The questions that are waiting for answers."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, Inquiry] = {}

    def next_number(self) -> int:
        """Return a number for a question."""
        return next(self._numbers)

    def begin(
        self, number: int, asked: Iterable[Respondent], until: float, done: Done
    ) -> None:
        """Record that a question is asked."""
        answers = dict.fromkeys(asked)
        self._open[number] = Inquiry(number, until, done, answers, len(answers))

    def answered(self, number: int, answer: Answer) -> None:
        """Record an answer; one that comes too late, or twice, is passed over."""
        inquiry = self._open.get(number)
        if inquiry is not None:
            inquiry.take(answer)

    def ended(self, respondent: Respondent) -> None:
        """Record that a process has ended: no answer of it will come."""
        for inquiry in self._open.values():
            inquiry.take(Answer(respondent, problem=ENDED))

    def take_done(self, now: float) -> list[Inquiry]:
        """Return the questions that are done, once each."""
        done = [
            one for one in self._open.values() if not one.missing or now >= one.until
        ]
        for one in done:
            del self._open[one.number]
        return done

    @property
    def deadline(self) -> float | None:
        """When a question is done though not everybody has answered."""
        return min((one.until for one in self._open.values()), default=None)
