# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Pieces of work that user code names, while they are in progress.

Users find what is here in :mod:`oslo_service.work`.
"""

import functools
import inspect
import math
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, Self, TypeVar, overload

from oslo_service._common import clock, naming
from oslo_service._common.fork_safety import PerProcess

__all__ = (
    "Running",
    "in_progress",
    "is_awaited",
    "limited",
    "running",
    "track",
    "track_future",
    "tracked",
)

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Running(set["track"]):
    """The pieces of work that are in progress in a process.

    :ivar on_idle: called when the last one has ended, by whoever ends it; None:
        nobody waits for that.
    :ivar on_limit: called with one that begins and has a limit; None: likewise.
    """

    on_idle: Callable[[], object] | None = None
    on_limit: "Callable[[track], object] | None" = None


_running = PerProcess(Running)

#: Returns what is in progress in this process.
running = _running.get


class track:  # noqa: N801 - it is used as a function is
    """A piece of work, which is in progress inside a ``with`` statement.

    The end of the process waits for it; see :mod:`oslo_service.work`. Where it runs
    is not recorded: it is looked for when somebody wants to know.

    :param name: what kind of work it is, such as ``"live migration"``.
    :param id: which it is: of a request, of what is worked on; shown as text.
    :param limit: how many seconds it may take; past that, the process counts as hung
        where ``worker_timeout`` is set. None: there is no limit.
    :raises TypeError: the limit is no number.
    :raises ValueError: the limit is negative, or not finite.
    :ivar began: when it began, in monotonic seconds.
    """

    __module__ = "oslo_service.work"

    __slots__ = ("_home", "began", "frame", "id", "limit", "name")

    def __init__(
        self,
        name: str,
        *,
        id: object = None,  # noqa: A002 - that is what it is called
        limit: float | None = None,
    ) -> None:
        if limit is not None:
            _check_limit(limit)
        self.name = name
        self.id = id
        self.limit = limit
        self.frame: FrameType | None = None

    # Every microsecond counts here: it is done for each piece of work.

    def __enter__(self) -> Self:
        self.began = clock.now()
        self.frame = sys._getframe(1)
        home = self._home = running()
        home.add(self)
        if self.limit is not None and home.on_limit is not None:
            home.on_limit(self)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        home = self._home
        home.discard(self)
        self.frame = None
        if home.on_idle is not None and not home:
            home.on_idle()

    def __repr__(self) -> str:
        which = "" if self.id is None else f" {self.id}"
        return f"<work in progress: {self.name}{which}>"


def _check_limit(limit: object) -> None:
    """Refuse what whoever turns the supervisor could not wait for."""
    if not isinstance(limit, int | float):
        raise TypeError(f"limit is a number of seconds, or None, not {limit!r}")
    if not 0 <= limit < math.inf:
        raise ValueError(f"limit must be 0 or more, and finite, not {limit!r}")


@overload
def tracked(function: F, /) -> F: ...


@overload
def tracked(
    name: str | None = None, /, *, limit: float | None = None
) -> Callable[[F], F]: ...


def tracked(what: Any = None, /, *, limit: float | None = None) -> Any:
    """Have each call of a function be a piece of work; with or without parentheses.

    A coroutine function is in progress until its coroutine has ended.

    :param what: the function; or the name of the work, which is the function's where
        none is given.
    :param limit: see :class:`track`.
    :returns: the function, or what decorates one.
    :raises TypeError: it is neither, or as in :class:`track`.
    :raises ValueError: as in :class:`track`.
    """
    if limit is not None:
        _check_limit(limit)
    if callable(what):
        return _tracked(what, None, limit)
    if not isinstance(what, str | None):
        raise TypeError(f"tracked() takes a function or a name, not {what!r}")
    return lambda function: _tracked(function, what, limit)


def _tracked(function: Any, name: str | None, limit: float | None) -> Any:
    name = naming.describe(function) if name is None else name
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with track(name, limit=limit):
                return await function(*args, **kwargs)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with track(name, limit=limit):
            return function(*args, **kwargs)

    return call


def track_future(
    future: T,
    name: str,
    *,
    id: object = None,  # noqa: A002 - as in track()
    limit: float | None = None,
) -> T:
    """Have what a future stands for be a piece of work until the future is done.

    :param future: of :mod:`concurrent.futures`, of an executor of a driver, or of
        :mod:`asyncio`; or a thread of a group.
    :param name: see :class:`track`.
    :param id: see :class:`track`.
    :param limit: see :class:`track`.
    :returns: the future.
    :raises TypeError: it is none: nobody can be told when it is done; or as in
        :class:`track`.
    :raises ValueError: as in :class:`track`.
    """
    add: Any = getattr(future, "add_done_callback", None) or getattr(
        future, "link", None
    )
    if add is None:
        raise TypeError(f"track_future() takes a future, not {future!r}")
    work = track(name, id=id, limit=limit)
    work.__enter__()
    work.frame = None  # who waits is elsewhere
    add(lambda _done: work.__exit__(None, None, None))
    return future


def in_progress(now: float) -> list[tuple[track, float]]:
    """Return what is in progress, and for how long it has been: the oldest first.

    :param now: monotonic seconds.
    """
    found = [(one, now - one.began) for one in list(running())]
    return sorted(found, key=lambda one: -one[1])


def limited() -> list[tuple[float, track]]:
    """Return what is in progress and has a limit, and when it reaches that."""
    return [
        (one.began + one.limit, one) for one in list(running()) if one.limit is not None
    ]


def is_awaited(when_over: Callable[[], object]) -> bool:
    """Whether anything is in progress that the end of the process waits for.

    It does not wait for work that the caller itself is at.

    :param when_over: called when the last piece has ended, by whoever ends it.
    """
    pieces = running()

    def tell() -> None:
        pieces.on_idle = None
        when_over()

    pieces.on_idle = tell  # first of all: what ends from now on is told
    if not pieces:
        return False
    own = {frame for frame, _ in traceback.walk_stack(sys._getframe(1))}
    return any(one.frame is None or one.frame not in own for one in list(pieces))
