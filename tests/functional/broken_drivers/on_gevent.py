# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Drivers that are wrong, where tasks are greenlets of gevent."""

import gevent
import greenlet

from broken_drivers.registry import found_by, sound
from oslo_service.backend import base
from oslo_service_gevent import GeventDriver, GreenTask, _waiting

KILLS = "test_leftovers::TestKilledTasks::"
FORK = "test_forks::TestForks::test_"


@sound
class OnGevent(GeventDriver):
    """The suite does not know its name.

    :cvar TaskClass: what its tasks are.
    """

    TaskClass = GreenTask

    def spawn(self, call, *, name):
        task = self.TaskClass(self, call, name)
        task.begin(self._home_hub())
        return task


@found_by("TestEvents::test_set_in_another_native_thread_wakes_a_sleeping_waiter")
class UnsafeWakeUps(OnGevent):
    """Setting an event does not wake the loop of another thread."""

    def event(self):
        return UnsafeEvent()


class UnsafeWaiter(_waiting.Waiter):
    def wake(self):
        self.hub.loop.timer(0).start(self.resume)


class UnsafeEvent(_waiting.GreenEvent):
    def _new_waiter(self):
        return UnsafeWaiter()


@found_by(
    "TestEventsOfThree::test_what_is_set_while_somebody_begins_to_wait_ends_no_other"
)
class StaleGreenlets(OnGevent):
    """Setting its events may end a later wait, of who did not wait for them."""

    def event(self):
        return StaleEvent()


class StaleWaiter(_waiting.Waiter):
    def __init__(self):
        super().__init__()
        self._live = True


class StaleEvent(_waiting.GreenEvent):
    def _new_waiter(self):
        return StaleWaiter()


@found_by(KILLS + "test_stop_in_another_native_thread_kills_a_sleeping_task")
class UnsafeKills(OnGevent):
    """Its stop() does not wake the loop of another thread."""

    class TaskClass(GreenTask):
        def stop(self):
            if not self.cancel() and not self.done:
                self._greenlet.parent.loop.run_callback(self._kill)


@found_by(KILLS + "test_what_kills_is_raised_in_every_wait")
class GreenletsSwallowKills(OnGevent):
    """What kills a task that waits for a descriptor ends the wait alone."""

    def wait_ready(self, read, write=(), timeout=None):
        try:
            return super().wait_ready(read, write, timeout)
        except greenlet.GreenletExit:
            return [], []


@found_by(KILLS + "test_what_kills_is_raised_in_every_wait")
class ErrorsKill(OnGevent):
    """What kills is thrown where the task sleeps only."""

    def sleep(self, seconds):
        try:
            super().sleep(seconds)
        except greenlet.GreenletExit:
            self.sleep(0.001)


@found_by(KILLS + "test_its_descriptor_is_not_watched_any_more", alone=True)
class WatchersStay(OnGevent):
    """A task that is killed leaves its watchers."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None and timeout <= 0:
            return super().wait_ready(read, write, timeout)
        waiter, found = _waiting.Waiter(), ([], [])

        def on_ready(fd, ready):
            ready.append(fd)
            waiter.resume()

        watchers = []
        for event, fds, ready in ((1, read, found[0]), (2, write, found[1])):
            for fd in fds:
                watchers.append(waiter.hub.loop.io(fd, event))
                watchers[-1].start(on_ready, fd, ready)
        waiter.wait(timeout)
        for one in watchers:
            one.close()
        return found


@found_by(FORK, "TestAfterFork")
class Reinit(OnGevent):
    """In a forked process, the parent's greenlets run on."""

    def after_fork(self):
        base.Driver.after_fork(self)
        gevent.reinit()


@found_by(FORK + "nothing_runs_in_the_child")
class GreenletsRunOn(OnGevent):
    """In a forked process, the parent's tasks are among those that run."""

    def after_fork(self):
        running = self.running
        super().after_fork()
        self.running = running


@found_by("TestExecutors::test_an_executor_runs_no_more_calls_at_a_time")
class EndlessGreenlets(OnGevent):
    """Its executors run as many calls as there are."""

    def executor(self, max_workers):
        return super().executor(100)
