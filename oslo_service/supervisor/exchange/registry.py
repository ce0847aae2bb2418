# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What can be asked of a process, and what workers can tell their parent.

Whoever has something to answer says so where that is known: nothing is looked for,
kept or imported for it before somebody asks.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oslo_service._common.fork_safety import Inherited
from oslo_service._common.records import Record, State

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange.inquiries import Respondent

__all__ = (
    "Answering",
    "Deadline",
    "LastWord",
    "answer",
    "answers",
    "at_end_of_worker",
    "deadlines",
    "endings",
    "enforce_deadline",
    "hear",
    "hearer",
    "is_wanted",
    "tell_at_end",
    "told_at_end",
    "want",
)


class Answering(Record):
    """How a question is answered.

    :ivar call: called with the arguments of the question, a dictionary; returns
        what JSON can be, or bytes. By whoever turns the supervisor, who must not be
        held up.
    :ivar at_length: called in its place where there is a task for it: it may block.
        A process that has workers begins none; None: there is no more to say.
    """

    call: Callable[[dict[str, Any]], Any]
    at_length: Callable[[dict[str, Any]], Any] | None = None


class LastWord(Record):
    """What a worker tells when its services have ended.

    :ivar call: returns it: what JSON can be, or bytes; does not block.
    :ivar at_length: is asked for it first, in a task: it may block, and is not waited
        for beyond a time; None: there is no more to say.
    """

    call: Callable[[], Any]
    at_length: Callable[[], Any] | None = None


#: Called in the parent with who tells something, and what; what it returns, which
#: JSON can be, goes back to who has asked for it.
Hearer = Callable[["Respondent", Any], Any]


class Deadline(Record):
    """A time at which there is something to do, besides what workers say.

    :ivar deadline: returns when, by the clock of the supervisor; None: never.
    :ivar act: called with the time, when that has come.
    """

    deadline: Callable[[], float | None]
    act: Callable[[float], object]


class _Registry(State):
    answering: dict[str, Answering] = dataclasses.field(default_factory=dict)
    hearers: dict[str, Hearer] = dataclasses.field(default_factory=dict)
    told_at_end: dict[str, LastWord] = dataclasses.field(default_factory=dict)
    endings: dict[str, Callable[["Respondent"], object]] = dataclasses.field(
        default_factory=dict
    )
    deadlines: list[Deadline] = dataclasses.field(default_factory=list)
    wanted: bool = False


_registry = Inherited(_Registry)


def answer(
    kind: str,
    call: Callable[[dict[str, Any]], Any],
    *,
    at_length: Callable[[dict[str, Any]], Any] | None = None,
) -> None:
    """Have a kind of question answered in this process, and in its workers.

    :param kind: the name of the question.
    :param call: see :class:`Answering`.
    :param at_length: see :class:`Answering`.
    """
    _registry.get().answering[kind] = Answering(call, at_length)


def answers(kind: str) -> Answering | None:
    """Return how a kind of question is answered; None: it is not."""
    return _registry.get().answering.get(kind)


def hear(name: str, call: Hearer) -> None:
    """Have something listened to that workers tell, in this process.

    :param name: what it is called.
    :param call: called by whoever turns the supervisor, who must not be held up.
    """
    _registry.get().hearers[name] = call


def hearer(name: str) -> Hearer | None:
    """Return what listens to what workers tell; None: nothing does."""
    return _registry.get().hearers.get(name)


def at_end_of_worker(name: str, call: Callable[["Respondent"], object]) -> None:
    """Have something called when a worker has ended, after all that it has told.

    :param name: whose call it is: each has one.
    """
    _registry.get().endings[name] = call


def endings() -> list[Callable[["Respondent"], object]]:
    """Return what is called when a worker has ended."""
    return list(_registry.get().endings.values())


def enforce_deadline(
    deadline: Callable[[], float | None], act: Callable[[float], object]
) -> None:
    """Have something done at a time, by an alarm where whoever turns is held up.

    :param deadline: see :class:`Deadline`.
    :param act: see :class:`Deadline`.
    """
    _registry.get().deadlines.append(Deadline(deadline, act))


def deadlines() -> list[Deadline]:
    """Return what is to be done at a time."""
    return _registry.get().deadlines


def tell_at_end(
    name: str, call: Callable[[], Any], *, at_length: Callable[[], Any] | None = None
) -> None:
    """Have a worker tell something when its services have ended, before it leaves.

    :param name: what it is called.
    :param call: see :class:`LastWord`.
    :param at_length: see :class:`LastWord`.
    """
    _registry.get().told_at_end[name] = LastWord(call, at_length)


def told_at_end() -> dict[str, LastWord]:
    """Return what a worker tells at its end."""
    return dict(_registry.get().told_at_end)


def want() -> None:
    """Have workers that are started from now on be able to answer, and to tell.

    It costs the parent two descriptors, and each worker one.
    """
    _registry.get().wanted = True


def is_wanted() -> bool:
    """Whether workers are to be able to answer, and to tell."""
    return _registry.get().wanted
