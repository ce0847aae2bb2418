# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Calls side by side, in tasks of the driver, and the turns that they take."""

import collections
import functools
import logging
from collections.abc import Callable, Sequence

from oslo_service import backend
from oslo_service._common.clock import now
from oslo_service.backend.base import Driver, Task

__all__ = ("TURN", "run", "yield_turn")

LOG = logging.getLogger(__name__)

#: How long calls may go on before others that wait get their turn, in seconds.
TURN = 0.001


def yield_turn() -> None:
    """Let other tasks run, where they do not run anyway."""
    driver = backend.get_backend()
    if not driver.capabilities.parallel:
        driver.sleep(0)


def run(
    driver: Driver, calls: Sequence[Callable[[], object]], what: str
) -> list[BaseException | None]:
    """Make calls side by side, and wait for all of them.

    Whoever is through with one takes the next. There are as many tasks as it takes
    for no call to wait for another, which is few where most end quickly.

    :param what: names the calls, for the names of the tasks, and for the log.
    :returns: what each has raised.
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
                "The %s wait for each other: besides the %d that run no further one"
                " can be started: %s",
                *(what, len(workers), exc),
            )
            work()
            break
        driver.sleep(0)  # it begins, and may be through with all of them
    for worker in workers:
        worker.wait()
    return failures


def _work(
    left: collections.deque[tuple[int, Callable[[], object]]],
    failures: list[BaseException | None],
) -> None:
    """Make calls while any are left; record what each has raised."""
    turn = now()
    while left:
        try:
            number, call = left.popleft()
        except IndexError:  # another took the last one
            return
        try:
            call()
        except BaseException as exc:  # noqa: BLE001 - it is reported
            failures[number] = exc
        if now() - turn > TURN:
            yield_turn()
            turn = now()
