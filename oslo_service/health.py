# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Health checks: the code reports how its dependencies fare, HTTP shows it.

The code reports what it sees, where it sees it; nothing is probed for this::

    @health.watch("database", DBError)
    def load(instance_id): ...


    health.report("disk", free > 0.05, f"{free:.0%} are free", ttl=120)

Each process has its own values. ``GET /health``, and ``ctl health``, show those of all
workers: ``pass``, ``fail``, or ``warn`` where a value is older than its time to live.
"""

import contextlib
import functools
import inspect
import math
from types import TracebackType
from typing import Any, Self

from oslo_service.monitoring import health_checks
from oslo_service.monitoring.health_checks import TTL

__all__ = ("TTL", "report", "watch")


def report(name: str, ok: bool, detail: str = "", ttl: float = TTL) -> None:
    """Report how something that the service depends on fares.

    Non-blocking, and thread-safe. The parent, and the log, are told only when ``ok``
    changes.

    :param name: what it is, such as ``"database"``.
    :param ok: whether it is well.
    :param detail: what else to say; shown through the control socket only.
    :param ttl: for how many seconds the report is valid; past that it is a warning. 0:
        for ever.
    :raises TypeError: the name is no text, or the time no number.
    :raises ValueError: the time is negative, or not finite.
    """
    _check(name, ttl)
    health_checks.record(name, bool(ok), str(detail), float(ttl))


def _check(name: object, ttl: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a check is text, not {name!r}")
    if not isinstance(ttl, int | float):
        raise TypeError(f"ttl is a number of seconds, not {ttl!r}")
    if not 0 <= ttl < math.inf:
        raise ValueError(f"ttl must be 0 or more, and finite, not {ttl!r}")


class watch(contextlib.ContextDecorator):  # noqa: N801 - it is used as a function is
    """Report what the code sees: that it succeeds, or raises certain errors.

    A decorator of functions, also of coroutine functions, or a context manager. What
    is raised goes on to the caller; an error of another kind says nothing.

    :param name: what the code depends on, such as ``"database"``.
    :param errors: the classes of the errors that mean that it is not well; none stands
        for :exc:`Exception`.
    :param ttl: see :func:`report`.
    :raises TypeError: one is no class of exceptions, or as in :func:`report`.
    :raises ValueError: as in :func:`report`.
    """

    def __init__(
        self, name: str, *errors: type[BaseException], ttl: float = TTL
    ) -> None:
        _check(name, ttl)
        for one in errors:
            if not (isinstance(one, type) and issubclass(one, BaseException)):
                raise TypeError(
                    f"watch() takes a name and classes of exceptions, not {one!r}"
                )
        self._name = name
        self._errors = errors or (Exception,)
        self._ttl = float(ttl)

    def __call__(self, function: Any) -> Any:
        """Return the function, whose calls are watched."""
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return call

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            health_checks.record(self._name, True, "", self._ttl)
        elif isinstance(error, self._errors):
            detail = f"{type(error).__name__}: {error}"
            health_checks.record(self._name, False, detail, self._ttl)
