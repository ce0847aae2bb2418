# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Waiting, semaphores and executors that are wrong, on native threads."""

import collections
import math
import os
import select
import time
from concurrent import futures

from broken_drivers.registry import found_by
from oslo_service.backend import base
from oslo_service.backend.threading import ThreadingDriver

READ = "TestReadiness::test_what_can_be_read_is_ready"
WRITE = "TestReadiness::test_what_can_be_written_is_ready"
OVER = "TestReadiness::test_nothing_is_ready_when_the_time_is_over"
WOKEN = "TestReadiness::test_a_sleeping_task_is_woken_by_what_arrives"
SEVERAL = "TestReadiness::test_of_several_descriptors_the_ready_one_is_given"
BOTH = "TestReadiness::test_one_descriptor_can_be_waited_for_both_ways"
SLEEP = "TestSleep::test_sleep_returns_when_the_time_is_over"


@found_by("TestIdleness")
class Polling(ThreadingDriver):
    """Its wait_ready() looks again and again."""

    def wait_ready(self, read, write=(), timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            ready = super().wait_ready(read, write, 0)
            if any(ready) or (end is not None and time.monotonic() >= end):
                return ready
            time.sleep(0.01)


@found_by("TestReadiness::test_a_descriptor_of_a_high_number")
class Selecting(ThreadingDriver):
    """Its wait_ready() is select(2), which knows a thousand descriptors."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None:
            timeout = max(0, timeout)
        read, write, _ = select.select(read, write, [], timeout)
        return read, write


@found_by(
    "TestReadiness::test_a_hang_up_makes_the_reading_end_ready",
    "TestReadiness::test_an_error_makes_the_writing_end_ready",
)
class EndsAreMissed(ThreadingDriver):
    """What has ended is not ready."""

    def wait_ready(self, read, write=(), timeout=None):
        poll = select.poll()
        for fd in read:
            poll.register(fd, select.POLLIN)
        for fd in write:
            poll.register(fd, select.POLLOUT | (select.POLLIN if fd in read else 0))
        seconds = None if timeout is None else min(max(0, timeout), 1e6) * 1000
        found = dict(poll.poll(seconds))
        return (
            [fd for fd in read if found.get(fd, 0) & select.POLLIN],
            [fd for fd in write if found.get(fd, 0) & select.POLLOUT],
        )


@found_by(WRITE)
class ReadersOnly(ThreadingDriver):
    """Nothing is ever ready to be written."""

    def wait_ready(self, read, write=(), timeout=None):
        return super().wait_ready(read, (), timeout)[0], []


@found_by(SEVERAL)
class AllAreReady(ThreadingDriver):
    """Where one is ready, all are."""

    def wait_ready(self, read, write=(), timeout=None):
        ready = super().wait_ready(read, write, timeout)
        return ([*read], [*write]) if any(ready) else ready


@found_by(BOTH)
class MixedUp(ThreadingDriver):
    """What can be written is said to be readable, where both are asked for."""

    def wait_ready(self, read, write=(), timeout=None):
        found, writable = super().wait_ready(read, write, timeout)
        return [fd for fd in read if fd in (*found, *writable)], writable


@found_by(OVER)
class RoundReadiness(ThreadingDriver):
    """Its times are fifths of a second."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None:
            timeout = math.ceil(timeout * 5) / 5
        return super().wait_ready(read, write, timeout)


@found_by(OVER)
class EarlyReadiness(ThreadingDriver):
    """Its times are milliseconds, rounded down."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None:
            timeout = math.floor(timeout * 1000 - 1) / 1000
        return super().wait_ready(read, write, timeout)


@found_by("TestReadiness::test_no_time_only_looks")
class NegativeIsForEver(ThreadingDriver):
    """A time that is over already is taken as poll(2) does: without limit."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None and timeout < 0:
            timeout = None
        return super().wait_ready(read, write, timeout)


@found_by(READ)
class ShortReadiness(ThreadingDriver):
    """A time-out is counted in milliseconds, in 32 bits."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None and timeout * 1000 >= 1 << 31:
            raise OverflowError("timeout is too large")
        return super().wait_ready(read, write, timeout)


@found_by(WOKEN)
class NeverForEver(ThreadingDriver):
    """Without a time-out it only looks."""

    def wait_ready(self, read, write=(), timeout=None):
        return super().wait_ready(read, write, timeout or 0)


@found_by("test_leftovers::TestWaits::test_of_a_wait_for_descriptors_no_descriptor")
class LeftDescriptors(ThreadingDriver):
    """Each wait leaves a descriptor."""

    def wait_ready(self, read, write=(), timeout=None):
        os.dup(2)
        return super().wait_ready(read, write, timeout)


@found_by(SLEEP)
class RoundSleep(ThreadingDriver):
    """It sleeps for fifths of a second."""

    def sleep(self, seconds):
        super().sleep(math.ceil(seconds * 5) / 5)


@found_by(SLEEP)
class EarlySleep(ThreadingDriver):
    """It sleeps for milliseconds, rounded down."""

    def sleep(self, seconds):
        super().sleep(math.floor(seconds * 1000) / 1000)


@found_by("TestSleep::test_sleep_of_no_time_returns")
class NegativeSleep(ThreadingDriver):
    """To sleep for less than no time is an error."""

    def sleep(self, seconds):
        time.sleep(seconds)


# Semaphores


class Semaphores(ThreadingDriver):
    def semaphore(self, value=1):
        return self.SemaphoreClass(self, value)


@found_by("TestSemaphores::test_waiters_are_woken_in_the_order")
class LastComesFirst(Semaphores):
    """Who came last is woken first."""

    class SemaphoreClass(base.Semaphore):
        def _wake_next(self):
            self._waiters.reverse()
            super()._wake_next()


@found_by("TestSemaphores::test_acquire_gives_up_when_the_time_is_over")
class EndlessPermits(Semaphores):
    """Taking a permit ignores the time-out."""

    class SemaphoreClass(base.Semaphore):
        def acquire(self, blocking=True, timeout=None):
            return super().acquire(blocking)

        __enter__ = acquire


@found_by("TestSemaphores::test_a_place_that_is_given_back_can_be_taken_again")
class LastingPermits(Semaphores):
    """At the end of a block, the permit is not given back."""

    class SemaphoreClass(base.Semaphore):
        def __exit__(self, *exc_info):
            pass


@found_by("TestSemaphores::test_no_more_hold_a_place_than_there_are")
class MorePermits(Semaphores):
    """One more permit is there than was asked for."""

    class SemaphoreClass(base.Semaphore):
        def __init__(self, driver, value=1):
            super().__init__(driver, value + (value > 2))


@found_by("test_leftovers::TestWaits::test_of_a_semaphore_whose_time_is_over")
class PermitsAreTakenAlong(Semaphores):
    """Who gives up takes the next permit along."""

    class SemaphoreClass(base.Semaphore):
        def acquire(self, blocking=True, timeout=None):
            taken = super().acquire(blocking, timeout)
            self.debts = getattr(self, "debts", 0) + (blocking and not taken)
            return taken

        def release(self):
            if getattr(self, "debts", 0):
                self.debts -= 1
            else:
                super().release()


@found_by("TestSemaphores::test_a_semaphore_is_never_negative")
class NegativePermits(Semaphores):
    """A semaphore may begin with less than nothing."""

    def semaphore(self, value=1):
        return base.Semaphore(self, max(0, value))


# Executors


class Executors(ThreadingDriver):
    def executor(self, max_workers):
        return self.ExecutorClass(max_workers)


@found_by("TestExecutors::test_an_executor_runs_no_more_calls_at_a_time")
class EndlessExecutors(Executors):
    """Its executors run as many calls as there are."""

    def executor(self, max_workers):
        return futures.ThreadPoolExecutor(100)


@found_by("TestExecutors::test_an_executor_runs_as_many_calls_at_a_time")
class SlowExecutors(Executors):
    """Its executors run one call at a time."""

    def executor(self, max_workers):
        return futures.ThreadPoolExecutor(1)


@found_by("TestExecutors::test_the_end_of_an_executor_is_awaited")
class HastyExecutors(Executors):
    """The end of its executors is not awaited."""

    class ExecutorClass(futures.ThreadPoolExecutor):
        def shutdown(self, wait=True, **options):
            super().shutdown(wait=False, **options)


@found_by("TestExecutors::test_the_end_of_an_executor_is_awaited")
class EternalExecutors(Executors):
    """Its executors accept calls after their end."""

    class ExecutorClass(futures.ThreadPoolExecutor):
        def shutdown(self, wait=True, **options):
            while self._work_queue.qsize():
                time.sleep(0.01)
            time.sleep(0.01)


@found_by("TestExecutors::test_an_executor_passes_all_arguments_on")
class NoKeywords(Executors):
    """Its executors pass no arguments on that have names."""

    class ExecutorClass(futures.ThreadPoolExecutor):
        def submit(self, call, /, *args, **kwargs):
            return super().submit(call, *args)


@found_by("TestExecutors::test_an_executor_gives_the_exception_of_a_call")
class ExecutorsLoseErrors(Executors):
    """What a call raises is lost."""

    class ExecutorClass(futures.ThreadPoolExecutor):
        def submit(self, call, /, *args, **kwargs):
            def quietly():
                try:
                    return call(*args, **kwargs)
                except Exception:  # noqa: BLE001 - it is wrong on purpose
                    return None

            return super().submit(quietly)


@found_by("TestDefer::test_all_that_is_deferred_runs")
class OneIsDeferred(ThreadingDriver):
    """What is deferred while something is deferred is lost."""

    def __init__(self):
        super().__init__()
        self.deferred = collections.deque()

    def defer(self, call):
        if not self.deferred:
            self.deferred.append(call)
            self.spawn(self.run_deferred, name="deferred")

    def run_deferred(self):
        time.sleep(0.01)
        self.deferred.pop()()
