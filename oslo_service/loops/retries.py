# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Calling a function again while it fails."""

import functools
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

from oslo_service._common import coroutines, naming
from oslo_service.loops import clock
from oslo_service.loops.looping_call import LoopingCallBase, LoopingCallDone, seconds

__all__ = ("RetryDecorator",)

# The name of the module that users import: they configure its log.
LOG = logging.getLogger("oslo_service.loopingcall")

P = ParamSpec("P")
T = TypeVar("T")


class RetryDecorator:
    """Call the decorated function again while it raises certain exceptions.

    The function runs in the caller's own task. Counts and pauses belong to
    each call, so that concurrent callers may share one decorator.

    :param max_retry_count: how often to try again; -1: without limit.
    :param inc_sleep_time: the first pause, in seconds; each further one is longer
        by as much.
    :param max_sleep_time: the longest pause in seconds.
    :param exceptions: the exception classes after which to try again; one, or any
        number. Other exceptions are raised at once.
    :raises TypeError: a time is no number.
    :raises ValueError: a time is negative.
    """

    __module__ = "oslo_service.loopingcall"

    _driver_name: str | None = None

    def __init__(
        self,
        max_retry_count: int = -1,
        inc_sleep_time: float = 10,
        max_sleep_time: float = 60,
        exceptions: type[BaseException] | Iterable[type[BaseException]] = (),
    ) -> None:
        self._max_retry_count = max_retry_count
        self._inc_sleep_time = seconds("inc_sleep_time", inc_sleep_time)
        self._max_sleep_time = seconds("max_sleep_time", max_sleep_time)
        self._exceptions = (
            (exceptions,) if isinstance(exceptions, type) else tuple(exceptions)
        )

    def __call__(self, f: Callable[P, T]) -> Callable[P, T]:
        """Return the decorated function.

        :param f: the function. One that is ``async`` is called, but never again: what
            it raises, whoever awaits it gets. That is logged.
        """
        if coroutines.is_asynchronous(f):
            LOG.warning(
                "RetryDecorator does not call %s again when it fails: it is async",
                naming.describe(f),
            )
        exceptions = self._exceptions

        @functools.wraps(f)
        def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return f(*args, **kwargs)
            except LoopingCallDone as done:
                return done.retvalue  # type: ignore[no-any-return]
            except exceptions as exc:
                error = exc
            return self._retry(functools.partial(f, *args, **kwargs), error)

        return retrying

    def _retry(self, call: Callable[[], T], error: BaseException) -> T:
        loop, name = LoopingCallBase(), naming.describe(call)
        loop._driver_name = self._driver_name
        with clock.current.attend(loop._driver, f"retry of {name}"):
            for number, pause in enumerate(self._pauses(), start=2):
                message = "%s raised %r; try %d follows in %g s"
                LOG.debug(message, name, error, number, pause)
                loop._sleep(pause)
                try:
                    return call()
                except LoopingCallDone as done:
                    return done.retvalue  # type: ignore[no-any-return]
                except self._exceptions as exc:
                    error = exc
        raise error

    def _pauses(self) -> Iterator[float]:
        """Return the pauses before each further try, in seconds."""
        pause = 0.0
        for count in itertools.count():
            if 0 <= self._max_retry_count <= count:
                return
            pause = min(pause + self._inc_sleep_time, self._max_sleep_time)
            yield pause
