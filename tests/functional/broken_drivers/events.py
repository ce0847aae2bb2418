# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Events that are wrong, where tasks are native threads."""

import math
import threading
import time

from broken_drivers.registry import found_by, sound
from oslo_service.backend import base
from oslo_service.backend.threading import ThreadingDriver

WAIT = "TestEvents::test_wait_says_that_the_time_was_over"
SET = "TestEvents::test_an_event_that_is_set_is_not_waited_for"
CLEARED = "TestEvents::test_a_cleared_event_is_waited_for_again"
PULSE = "TestEventsOfThree::test_a_pulse_wakes_every_waiter"


@sound
class OnThreads(ThreadingDriver):
    """The suite does not know its name.

    :cvar EventClass: what its events are.
    """

    EventClass = base.LockEvent

    def event(self):
        return self.EventClass()


@found_by(WAIT)
class EndlessWaits(OnThreads):
    """Its events ignore the time-out."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            return super().wait(0 if timeout == 0 else None)


@found_by("TestEvents::test_set_in_a_signal_handler_waits_for_no_lock")
class LockingEvents(OnThreads):
    """Setting its events takes a lock, which who is interrupted may hold."""

    EventClass = threading.Event


@found_by(WAIT, "TestSemaphores::test_acquire_gives_up_when_the_time_is_over")
class RoundEvents(OnThreads):
    """Its times are fifths of a second."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if timeout is not None:
                timeout = math.ceil(timeout * 5) / 5
            return super().wait(timeout)


@found_by(WAIT, "TestWaitingForTasks::test_wait_raises_timeout_error")
class EarlyEvents(OnThreads):
    """Its times are milliseconds, rounded down."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if timeout is not None:
                timeout = math.floor(timeout * 1000) / 1000
            return super().wait(timeout)


@found_by(PULSE)
class LostWakeUps(OnThreads):
    """Its events wake those who find them set when they look, and lose others."""

    class EventClass(threading.Event):
        def wait(self, timeout=None):
            end = math.inf if timeout is None else time.monotonic() + timeout
            while not self.is_set() and (left := end - time.monotonic()) > 0:
                super().wait(min(left, 10.0))
            return self.is_set()


@found_by("TestEvents::test_set_wakes_every_waiter")
class OneWakeUp(OnThreads):
    """Setting its events wakes one of those who wait."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if not (gates := [*self._gates]):
                return True
            if timeout is not None and timeout <= 0:
                return False
            return gates[0].acquire(True, -1 if timeout is None else timeout)


@found_by("TestEventsOfThree::test_a_set_that_is_overtaken_by_a_clear")
class SetTwice(OnThreads):
    """Setting its events raises the flag again that was lowered meanwhile."""

    class EventClass(base.LockEvent):
        def set(self):
            super().set()
            while self._gates:
                super().set()


@found_by("TestEvents::test_wait_with_a_negative_timeout_only_looks")
class NoNegativeTimes(OnThreads):
    """A time-out that is over already is an error."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if timeout is not None and timeout < 0:
                raise ValueError("timeout value must be a non-negative number")
            return super().wait(timeout)


@found_by("TestEvents::test_set_wakes_every_waiter")
class ShortTimes(OnThreads):
    """A time-out is counted in milliseconds, in 32 bits."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if timeout is not None and timeout * 1000 >= 1 << 31:
                raise OverflowError("timeout is too large")
            return super().wait(timeout)


@found_by(CLEARED)
class StickyEvents(OnThreads):
    """Once set, its events stay."""

    class EventClass(base.LockEvent):
        def clear(self):
            pass


@found_by(SET)
class EventsThatReset(OnThreads):
    """Whoever has waited lowers the flag."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            found = super().wait(timeout)
            self.clear()
            return found


@found_by(SET)
class TogglingEvents(OnThreads):
    """Setting an event that is set lowers the flag."""

    class EventClass(base.LockEvent):
        def set(self):
            (self.clear if self.is_set() else super().set)()


@found_by(PULSE)
class ForgottenPulses(OnThreads):
    """Who was woken is told that the time is over, where the flag is down again."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            super().wait(timeout)
            return self.is_set()


@found_by(WAIT)
class AlwaysTrue(OnThreads):
    """Whether the flag was raised is not told."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            super().wait(timeout)
            return True


@found_by(CLEARED)
class NothingIsTold(OnThreads):
    """Waiting returns nothing, as it did in Python 2.6."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            super().wait(timeout)


@found_by("TestEventsOfThree::test_who_begins_to_wait_after_a_pulse")
class PulsesThatLast(OnThreads):
    """A flag that was raised and lowered wakes the next who comes."""

    class EventClass(base.LockEvent):
        raised = 0

        def set(self):
            self.raised = 1
            super().set()

        def wait(self, timeout=None):
            raised, self.raised = self.raised, 0
            return True if raised else super().wait(timeout)


@found_by("test_leftovers::TestWaits::test_of_an_event_whose_time_is_over")
class WaitersThatStay(OnThreads):
    """Who gives up waiting stays in its list."""

    class EventClass(base.LockEvent):
        def __init__(self):
            super().__init__()
            self.waiters = []

        def wait(self, timeout=None):
            self.waiters.append([timeout])
            if found := super().wait(timeout):
                self.waiters.pop()
            return found


@found_by("test_leftovers::TestWaits::test_of_an_event_that_is_set_in_time")
class TimersThatStay(OnThreads):
    """Whoever waits with a time-out leaves a timer, until it goes off."""

    timers = []

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if timeout:
                TimersThatStay.timers.append([timeout])
            return super().wait(timeout)


@found_by("test_contention::TestNativeThreads::test_it_can_wait_for_some_time")
class TasksWaitOnly(OnThreads):
    """A native thread that is no task cannot wait with a time-out."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            thread = threading.current_thread()
            main = threading.main_thread()
            if timeout is not None and thread is not main and thread.daemon:
                raise RuntimeError("there is no event loop in this thread")
            return super().wait(timeout)


@found_by("test_contention::TestNativeThreads::test_a_task_wakes_it")
class TasksAreWokenOnly(OnThreads):
    """A native thread that is no task is not woken."""

    class EventClass(base.LockEvent):
        def wait(self, timeout=None):
            if threading.current_thread().daemon:
                time.sleep(1e6 if timeout is None else timeout)
                return self.is_set()
            return super().wait(timeout)


@found_by("TestEventsOfThree::test_what_is_set_while_somebody_begins_to_wait_ends_this")
class HastyWaits(OnThreads):
    """Who is about to wait does not look again, and misses what is set meanwhile."""

    class EventClass:
        def __init__(self):
            self._up = False
            self._gates = []

        def is_set(self):
            return self._up

        def set(self):
            self._up = True
            while self._gates:
                self._gates.pop().release()

        def clear(self):
            self._up = False

        def wait(self, timeout=None):
            if self._up or (timeout is not None and timeout <= 0):
                return self._up
            gate = threading.Lock()
            gate.acquire()
            self._gates.append(gate)
            patience = threading.TIMEOUT_MAX if timeout is None else timeout
            found = gate.acquire(timeout=patience)
            if not found and gate in self._gates:
                self._gates.remove(gate)
            return found
