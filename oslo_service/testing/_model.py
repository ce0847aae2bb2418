# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a driver's primitives do, as a model that needs no concurrency.

Each step is done to the driver and to the model; then everything has to have ended that
has in the model, with the same outcome, and nothing else.
"""

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from oslo_service.backend.base import Driver
from oslo_service.backend.exceptions import TaskCancelled
from oslo_service.testing.waiting import (
    Log,
    ended,
    in_native_thread,
    until,
    until_asleep,
)

__all__ = ("ACTORS", "STEPS", "Run")

#: Who may raise an event, or release a permit.
ACTORS = ("main", "task", "native thread", "signal handler")
#: What may be done, to the first or the second of its kind, and by whom.
STEPS = (
    *("wait", "wait a moment", "set", "clear", "pulse"),
    *("acquire", "try to acquire", "release", "wait for the pipe", "write"),
    *("join", "link", "fail", "cancel", "stop"),
)
_KILLED = "killed"


class Waiting:
    """A task, and what the model knows of it.

    :ivar on: what it waits for; None: it has ended.
    :ivar outcome: what its call returns or raises.
    """

    def __init__(self, on: object) -> None:
        self.on: object = on
        self.outcome: object = None
        self.task: Any = None
        self.thread = 0
        self.begun = Log()
        self.links = 0
        self.linked = Log()

    def end(self, outcome: object) -> None:
        """Have it end."""
        self.on, self.outcome = None, outcome


class Run:
    """A program that is done step by step.

    :param driver: does it.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._up = [False, False]
        self._permits = [0, 1]
        self._written = False
        self._events = [driver.event() for _ in self._up]
        self._semaphores = [driver.semaphore(number) for number in self._permits]
        self._pipe = os.pipe()
        self._all: list[Waiting] = []

    def do(self, step: str, number: int, actor: str) -> None:
        """Do a step, and compare."""
        getattr(self, "_" + step.replace(" ", "_"))(number, actor)
        self._compare()

    def close(self) -> None:
        """Have everything end."""
        for number in (0, 1):
            self.do("set", number, "main")
        while any(isinstance(one.on, int) and one.on >= 10 for one in self._all):
            for number in (0, 1):
                self.do("release", number, "main")
        self.do("write", 0, "main")
        self._compare()
        assert all(one.on is None for one in self._all)
        for fd in self._pipe:
            os.close(fd)

    # Comparing

    def _compare(self) -> None:
        driver = self._driver
        for one in self._all:
            until(driver, partial(one.begun.reaches, 1), "what is spawned begins")
        for one in self._all:
            if one.on is None:
                assert self._outcome_of(one) == one.outcome
                linked = partial(one.linked.reaches, one.links)
                until(driver, linked, "links are called")
            assert len(one.linked) == (0 if one.on is not None else one.links)
        alive = {one.task for one in self._all if one.on is not None}
        assert not [one.name for one in alive if one.done], "nothing else has ended"
        assert alive == {*driver.running}, "those run that have begun and not ended"
        assert [event.is_set() for event in self._events] == self._up

    @staticmethod
    def _outcome_of(one: Waiting) -> object:
        try:
            return ended(one.task, "what should end does")
        except TaskCancelled:
            return _KILLED
        except ZeroDivisionError:
            return ZeroDivisionError

    def _spawn(self, on: object, call: Callable[[], object], name: str) -> Waiting:
        one = Waiting(on)

        def begin() -> object:
            one.thread = threading.get_native_id()
            one.begun(one.thread)
            return call()

        one.task = self._driver.spawn(begin, name=name)
        self._all.append(one)
        return one

    def _act(self, actor: str, call: Callable[[], object]) -> None:
        if actor == "task":
            ended(self._driver.spawn(call, name="actor"), "it ends")
        elif actor == "native thread":
            thread = in_native_thread(call)
            until(self._driver, lambda: not thread.is_alive(), "it ends")
        elif actor == "signal handler":
            done = Log()
            before = signal.signal(signal.SIGUSR1, lambda *_: done(call()))
            os.kill(os.getpid(), signal.SIGUSR1)
            until(self._driver, partial(done.reaches, 1), "the handler is called")
            signal.signal(signal.SIGUSR1, before)
        else:
            call()

    def _waiting_on(self, what: object) -> list[Waiting]:
        return [one for one in self._all if one.on == what]

    def _let_them_wait(self, those: list[Waiting]) -> None:
        for one in those:
            until(self._driver, partial(one.begun.reaches, 1), "what is spawned begins")
            if self._driver.capabilities.parallel:
                until_asleep(one.thread)
        self._driver.sleep(0)

    # Events: what waits for one is on its number

    def _wait(self, number: int, _actor: str) -> None:
        one = self._spawn(number, self._events[number].wait, "waits")
        if self._up[number]:
            one.end(True)

    def _wait_a_moment(self, number: int, _actor: str) -> None:
        one = self._spawn(number, partial(self._events[number].wait, 0.001), "looks")
        one.end(self._up[number])

    def _set(self, number: int, actor: str) -> None:
        self._act(actor, self._events[number].set)
        self._up[number] = True
        self._wake(number)

    def _wake(self, number: int) -> None:
        for one in self._waiting_on(number):
            one.end(True)
            self._end_joins(one)

    def _clear(self, number: int, _actor: str) -> None:
        self._events[number].clear()
        self._up[number] = False

    def _pulse(self, number: int, actor: str) -> None:
        self._let_them_wait(self._waiting_on(number))

        def pulse() -> None:
            self._events[number].set()
            self._events[number].clear()

        self._act(actor, pulse)
        self._up[number] = False
        self._wake(number)

    # Semaphores: what waits for one is on ten and its number

    def _acquire(self, number: int, _actor: str) -> None:
        one = self._spawn(10 + number, self._semaphores[number].acquire, "acquires")
        if self._permits[number]:
            self._permits[number] -= 1
            one.end(True)
        else:  # in the order in which they come
            self._let_them_wait([one])

    def _try_to_acquire(self, number: int, _actor: str) -> None:
        expected = self._permits[number] > 0
        assert self._semaphores[number].acquire(blocking=False) is expected
        self._permits[number] -= expected

    def _release(self, number: int, actor: str) -> None:
        if actor == "signal handler":  # is not promised
            actor = "native thread"
        self._act(actor, self._semaphores[number].release)
        waiting = self._waiting_on(10 + number)
        if waiting:
            waiting[0].end(True)
            self._end_joins(waiting[0])
        else:
            self._permits[number] += 1

    # The pipe

    def _wait_for_the_pipe(self, _number: int, _actor: str) -> None:
        if self._waiting_on("pipe"):  # one task waits for a descriptor
            return
        call = partial(self._driver.wait_ready, [self._pipe[0]])
        one = self._spawn("pipe", call, "reads")
        if self._written:
            self._take(one)

    def _write(self, _number: int, _actor: str) -> None:
        if self._written:
            return
        os.write(self._pipe[1], b"!")
        self._written = True
        for one in self._waiting_on("pipe"):
            self._take(one)

    def _take(self, one: Waiting) -> None:
        one.end(([self._pipe[0]], []))
        self._outcome_of(one)
        os.read(self._pipe[0], 1)
        self._written = False
        self._end_joins(one)

    # Tasks: who waits for one is on it

    def _some(self, number: int) -> Waiting | None:
        return self._all[-1 - number] if len(self._all) > number else None

    def _join(self, number: int, _actor: str) -> None:
        other = self._some(number)
        if other is None:
            return
        one = self._spawn(other, other.task.wait, "joins")
        if other.on is None:
            one.end(other.outcome)

    def _end_joins(self, other: Waiting) -> None:
        for one in self._waiting_on(other):
            one.end(other.outcome)
            self._end_joins(one)

    def _link(self, number: int, _actor: str) -> None:
        other = self._some(number)
        if other is not None:
            other.links += 1
            other.task.link(other.linked)

    def _fail(self, _number: int, _actor: str) -> None:
        self._spawn("nothing", lambda: 1 / 0, "fails").end(ZeroDivisionError)

    def _cancel(self, number: int, _actor: str) -> None:
        other = self._some(number)
        if other is not None:
            assert other.task.cancel() is False, "it has begun"

    def _stop(self, number: int, actor: str) -> None:
        other = self._some(number)
        if other is None or not self._driver.capabilities.kill_tasks:
            return
        self._act(actor, other.task.stop)
        if other.on is not None:
            other.end(_KILLED)
            self._end_joins(other)
