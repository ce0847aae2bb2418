# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Drivers that are wrong, where tasks are green threads of Eventlet."""

import eventlet
import greenlet

from broken_drivers.registry import found_by, sound
from oslo_service.backend import base
from oslo_service.backend.eventlet import EventletDriver, _hub
from oslo_service.backend.eventlet._driver import GreenEvent, GreenTask, _Waiter

KILLS = "test_leftovers::TestKilledTasks::"
RAISED = KILLS + "test_what_kills_is_raised_in_every_wait"
KILLED = "TestCancelAndStop::test_stop_kills_a_running_task"
FOREIGN = "TestEvents::test_set_in_another_native_thread_wakes_a_sleeping_waiter"
FORK = "test_forks::TestForks::test_"


@sound
class OnGreenThreads(EventletDriver):
    """The suite does not know its name.

    :cvar TaskClass: what its tasks are.
    :cvar WaiterClass: what waits for its events.
    """

    TaskClass = GreenTask
    WaiterClass = _Waiter

    def spawn(self, call, *, name):
        task = self.TaskClass(self, call, name)
        task.begin(self._home_box())
        return task

    def event(self):
        return Event(self.WaiterClass)


class Event(GreenEvent):
    __slots__ = ("_waiter_class",)

    def __init__(self, waiter_class):
        super().__init__()
        self._waiter_class = waiter_class

    def _new_waiter(self):
        return self._waiter_class()


@sound
class NothingPatched(OnGreenThreads):
    """It leaves the standard library as it is, and says so."""

    capabilities = base.Capabilities(
        kill_tasks=True, parallel=False, spawn_workers=False, blocking_calls=False
    )

    def prepare_process(self):
        pass

    def is_prepared(self):
        return True

    def holds_thread_locals(self):
        return True


# Tasks


@found_by(KILLED, "TestSemaphores::test_a_killed_waiter_takes_nobody_elses")
class ImmortalTasks(OnGreenThreads):
    """Its stop() does nothing, though it declares that it can."""

    class TaskClass(GreenTask):
        def stop(self):
            pass


@found_by("TestCancelAndStop::test_a_kill_that_meets_the_end_harms_no_link")
class LateKills(OnGreenThreads):
    """Its stop() hits what a task does when it has ended."""

    class TaskClass(GreenTask):
        def _kill(self):
            self._green.throw()


@found_by(
    KILLS + "test_stop_in_another_native_thread_kills_a_sleeping_task", alone=True
)
class KillsAtHome(OnGreenThreads):
    """Its stop() does not wake the scheduler that the task belongs to."""

    class TaskClass(GreenTask):
        def stop(self):
            if not self.cancel() and not self.done:
                self._box.hub.schedule_call_global(0, self._kill)


@found_by(KILLS + "test_stop_cancels_a_task_that_has_not_begun")
class StopsTooLate(OnGreenThreads):
    """Its stop() lets a task begin that has not."""

    class TaskClass(GreenTask):
        def stop(self):
            eventlet.sleep(0)
            super().stop()


@found_by(KILLS + "test_a_task_may_stop_itself")
class NobodyStopsItself(OnGreenThreads):
    """A task that stops itself goes on."""

    class TaskClass(GreenTask):
        def stop(self):
            if greenlet.getcurrent() is not self._green:
                super().stop()


@found_by(KILLED)
class KillsAreErrors(OnGreenThreads):
    """It does not say what kills."""

    killed_by = ()


@found_by(KILLS + "test_its_clean_up_may_wait")
class KillsAgain(OnGreenThreads):
    """Its stop() kills until the task has ended, also in its clean-up."""

    class TaskClass(GreenTask):
        def _kill(self):
            if not self.done:
                self._box.hub.schedule_call_global(0.001, self._kill)
                self._green.throw()


@found_by("TestCancelAndStop::test_stop_is_refused_where_tasks_cannot_be_killed")
class KillsInSecret(OnGreenThreads):
    """It kills, though it declares that it cannot."""

    capabilities = base.Capabilities(
        kill_tasks=False, parallel=False, spawn_workers=False
    )


@found_by("test_contention::TestCapabilities::test_a_task_that_computes")
class Pretentious(OnGreenThreads):
    """It declares that tasks run side by side."""

    capabilities = base.Capabilities(
        kill_tasks=True, parallel=True, spawn_workers=False
    )


@found_by("TestTasks::test_a_native_thread_can_spawn_a_task")
class SpawnsAnywhere(OnGreenThreads):
    """A task belongs to the scheduler of the thread that spawns it."""

    def _home_box(self):
        return _hub.mailbox()


