# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Declaring a function to be a periodic task."""

import functools
import logging
import math
from collections.abc import Callable
from typing import Any, TypeVar, overload

from oslo_service._common import coroutines

__all__ = (
    "DEFAULT_INTERVAL",
    "PROCESS",
    "InvalidPeriodicTaskArg",
    "is_wanted",
    "periodic_task",
)

# What users know of: the log of their periodic tasks.
LOG = logging.getLogger("oslo_service.periodic_task")

DEFAULT_INTERVAL = 60.0

#: The scope of a task that every process runs for itself.
PROCESS = "process"
# Those of tasks of which one process of some runs each due time.
_SHARED = ("host", "cluster")
_MISSED = ("skip", "run")

T = TypeVar("T", bound=Callable[..., Any])


class InvalidPeriodicTaskArg(Exception):
    """A periodic task was declared with an argument, or a value, that there is not.

    :param message: what is wrong; not given: that there is no such argument.
    :param arg: the argument.
    """

    __module__ = "oslo_service.periodic_task"

    message = "Unexpected argument for periodic task creation: %(arg)s."

    def __init__(self, message: str | None = None, *, arg: object = None) -> None:
        super().__init__(message or self.message % {"arg": arg})


@overload
def periodic_task(function: T, /) -> T: ...


@overload
def periodic_task(
    *,
    spacing: float = 0,
    run_immediately: bool = False,
    enabled: bool = True,
    external_process_ok: bool = False,
    name: str | None = None,
    scope: str = PROCESS,
    missed: str = "skip",
) -> Callable[[T], T]: ...


def periodic_task(*args: Any, **kwargs: Any) -> Any:
    """Declare a method to be a periodic task, with or without parentheses.

    :param spacing: seconds from one run to the next. 0 stands for
        :data:`DEFAULT_INTERVAL`; what is negative is never run.
    :param run_immediately: whether it is due at once; else after the spacing.
    :param enabled: whether it is run at all.
    :param external_process_ok: whether another process may be responsible: it
        is run where the option ``run_external_periodic_tasks`` is true.
    :param name: for the log, and to be known by; the function's if not given.
        Of two tasks of a name, the one declared last counts.
    :param scope: who runs it. ``process``: every process for itself. ``host``: for
        each due time, one of the workers of a parent. ``cluster``: one of all
        processes of the service, on all hosts; see :mod:`oslo_service.cluster`.
        The due times of the last two are the multiples of the spacing on the wall
        clock, the same in all processes; ``run_immediately`` cannot be had then.
    :param missed: for those two, what becomes of due times for which nobody was
        there. ``skip``: each is run once at most. ``run``: the latest of them is run
        as soon as somebody is there, though it may have been run already.
    :raises InvalidPeriodicTaskArg: for any other argument, for a spacing that is no
        number, and for a combination that has no meaning.
    :raises TypeError: the method is asynchronous.
    """
    if args and not kwargs and len(args) == 1 and callable(args[0]):
        return _declare(args[0])
    if args:
        raise InvalidPeriodicTaskArg(arg=args[0])
    return functools.partial(_declare, **kwargs)


def _declare(
    function: Any,
    *,
    spacing: float = 0,
    run_immediately: bool = False,
    enabled: bool = True,
    external_process_ok: bool = False,
    name: str | None = None,
    scope: str = PROCESS,
    missed: str = "skip",
    **unknown: object,
) -> Any:
    for arg in unknown:
        raise InvalidPeriodicTaskArg(arg=arg)
    coroutines.refuse(function, "a periodic task")
    name = function.__name__ if name is None else name
    if not isinstance(spacing, int | float) or not math.isfinite(spacing):
        raise InvalidPeriodicTaskArg(
            f"task {name}: spacing={spacing!r}: expected a number of seconds; 0"
            f" stands for {DEFAULT_INTERVAL:g}, what is negative is never run"
        )
    _check_scope(name, scope, missed, run_immediately)
    function._periodic_task = True
    function._periodic_external_ok = external_process_ok
    function._periodic_enabled = enabled
    function._periodic_name = name
    function._periodic_spacing = spacing
    function._periodic_immediate = run_immediately
    function._periodic_scope = scope
    function._periodic_missed = missed
    return function


def _check_scope(name: str, scope: object, missed: object, immediate: bool) -> None:
    known = (PROCESS, *_SHARED)
    if scope not in known:
        raise InvalidPeriodicTaskArg(
            f"task {name}: scope={scope!r}: expected one of {', '.join(known)}"
        )
    if missed not in _MISSED:
        raise InvalidPeriodicTaskArg(
            f"task {name}: missed={missed!r}: expected one of {', '.join(_MISSED)}"
        )
    if scope == PROCESS:
        if missed != "skip":
            raise InvalidPeriodicTaskArg(
                f"task {name}: missed={missed!r} takes one of the scopes"
                f" {', '.join(_SHARED)}"
            )
        return
    if immediate:
        raise InvalidPeriodicTaskArg(
            f"task {name}: run_immediately cannot be had with scope={scope!r}, whose"
            " due times lie on a grid that all processes share; missed='run' runs"
            " the latest as soon as somebody is there"
        )
    # Before workers are started, which have to be able to ask their parent.
    from oslo_service.clustering import scoped_task

    scoped_task.declared(scope)


def is_wanted(task: Any) -> bool:
    """Whether a task is run at all; if not, that is logged."""
    if task._periodic_spacing < 0:
        LOG.info("%s is not run: its spacing is negative", task._periodic_name)
        return False
    if not task._periodic_enabled:
        LOG.info("%s is not run: it is disabled", task._periodic_name)
        return False
    return True
