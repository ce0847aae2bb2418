# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Every way in which a task can wait for ever, and what a wait may leave behind."""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from oslo_service.backend.base import Driver
from oslo_service.testing.waiting import LIMIT

__all__ = ("WAYS", "grows", "is_busy", "pipe", "wait_for_ever")

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


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, closed afterwards."""
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:  # the test has closed it
            pass


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
        begin = time.process_time()
        driver.event().wait(_MEASURED)
        if time.process_time() - begin < _BUSY:
            return False
    return True


def grows(call: Callable[[], object]) -> bool:
    """Whether each of many calls leaves something in memory."""
    for _ in range(_ROUNDS // 4):
        call()
    for _ in range(_TRIES):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(_ROUNDS):
            call()
        gc.collect()
        if sys.getallocatedblocks() - before < _ROUNDS / 2:
            return False
    return True