@found_by("TestIdentity::test_the_ident_of_a_task_is_known_when_it_is_spawned")
class IdentsComeLate(OnGreenThreads):
    """A task's ident is known when it has begun."""

    class TaskClass(GreenTask):
        def _spawn(self):
            super()._spawn()
            self.ident = None


@found_by("test_leftovers::TestTasks::test_one_that_has_not_begun_is_not_among_those")
class RunsTooEarly(OnGreenThreads):
    """What has not begun is among those that run."""

    def spawn(self, call, *, name):
        task = super().spawn(call, name=name)
        self.running.add(task)
        return task


# Waits


@found_by("TestEventsOfThree::test_what_is_set_while_somebody_begins_to_wait_ends_no")
class StaleWakeUps(OnGreenThreads):
    """Setting its events may end a later wait, of who did not wait for them."""

    class WaiterClass(_Waiter):
        def __init__(self):
            super().__init__()
            self._live = True


@found_by(FOREIGN)
class LocalWakeUps(OnGreenThreads):
    """Setting an event does not wake the scheduler of another thread."""

    class WaiterClass(_Waiter):
        def wake(self):
            self.box.hub.schedule_call_global(0, self.resume)


@found_by("test_contention::TestNativeThreads")
class OneScheduler(OnGreenThreads):
    """Whoever waits does so in the scheduler of the main thread."""

    class WaiterClass(_Waiter):
        def __init__(self):
            super().__init__()
            OneScheduler.home = self.box = getattr(OneScheduler, "home", self.box)


@found_by(RAISED)
class EventsSwallowKills(OnGreenThreads):
    """What kills a task that waits for an event ends the wait alone."""

    class WaiterClass(_Waiter):
        def wait(self, timeout):
            try:
                super().wait(timeout)
            except greenlet.GreenletExit:
                pass


@found_by("test_leftovers::TestWaits::test_of_an_event_that_is_set_in_time")
class TimersStayArmed(OnGreenThreads):
    """The timer of a wait goes off, though the wait has ended."""

    class WaiterClass(_Waiter):
        def wait(self, timeout):
            super().wait(None if timeout is None else min(timeout, 1e6))

        def _arm(self, timeout):
            self.box.hub.schedule_call_global(timeout, self.resume)


@found_by("TestEvents::test_waiting_without_time_in_a_loop_lets_other_tasks_run")
class SelfishLooks(OnGreenThreads):
    """Who only looks at an event lets nobody else run."""

    def event(self):
        return SelfishEvent(_Waiter)


class SelfishEvent(Event):
    def _let_others_run(self):
        pass


@found_by("TestSleep::test_sleep_lets_other_tasks_run")
class SelfishSleep(OnGreenThreads):
    """To sleep for no time lets nobody else run."""

    def sleep(self, seconds):
        if seconds > 0:
            super().sleep(seconds)


@found_by(RAISED)
class SleepSwallowsKills(OnGreenThreads):
    """What kills a task that sleeps wakes it only."""

    def sleep(self, seconds):
        try:
            super().sleep(seconds)
        except greenlet.GreenletExit:
            pass


@found_by(RAISED)
class ReadinessSwallowsKills(OnGreenThreads):
    """What kills a task that waits for a descriptor ends the wait alone."""

    def wait_ready(self, read, write=(), timeout=None):
        try:
            return super().wait_ready(read, write, timeout)
        except greenlet.GreenletExit:
            return [], []


