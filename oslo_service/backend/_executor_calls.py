# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The calls that executors make: how many there are, and since when each runs."""

import functools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeVar

from oslo_service._common import clock, instruments
from oslo_service._common.fork_safety import PerProcess
from oslo_service._common.forked_child import Confined
from oslo_service._common.instruments import Reading

__all__ = ("ExecutorCalls", "dated", "frames_of_calls", "make_call")

E = TypeVar("E", bound=type[Any])

_POOL = (("pool", "executors"),)

# A forked process has none of its parent's calls.
_all: "PerProcess[weakref.WeakSet[ExecutorCalls]]" = PerProcess(weakref.WeakSet)


class ExecutorCalls:
    """The calls of an executor.

    :param size: how many it makes at a time.
    :param parallel: whether in native threads.
    """

    def __init__(self, size: int, *, parallel: bool) -> None:
        self._size = size
        self.parallel = parallel
        self._waiting: set[object] = set()
        #: The frames of :func:`make_call` that run, with the identity of each task.
        self.running: dict[FrameType, int] = {}
        _all.get().add(self)
        instruments.add(self)

    def expect(self) -> object:
        """Record that a call is going to be made; return its ticket."""
        ticket = object()
        self._waiting.add(ticket)
        return ticket

    def close(self) -> None:
        """Record that no further calls are accepted."""
        self._size = 0

    def forget(self, ticket: object, _future: object = None) -> None:
        """Record that a call does not wait any longer. Idempotent."""
        self._waiting.discard(ticket)

    def readings(self) -> Iterator[Reading]:
        """Return the gauges of the executor: its size, and the calls by state."""
        if self in _all.get():
            yield Reading(instruments.POOL_SIZE, _POOL, self._size)
            yield Reading(instruments.POOL_BUSY, _POOL, len(self.running))
            yield Reading(instruments.POOL_WAITING, _POOL, len(self._waiting))


def make_call(
    calls: ExecutorCalls,
    ticket: object,
    call: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Make a call that can be seen in ``calls`` while it runs.

    :param ticket: what :meth:`ExecutorCalls.expect` returned for the call.
    """
    began = clock.now()  # noqa: F841 - looked for in this frame, when somebody asks
    frame = sys._getframe()
    calls.running[frame] = threading.get_ident()
    calls.forget(ticket)
    try:
        with Confined(has_threads=calls.parallel):
            return call(*args, **kwargs)
    finally:
        del calls.running[frame]
        del frame  # it would refer to itself


def frames_of_calls() -> dict[FrameType, int]:
    """Return the frames of :func:`make_call` that run in this process.

    :returns: the identity of the task that runs each.
    """
    found: dict[FrameType, int] = {}
    for calls in list(_all.get()):
        found |= calls.running.copy()
    return found


@functools.cache
def dated(kind: E, *, parallel: bool = True) -> E:
    """Return a kind of executor whose calls are made by :func:`make_call`.

    :param kind: a class of executors, which takes ``max_workers``.
    :param parallel: whether it makes them in native threads.
    """

    class Dated(kind):  # type: ignore[misc, valid-type]
        def __init__(self, max_workers: int, *args: Any, **kwargs: Any) -> None:
            super().__init__(max_workers, *args, **kwargs)
            self._dated_calls = ExecutorCalls(max_workers, parallel=parallel)

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            calls = self._dated_calls
            ticket = calls.expect()
            try:
                future = super().submit(make_call, calls, ticket, fn, args, kwargs)
            except BaseException:
                calls.forget(ticket)
                raise
            # It may be cancelled.
            future.add_done_callback(functools.partial(calls.forget, ticket))
            return future

        def shutdown(self, *args: Any, **kwargs: Any) -> None:
            self._dated_calls.close()
            super().shutdown(*args, **kwargs)

    Dated.__name__, Dated.__qualname__ = kind.__name__, kind.__qualname__
    Dated.__module__, Dated.__doc__ = kind.__module__, kind.__doc__
    return Dated  # type: ignore[return-value]
