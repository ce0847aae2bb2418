# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tasks that are wrong, where they are native threads."""

import contextvars
import os
import subprocess
import threading

from broken_drivers.registry import found_by
from oslo_service.backend import base, exceptions
from oslo_service.backend.threading import ThreadingDriver
from oslo_service.backend.threading._driver import ThreadTask

RAISES = "TestTasks::test_wait_raises_what_the_call_raised"
RESULT = "TestTasks::test_wait_gives_the_result_of_the_call"
RUNNING = "test_leftovers::TestTasks::test_one_that_has_ended_is_not_among_those"
LINK = "TestLinks::test_a_link_is_called_with_the_task_in_the_ending_task"
IDENT = "TestIdentity::test_an_ident_is_never_zero"
FRESH = "test_contention::TestContextVariables::test_nothing_of_"


class Tasks(ThreadingDriver):
    """As it should be.

    :cvar TaskClass: what its tasks are.
    """

    TaskClass = ThreadTask

    def spawn(self, call, *, name):
        task = self.TaskClass(self, call, name)
        task.begin()
        return task


class Wrapped(ThreadingDriver):
    """What it spawns is something around the call."""

    def spawn(self, call, *, name):
        return super().spawn(lambda: self.around(call), name=name)


@found_by(RAISES, "test_threadgroup::TestThreads")
class LostErrors(Wrapped):
    """What a task raises is lost, and so is what a group's thread raises."""

    def around(self, call):
        try:
            return call()
        except Exception:  # noqa: BLE001 - it is wrong on purpose
            return None


@found_by(RESULT)
class LostResults(Wrapped):
    """What a call returns is lost."""

    def around(self, call):
        call()


@found_by(RAISES)
class OtherErrors(Wrapped):
    """What a call raises is wrapped in another exception."""

    def around(self, call):
        try:
            return call()
        except Exception as exc:
            raise RuntimeError("a task failed") from exc


@found_by("TestTasks::test_system_exit_ends_the_task_alone")
class ExitsThatFail(Wrapped):
    """SystemExit is a failure."""

    def around(self, call):
        try:
            return call()
        except SystemExit as exc:
            raise RuntimeError("exit") from exc


@found_by("TestTasks::test_tasks_run_concurrently")
class InTurns(ThreadingDriver):
    """Its spawn() does the work itself, one thing after the other."""

    def spawn(self, call, *, name):
        task = base.InlineTask(self, call, name)
        task.main()
        return task


@found_by("TestTasks::test_spawn_does_not_wait_for_the_call")
class SpawnWaits(ThreadingDriver):
    """Its spawn() waits for the end of the call."""

    def spawn(self, call, *, name):
        task = super().spawn(call, name=name)
        task.join(5)
        return task


@found_by(
    "TestTasks::test_tasks_run_concurrently", "test_leftovers::TestTasks::test_hu"
)
class OneAtATime(Wrapped):
    """One task runs at a time, and the others wait for its end."""

    lock = threading.Lock()

    def around(self, call):
        with self.lock:
            return call()


@found_by("test_leftovers::TestTasks::test_hundreds_run_at_a_time")
class AHundredTasks(Wrapped):
    """Those beyond a hundred wait for a place."""

    def __init__(self):
        super().__init__()
        self.places = threading.Semaphore(100)

    def around(self, call):
        with self.places:
            return call()


@found_by("TestTasks::test_a_task_that_waits_forever_does_not_keep_a_program")
class TasksThatKeep(Tasks):
    """Its threads are no daemons: they keep a program from ending."""

    class TaskClass(ThreadTask):
        def begin(self):
            self._thread = threading.Thread(target=self._run, name=self.name)
            self._thread.start()
            self.ident = self._thread.ident


@found_by("test_leftovers::TestTasks::test_of_a_spawn_that_fails_nothing_is_left")
class SpawnsThatStay(Tasks):
    """A task that could not be spawned is among those that run, for ever."""

    def spawn(self, call, *, name):
        task = ThreadTask(self, call, name)
        self.running.add(task)
        task.begin()
        return task


@found_by(RUNNING)
class EndedTasksStay(Tasks):
    """What has failed is among those that run, for ever."""

    class TaskClass(ThreadTask):
        def _end(self):
            if self._error is None:
                self._driver.running.discard(self)
            self._finished.set()
            self._resolve_links()


@found_by("TestTasks::test_the_driver_knows_which_tasks_run")
class UnknownTasks(Tasks):
    """It does not know which tasks run."""

    @property
    def running(self):
        return set()

    @running.setter
    def running(self, _tasks):
        pass


@found_by("TestIdentity::test_the_ident_of_a_task_is_known_when_it_is_spawned")
class LateIdents(Tasks):
    """A task's ident is known when it has begun."""

    class TaskClass(ThreadTask):
        def begin(self):
            super().begin()
            if not self._finished.is_set():
                self.ident = None


@found_by(IDENT)
class IdentsOfZero(ThreadingDriver):
    """The main thread's ident is 0."""

    def current_ident(self):
        mine = threading.get_ident()
        return 0 if mine == threading.main_thread().ident else mine


@found_by(IDENT)
class OneIdent(ThreadingDriver):
    """Its idents are the process's."""

    def current_ident(self):
        return os.getpid()