class Watching(OnGreenThreads):
    """Its wait_ready() forgets to stop watching."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None and timeout <= 0:
            return super().wait_ready(read, write, timeout)
        waiter = _Waiter()
        hub, found = waiter.box.hub, ([], [])

        def watch(kind, fd, ready):
            def on_ready(_fd):
                ready.append(fd)
                waiter.resume()

            return hub.add(kind, fd, on_ready, on_ready, lambda: None)

        watched = [watch(hub.READ, fd, found[0]) for fd in read]
        watched += [watch(hub.WRITE, fd, found[1]) for fd in write]
        try:
            waiter.wait(timeout)
        except greenlet.GreenletExit:
            self.stop_watching("killed", watched, found)
            raise
        self.stop_watching("woken" if any(found) else "over", watched, found)
        return found

    def stop_watching(self, how, watched, found):
        for one in watched:
            if not self.is_kept(how, one.fileno, found):
                eventlet.hubs.get_hub().remove(one)


@found_by(KILLS + "test_its_descriptor_is_not_watched_any_more", alone=True)
class WatchesOfTheKilled(Watching):
    """A task that is killed leaves its descriptor watched."""

    def is_kept(self, how, fd, found):
        return how == "killed"


@found_by(
    "test_leftovers::TestWaits::test_a_descriptor_whose_time_is_over_is_not_watched",
    alone=True,
)
class WatchesOfThePatient(Watching):
    """A wait whose time is over leaves its descriptors watched."""

    def is_kept(self, how, fd, found):
        return how == "over"


@found_by(
    "test_leftovers::TestWaits::test_of_two_descriptors_the_other_one_is_not",
    alone=True,
)
class WatchesOfOthers(Watching):
    """The descriptors that were not ready stay watched."""

    def is_kept(self, how, fd, found):
        return how == "woken" and fd not in (*found[0], *found[1])


@found_by("TestReadiness::test_looking_in_a_loop_lets_other_tasks_run")
class SelfishReadiness(OnGreenThreads):
    """To look whether a descriptor is ready lets nobody else run."""

    def wait_ready(self, read, write=(), timeout=None):
        if timeout is not None and timeout <= 0:
            import select

            return base.poll_ready(select, read, write, 0)
        return super().wait_ready(read, write, timeout)


@found_by("TestDefer")
class DirectDefer(OnGreenThreads):
    """What is deferred runs in the signal handler."""

    def defer(self, call):
        call()


@found_by("TestSemaphores::test_a_waiter_that_is_killed_as_it_is_woken")
class WakeUpsAreTakenAlong(OnGreenThreads):
    """Who is killed as it is woken for a permit does not wake the next."""

    def semaphore(self, value=1):
        return LosingSemaphore(self, value)


class LosingSemaphore(base.Semaphore):
    def _stop_waiting(self, event):
        if event in self._waiters:
            self._waiters.remove(event)


# Forks


@found_by(FORK, "TestAfterFork")
class NoForkHook(OnGreenThreads):
    """It does nothing in a forked process."""

    def after_fork(self):
        pass


@found_by("TestAfterFork")
class RunningStays(OnGreenThreads):
    """In a forked process, the parent's tasks are among those that run."""

    def after_fork(self):
        running = self.running
        super().after_fork()
        self.running = running


@found_by(FORK + "what_was_about_to_begin_in_the_parent_does_not_begin")
class ForksBegin(OnGreenThreads):
    """What was about to begin in the parent begins in the child."""

    def after_fork(self):
        before = eventlet.hubs.get_hub()
        super().after_fork()
        for when, timer in [*before.next_timers, *before.timers]:
            if not timer.called and when < before.clock():
                eventlet.hubs.get_hub().schedule_call_global(0, timer)


@found_by(FORK + "no_timer_of_the_parent_goes_off")
class ForksKeepTime(OnGreenThreads):
    """The parent's timers go off in the child."""

    def after_fork(self):
        before = eventlet.hubs.get_hub()
        super().after_fork()
        after = eventlet.hubs.get_hub()
        after.timers, after.next_timers = before.timers, before.next_timers


@found_by(FORK + "spawning_is_at_home_in_the_child")
class ForksStayHome(OnGreenThreads):
    """In a forked process, tasks belong to the parent's scheduler."""

    def after_fork(self):
        home = self._home
        super().after_fork()
        self._home = home


@found_by(FORK + "the_parents_tasks_do_not_clean_up")
class ForksCleanUp(OnGreenThreads):
    """In a forked process, the parent's tasks are ended."""

    def after_fork(self):
        running = [*self.running]
        super().after_fork()
        for task in running:
            task._green.throw()


# What prepares a process


@found_by("test_prepared_process::TestOriginals", alone=True)
class PatchedOriginals(OnGreenThreads):
    """What it gives as original is patched."""

    def original(self, module):
        return __import__(module)


@found_by("test_prepared_process::TestEnvironment", alone=True)
class NeverPrepared(OnGreenThreads):
    """It does not know that it has prepared the process."""

    def is_prepared(self):
        return False


@found_by("test_prepared_process::TestStandardLibrary", alone=True)
class HalfPrepared(OnGreenThreads):
    """It says that it prepares the process, and does not."""

    def prepare_process(self):
        HalfPrepared.prepared = True

    def is_prepared(self):
        return getattr(HalfPrepared, "prepared", False)


@found_by("test_prepared_process::TestThreadLocals", alone=True)
class ThreadLocalsAreMissed(OnGreenThreads):
    """It says that no task holds anything in thread-locals."""

    def holds_thread_locals(self):
        return False
