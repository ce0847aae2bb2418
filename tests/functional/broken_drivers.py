# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Drivers that are wrong on purpose, each in one way; and two that are right."""

import math
import threading
import time

from oslo_service.backend import base
from oslo_service.backend.eventlet import EventletDriver
from oslo_service.backend.eventlet._driver import GreenEvent, GreenTask, _Waiter
from oslo_service.backend.threading import ThreadingDriver


class OnThreads(ThreadingDriver):
    """Nothing is wrong with it, and the suite does not know its name."""

    name = "on-threads"


class OnGreenThreads(EventletDriver):
    """Likewise."""

    name = "on-green-threads"


class EndlessEvent(base.LockEvent):
    def wait(self, timeout=None):
        return super().wait(0 if timeout == 0 else None)


class EndlessWaits(ThreadingDriver):
    """Its events ignore the time-out."""

    name = "endless-waits"

    def event(self):
        return EndlessEvent()


class LockingEvents(ThreadingDriver):
    """Setting its events takes a lock, which who is interrupted may hold."""

    name = "locking-events"

    def event(self):
        return threading.Event()


class RoundingEvent(base.LockEvent):
    def wait(self, timeout=None):
        if timeout is not None:
            timeout = math.ceil(timeout * 5) / 5
        return super().wait(timeout)


class RoundTimes(ThreadingDriver):
    """Its times are fifths of a second: too long in events, too short in sleep()."""

    name = "round-times"

    def event(self):
        return RoundingEvent()

    def sleep(self, seconds):
        super().sleep(math.floor(seconds * 5) / 5)


class ImmortalTask(GreenTask):
    def stop(self):
        pass


class ImmortalTasks(EventletDriver):
    """Its stop() does nothing, though it declares that it can."""

    name = "immortal-tasks"

    def spawn(self, call, *, name):
        task = ImmortalTask(self, call, name)
        task.begin(self._home_box())
        return task


class LostErrors(ThreadingDriver):
    """What a task raises is lost, and so is what a group's thread raises."""

    name = "lost-errors"

    def spawn(self, call, *, name):
        def silently():
            try:
                return call()
            except Exception:  # noqa: BLE001 - it is wrong on purpose
                return None

        return super().spawn(silently, name=name)


class Polling(ThreadingDriver):
    """Its wait_ready() looks again and again."""

    name = "polling"

    def wait_ready(self, read, write=(), timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            ready = super().wait_ready(read, write, 0)
            if any(ready) or (end is not None and time.monotonic() >= end):
                return ready
            time.sleep(0.01)


class NoForkHook(EventletDriver):
    """It does nothing in a forked process."""

    name = "no-fork-hook"

    def after_fork(self):
        pass


class InTurns(ThreadingDriver):
    """Its spawn() does the work itself, one thing after the other."""

    name = "in-turns"

    def spawn(self, call, *, name):
        task = base.InlineTask(self, call, name)
        task.main()
        return task


class OneGateEvent:
    """It is made of one lock, which is held while the flag is down."""

    def __init__(self):
        self._up = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def is_set(self):
        return self._up

    def set(self):
        self._up = True
        self._open()

    def clear(self):
        self._up = False
        self._gate.acquire(blocking=False)

    def wait(self, timeout=None):
        until = math.inf if timeout is None else time.monotonic() + timeout
        while not self._up:
            left = min(until - time.monotonic(), threading.TIMEOUT_MAX)
            if left <= 0 or not self._gate.acquire(timeout=left):
                break
            if self._up:
                self._open()
        return self._up

    def _open(self):
        try:
            self._gate.release()
        except RuntimeError:
            pass


class LostWakeUps(ThreadingDriver):
    """Its events wake those who find them set when they look, and lose others."""

    name = "lost-wake-ups"

    def event(self):
        return OneGateEvent()


class HastyWaiter(_Waiter):
    def __init__(self):
        super().__init__()
        self._live = True


class HastyEvent(GreenEvent):
    def _new_waiter(self):
        return HastyWaiter()


class StaleWakeUps(EventletDriver):
    """Setting its events may end a later wait, of who did not wait for them."""

    name = "stale-wake-ups"

    def event(self):
        return HastyEvent()


class LateKilledTask(GreenTask):
    def _kill(self):
        self._green.throw()


class LateKills(EventletDriver):
    """Its stop() hits what a task does when it has ended."""

    name = "late-kills"

    def spawn(self, call, *, name):
        task = LateKilledTask(self, call, name)
        task.begin(self._home_box())
        return task
