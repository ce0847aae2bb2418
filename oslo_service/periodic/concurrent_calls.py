# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Concurrent calls in tasks of the driver, and the time slices that they get."""

import collections
import functools
import logging
from collections.abc import Callable, Sequence

from oslo_service import backend
from oslo_service._common.clock import now
from oslo_service.backend.base import Driver, Task

__all__ = ("TimeSlice", "run")

LOG = logging.getLogger(__name__)

# How long calls go on before other tasks get their turn, in seconds.
_SLICE = 0.001


class TimeSlice:
    """The time for which a task goes on before it lets others run.

    :param now: returns the time, in seconds.
    """

    __slots__ = ("_began", "_now")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began = now()

    def check(self) -> float:
        """Let other tasks run if the slice is over, and begin the next.

        :returns: the time, in seconds.
        """
        at = self._now()
        if at - self._began > _SLICE:
            _yield_turn()
            at = self._began = self._now()
        return at


def _yield_turn() -> None:
    """Let other tasks run, where they do not run anyway."""
    driver = backend.get_backend()
    if not driver.capabilities.parallel:
        driver.sleep(0)


def run(
    driver: Driver, calls: Sequence[Callable[[], object]], what: str
) -> list[BaseException | None]:
    """Make calls concurrently, and wait for all of them.

    A task that has finished a call takes the next. There are as many tasks as it
    takes for no call to wait for another, which is few where most end quickly.

    :param driver: whose tasks make the calls.
    :param what: names the calls, for the names of the tasks, and for the log.
    :returns: what each has raised; None: nothing.
    """
    failures: list[BaseException | None] = [None] * len(calls)
    left = collections.deque(enumerate(calls))
    work = functools.partial(_work, left, failures)
    workers: list[Task] = []
    while left and len(workers) < len(calls):
        try:
            workers.append(driver.spawn(work, name=what))
        except RuntimeError as exc:
            LOG.warning(
                "The %s wait for each other: besides the %d tasks that run them, no"
                " further one can be started: %s",
                *(what, len(workers), exc),
            )
            work()
            break
        driver.sleep(0)  # it begins, and may finish all of them
    for worker in workers:
        worker.wait()
    return failures


def _work(
    left: collections.deque[tuple[int, Callable[[], object]]],
    failures: list[BaseException | None],
) -> None:
    """Make calls while any are left; record what each has raised."""
    time_slice = TimeSlice(now)
    while left:
        try:
            number, call = left.popleft()
        except IndexError:  # another took the last one
            return
        try:
            call()
        except BaseException as exc:  # noqa: BLE001 - it is reported
            failures[number] = exc
        time_slice.check()
