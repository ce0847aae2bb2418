# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The stacks of every process, also of those that do not answer."""

from collections.abc import Callable, Sequence

from oslo_service.admin.deferred_replies import Inquiry, Shared
from oslo_service.admin.messages import Reply
from oslo_service.supervisor.exchange.inquiries import SILENT, Answer
from oslo_service.supervisor.loop import Supervisor

__all__ = ("Stacks",)

# How long a process may take to answer, and then, if it does not, to write its stacks
# in a signal handler in C; in seconds.
_PATIENCE, _WRITING = 2.0, 1.0


class Stacks(Shared):
    """A response made of what every process answers, or writes if it does not answer.

    :param supervisor: the supervisor of the processes.
    :param make: makes the response of the answers.
    """

    def __init__(
        self, supervisor: Supervisor, make: Callable[[Sequence[Answer]], Reply]
    ) -> None:
        self._supervisor = supervisor
        self._make = make
        self._answers: Sequence[Answer] = ()
        self._until: float | None = None
        self._reply: Reply | None = None
        self._known = False
        self._inquiry = Inquiry(
            *(supervisor.exchange, "stacks", {}, _PATIENCE, self._take)
        )

    @property
    def known(self) -> bool:
        """Whether it is there."""
        return self._known

    @property
    def deadline(self) -> float | None:
        """When the processes that do not answer have had the time to write."""
        return self._inquiry.deadline if self._until is None else self._until

    def reply(self, now: float) -> Reply | None:
        """Return the response; None: it is not there yet."""
        if self._until is None:
            if self._inquiry.reply(now) is None:
                return None
            silent = [one for one in self._answers if one.problem == SILENT]
            for one in silent:
                for unit in self._supervisor.units:
                    unit.request_stacks(one.respondent)
            self._until = now + _WRITING if silent else now
        if self._reply is None and now >= self._until:
            self._known = True
            found = [self._completed(one) for one in self._answers]
            self._reply = self._make(found)
        return self._reply

    def _take(self, answers: Sequence[Answer]) -> Reply:
        self._answers = answers
        return Reply(200, b"")

    def _completed(self, answer: Answer) -> Answer:
        if answer.problem != SILENT:
            return answer
        who = answer.respondent
        text = "".join(unit.stacks_of(who) for unit in self._supervisor.units)
        value = [{"task": "all threads, from outside", "stack": text}] if text else []
        return Answer(who, value, answer.problem)
