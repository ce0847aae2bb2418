# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Native threads that are used again: rightly in one driver, and wrongly in others."""

import collections
import threading

from broken_drivers.registry import found_by, sound
from oslo_service.backend import base, exceptions
from oslo_service.backend.threading import ThreadingDriver

FORKS = "test_forks::TestForks::test_a_fork"


class PoolTask(base.Task):
    """A turn of a native thread."""

    __slots__ = ()

    def stop(self):
        if not self.cancel() and not self.done:
            raise exceptions.UnsupportedBackendError(
                f"the task {self.name!r} runs in a thread, which cannot be killed"
            )


class Worker:
    """A native thread that does one task after the other."""

    def __init__(self, driver):
        self.driver = driver
        self.task = None
        self.called = threading.Semaphore(0)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def do(self, task):
        self.task = task
        task.ident = self.thread.ident
        self.called.release()

    def run(self):
        while True:
            self.called.acquire()
            task, self.task = self.task, None
            self.driver.run(task)
            del task
            self.driver.idle.append(self)


@sound
class OnAPool(ThreadingDriver):
    """A task is run by a native thread that has run others before."""

    def __init__(self):
        super().__init__()
        self.idle = collections.deque()

    def spawn(self, call, *, name):
        task = PoolTask(self, call, name)
        self.worker().do(task)
        return task

    def worker(self):
        try:
            return self.idle.pop()
        except IndexError:
            worker = Worker(self)
            worker.thread.start()
            return worker

    def run(self, task):
        task.main()

    def after_fork(self):
        self.idle = collections.deque()
        super().after_fork()


@found_by(FORKS + "ed_child_can_spawn_though_threads_were_idle")
class IdleThreadsStay(OnAPool):
    """Idle threads are kept over a fork: what is spawned in the child never runs."""

    def after_fork(self):
        base.Driver.after_fork(self)


@found_by("test_contention::TestContextVariables::test_nothing_of_a_task_is_seen_by")
class ContextsStay(OnAPool):
    """A task sees the context variables of the one before, in the same thread."""

    def run(self, task):
        task._main()


@found_by("test_leftovers::TestTasks::test_hundreds_run_at_a_time")
class ASmallPool(OnAPool):
    """Tasks beyond a hundred wait for a thread."""

    def __init__(self):
        super().__init__()
        self.threads = 0

    def worker(self):
        while not self.idle and self.threads >= 100:
            threading.Event().wait(0.01)
        if not self.idle:
            self.threads += 1
        return super().worker()


@found_by("test_leftovers::TestTasks::test_after_a_spawn_that_failed_others_run")
class BrokenThreadsStay(OnAPool):
    """A thread that could not be started is taken for an idle one."""

    def worker(self):
        if not self.idle:
            worker = Worker(self)
            self.idle.append(worker)
            worker.thread.start()
        return self.idle.pop()


@found_by(
    "TestTasks::test_a_task_that_waits_forever_does_not_keep_a_program", alone=True
)
class ThreadsKeep(OnAPool):
    """Its threads are no daemons: they keep a program from ending."""

    def worker(self):
        worker = Worker(self)
        worker.thread.daemon = False
        worker.thread.start()
        return worker
