# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An executor made of a driver's tasks, for models that have none of their own."""

import collections
from collections.abc import Callable
from concurrent import futures
from functools import partial
from typing import Any

from oslo_service.backend._executor_calls import ExecutorCalls, make_call
from oslo_service.backend._primitives import Primitives

__all__ = ("TaskExecutor",)


class _Future(futures.Future[Any]):
    """A future whose waiters block their task, not the process."""

    def __init__(self, driver: Primitives) -> None:
        super().__init__()
        self._done = driver.event()
        self.add_done_callback(lambda _: self._done.set())

    def result(self, timeout: float | None = None) -> Any:
        """Return what the call returned, or raise what it raised."""
        return super().result(self._left(timeout))

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the call raised; None: it returned."""
        return super().exception(self._left(timeout))

    def _left(self, timeout: float | None) -> float:
        self._done.wait(timeout)
        return 0.0


class TaskExecutor(futures.Executor):
    """Runs calls in tasks, a number of them at a time, in the order they are submitted.

    :param driver: the driver of the tasks.
    :param max_workers: how many calls run at a time.
    :raises ValueError: ``max_workers`` is less than one.
    """

    def __init__(self, driver: Primitives, max_workers: int) -> None:
        if max_workers < 1:
            raise ValueError(f"max_workers is 1 or more, not {max_workers!r}")
        self._driver = driver
        self._lock = driver.original("_thread").allocate_lock()
        self._max_workers = max_workers
        self._workers = 0
        self._calls: collections.deque[tuple[_Future, Callable[[], Any]]] = (
            collections.deque()
        )
        self._closed = False
        self._ended = driver.event()
        self._known = ExecutorCalls(max_workers, parallel=driver.capabilities.parallel)

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> futures.Future[Any]:
        """Have ``fn(*args, **kwargs)`` called, soon.

        :raises RuntimeError: the executor has been shut down, or the system has
            no room for a task to call it in.
        """
        future = _Future(self._driver)
        ticket = self._known.expect()
        future.add_done_callback(partial(self._known.forget, ticket))
        entry = future, partial(make_call, self._known, ticket, fn, args, kwargs)
        with self._lock:
            if self._closed:
                self._known.forget(ticket)
                raise RuntimeError("this executor has been shut down")
            self._calls.append(entry)
            more = self._workers < self._max_workers
            self._workers += more
        if more:
            try:
                self._driver.spawn(self._work, name="executor")
            except RuntimeError:
                if not self._is_left_to_others(entry):
                    self._known.forget(ticket)
                    raise
        return future

    def _is_left_to_others(self, entry: tuple[_Future, Callable[[], Any]]) -> bool:
        """Whether a call is left to tasks that run; else withdraw it."""
        with self._lock:
            over = self._end_worker()
            left = bool(self._workers) or entry not in self._calls
            if not left:
                self._calls.remove(entry)
        if over:
            self._ended.set()
        return left

    def _end_worker(self) -> bool:
        """Record that a worker ends; return whether it was the last one, for good."""
        self._workers -= 1
        return self._closed and not self._workers

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls.

        :param wait: whether to block this task until all have ended.
        :param cancel_futures: whether calls that have not begun never do.
        """
        self._known.close()
        with self._lock:
            self._closed = True
            dropped = list(self._calls) if cancel_futures else []
            if cancel_futures:
                self._calls.clear()
            idle = not self._workers
        for future, _ in dropped:
            future.cancel()
        if idle:
            self._ended.set()
        if wait:
            self._ended.wait()

    def _work(self) -> None:
        while (next_ := self._next()) is not None:
            future, call = next_
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as exc:  # noqa: BLE001 - goes to those who wait
                future.set_exception(exc)
            else:
                future.set_result(result)

    def _next(self) -> tuple[_Future, Callable[[], Any]] | None:
        with self._lock:
            if self._calls:
                return self._calls.popleft()
            over = self._end_worker()
        if over:
            self._ended.set()
        return None
