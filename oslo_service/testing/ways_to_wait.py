# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Every way in which a task can wait for ever, and what a wait may leave behind."""

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from oslo_service.backend.base import Driver
from oslo_service.testing.waiting import LIMIT

__all__ = ("WAYS", "grows", "is_busy", "wait_for_ever")

#: What :func:`wait_for_ever` knows.
WAYS = (
    *("event", "event-in-time", "sleep"),
    *("wait_ready", "wait_ready-in-time", "wait_ready-to-write"),
    *("semaphore", "semaphore-in-time", "task", "task-in-time"),
)
# For how long the processor time of a process that waits is measured, in seconds, and
# how much one takes that spins, though others want the processor as well.
_MEASURED = 0.15
_BUSY = 0.01
_TRIES = 3
_ROUNDS = 400


def wait_for_ever(driver: Driver, way: str, pipe: tuple[int, int]) -> object:
    """Wait for what does not happen, or not before the tests have failed.

    :param pipe: of which the reading end is waited for; full, and the writing one,
        where that is asked for.
    """
    seconds = 2 * LIMIT if "in-time" in way or way == "sleep" else None
    if way.startswith("event"):
        return driver.event().wait(seconds)
    if way.startswith("semaphore"):
        return driver.semaphore(0).acquire(timeout=seconds)
    if way.startswith("task"):
        other = driver.spawn(driver.event().wait, name="never ends")
        try:
            return other.wait(seconds)
        finally:
            other.stop()
    if way == "wait_ready-to-write":
        os.set_blocking(pipe[1], False)
        try:
            while True:
                os.write(pipe[1], b"x" * 4096)
        except BlockingIOError:
            return driver.wait_ready([], [pipe[1]])
    if way.startswith("wait_ready"):
        return driver.wait_ready([pipe[0]], timeout=seconds)
    return driver.sleep(2 * LIMIT)


def is_busy(driver: Driver) -> bool:
    """Whether this process uses the processor though every task of it waits."""
    for _ in range(_TRIES):
        used, awake, begin = time.process_time(), _awake(), time.monotonic()
        driver.event().wait(_MEASURED)
        passed = time.monotonic() - begin
        asleep = [passed - (now - awake[one]) for one, now in _awake(awake).items()]
        rests = all(seconds > _MEASURED / 2 for seconds in asleep)
        if rests and time.process_time() - used < _BUSY:
            return False
    return True


def _awake(threads: Iterable[str] = ()) -> dict[str, float]:
    """Return for how long threads have run, or wanted to, in seconds: proc(5).

    Where many want the processor, what spins has little of it, but wants it always.

    :param threads: which; those that have ended are left out. Empty: all.
    :returns: by thread; nothing where the system does not tell.
    """
    found = {}
    folder = Path("/proc/self/task")
    for one in threads or (
        (entry.name for entry in folder.iterdir()) if folder.exists() else ()
    ):
        with contextlib.suppress(OSError):
            text = (folder / one / "schedstat").read_text(encoding="ascii")
            running, wanting, _ = map(int, text.split())
            found[one] = (running + wanting) / 1e9
    return found


def grows(call: Callable[[], object]) -> bool:
    """Whether each of many calls leaves something in memory."""
    for _ in range(_ROUNDS // 4):
        call()
    gc.freeze()  # to look through all that the tests have takes a second
    try:
        return all(_left_by_each(call) for _ in range(_TRIES))
    finally:
        gc.unfreeze()


def _left_by_each(call: Callable[[], object]) -> bool:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(_ROUNDS):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before >= _ROUNDS / 2
