# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is in progress in a process, as it is told: in the log, and when asked."""

from collections.abc import Callable, Sequence
from typing import Any

from oslo_service._common.fork_safety import Inherited
from oslo_service._common.records import Record

__all__ = ("WorkItem", "describe", "look", "see_by")

# So many are named in a line.
_NAMED = 20


class WorkItem(Record):
    """A piece of work in progress.

    :ivar kind: ``tracked``: what user code names; else what is known by itself:
        ``request``, ``thread`` (of a group), ``tick`` (of a loop), ``periodic task``,
        ``call`` (of an executor).
    :ivar name: what it is.
    :ivar id: which it is; None: it has none.
    :ivar age: for how many seconds it has been in progress; None: that is not known.
    :ivar task: the name of the thread, or green thread, that it runs in; empty:
        that is not known.
    :ivar stack: its stack, the outermost call first; empty: it was not asked for.
    :ivar limit: how many seconds it may take; None: there is no limit.
    """

    kind: str
    name: str
    id: str | None = None
    age: float | None = None
    task: str = ""
    stack: str = ""
    limit: float | None = None

    def __str__(self) -> str:
        which = "" if self.id is None else f" {self.id}"
        known = [] if self.age is None else [f"for {self.age:.1f} s"]
        if self.task:
            known.append(f"in {self.task}")
        about = f" ({', '.join(known)})" if known else ""
        return f"{self.kind_in_words}{self.name}{which}{about}"

    @property
    def kind_in_words(self) -> str:
        """The text before the name; empty where the user has given the name."""
        return "" if self.kind == "tracked" else f"{self.kind} "

    def as_json(self) -> dict[str, Any]:
        """Return it as it is answered."""
        found = dict(vars(self))
        if not self.stack:
            del found["stack"]
        if self.age is not None:
            found["age"] = round(self.age, 3)
        return found


def describe(items: Sequence[WorkItem]) -> str:
    """Name what is in progress, in a line."""
    named = ", ".join(str(one) for one in items[:_NAMED])
    more = len(items) - _NAMED
    return f"{named}, and {more} more" if more > 0 else named


#: Returns what is in progress in this process, the oldest first.
#:
#: :param stacks: whether to tell where it is.
See = Callable[[bool], list[WorkItem]]


_see: Inherited[See] = Inherited(lambda: lambda _stacks: [])


def see_by(see: See) -> None:
    """Set the function that finds the work in progress."""
    _see.set(see)


def look(*, stacks: bool = False) -> list[WorkItem]:
    """Return what is in progress in this process, the oldest first."""
    return _see.get()(stacks)