@found_by(LINK)
class EarlyLinks(Tasks):
    """A link is called when it is made."""

    class TaskClass(ThreadTask):
        def link(self, callback):
            self._call_link(callback)


@found_by(LINK)
class ForeignLinks(Tasks):
    """Links are called in a thread of their own."""

    class TaskClass(ThreadTask):
        def _call_link(self, callback):
            threading.Thread(target=super()._call_link, args=(callback,)).start()


@found_by("TestLinks::test_a_link_that_is_overtaken_by_the_end_is_called_once")
class LinksTwice(Tasks):
    """A link that meets the end may be called twice."""

    class TaskClass(ThreadTask):
        def _resolve_links(self):
            for callback in [*self._links]:
                self._call_link(callback)
            self._links.clear()

        def link(self, callback):
            super().link(callback)
            if self._finished.is_set():
                self._call_link(callback)


@found_by("TestLinks::test_a_link_to_an_ended_task_is_called_at_once")
class LateLinks(Tasks):
    """Nobody calls what is linked to a task that has ended."""

    class TaskClass(ThreadTask):
        def link(self, callback):
            self._links.append(callback)


@found_by("TestLinks::test_a_link_is_called_when_the_call_raises")
class LinksOfSuccess(Tasks):
    """A link is called where the call has returned only."""

    class TaskClass(ThreadTask):
        def _resolve_links(self):
            if self._error is None:
                super()._resolve_links()


@found_by("TestLinks::test_an_error_in_a_link_is_logged_and_the_next_link_called")
class LinksThatFail(Tasks):
    """An error in a link keeps the others from being called."""

    class TaskClass(ThreadTask):
        def _call_link(self, callback):
            callback(self)


@found_by("TestLinks::test_linked_functions_are_not_waited_for")
class LinksAreAwaited(Tasks):
    """Who waits for a task waits for its links, too."""

    class TaskClass(ThreadTask):
        def _end(self):
            self._driver.running.discard(self)
            links, self._links = self._links, []
            for one in links:
                self._call_link(one)
            self._finished.set()
            self._resolve_links()


@found_by("TestCancelAndStop::test_cancel_does_not_touch_a_task_that_has_begun")
class CancelClaims(Tasks):
    """Cancelling says that it has prevented what runs."""

    class TaskClass(ThreadTask):
        def cancel(self):
            return super().cancel() or not self.done


@found_by("TestCancelAndStop::test_cancel_of_an_ended_task_changes_nothing")
class CancelTooLate(Tasks):
    """Cancelling what has ended takes its result away."""

    class TaskClass(ThreadTask):
        def cancel(self):
            self._error = exceptions.TaskCancelled("cancelled")
            return super().cancel()


@found_by("TestCancelAndStop::test_stop_is_refused_where_tasks_cannot_be_killed")
class StopDoesNothing(Tasks):
    """What it cannot do, it does not refuse."""

    class TaskClass(ThreadTask):
        def stop(self):
            self.cancel()


@found_by("TestWaitingForTasks::test_every_waiter_gets_the_exception")
class ErrorsOnce(Tasks):
    """One who waits gets the exception, and the others nothing."""

    class TaskClass(ThreadTask):
        def wait(self, timeout=None):
            try:
                return super().wait(timeout)
            finally:
                if self.done:
                    self._error = None


@found_by("TestWaitingForTasks::test_wait_raises_timeout_error_when_the_time_is_over")
class SilentTimeOuts(Tasks):
    """A wait whose time is over returns nothing."""

    class TaskClass(ThreadTask):
        def wait(self, timeout=None):
            return super().wait(timeout) if self.join(timeout) else None


@found_by("TestTasks::test_a_task_is_done_when_its_call_has_returned")
class DoneTooEarly(Tasks):
    """A task is done when it has begun."""

    class TaskClass(ThreadTask):
        @property
        def done(self):
            return not self._calls


@found_by(RESULT)
class NothingBegins(Tasks):
    """What it spawns never runs."""

    class TaskClass(ThreadTask):
        def begin(self):
            pass


@found_by()
class ProcessesAreLeft(Tasks):
    """It starts processes, and leaves them: the suite names them."""

    def spawn(self, call, *, name):
        subprocess.Popen(["sleep", "60"])
        return super().spawn(call, name=name)


@found_by("TestTasks::test_a_task_keeps_the_name_it_was_given")
class NamesAreLost(ThreadingDriver):
    """Its tasks have names of its own."""

    def spawn(self, call, *, name):
        return super().spawn(call, name="a thread")


@found_by(FRESH + "the_spawners_is_seen")
class ContextsOfSpawners(Tasks):
    """A task sees the context variables of who has spawned it."""

    class TaskClass(ThreadTask):
        def begin(self):
            self._call = contextvars.copy_context().run, self._call
            super().begin()

        def main(self):
            run, self._call = self._call
            call = self._call
            self._call = lambda: run(call)
            super().main()


@found_by("TestFrames::test_each_task_is_where_it_waits")
class NoFrames(ThreadingDriver):
    """It does not know where tasks are."""

    def frames(self):
        return {}


@found_by("test_contention::TestCapabilities::test_what_kills_is_no_failure")
class ExitsAreFailures(ThreadingDriver):
    """Where a task ends itself, it says that the call has failed."""

    def is_failure(self, error):
        return True
