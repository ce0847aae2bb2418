# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Stacks of tasks that go on: what is taken of them, and that nothing is kept."""

import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oslo_service._common import frames
from oslo_service.admin import loops, own_stacks
from oslo_service.admin.metrics import in_worker
from oslo_service.backdoor import commands
from oslo_service.monitoring import work_in_progress
from oslo_service.serving.call_watch import CallWatch
from oslo_service.testing.waiting import LIMIT, until_set


class Precious:
    """Something that a task has in a variable."""


class Waiting:
    """A task that has something, and waits until it is told to end."""

    def __init__(self, driver: Any) -> None:
        self._begun, self._released = driver.event(), driver.event()
        self.has: weakref.ref[Precious]
        self.task = driver.spawn(self.wait_inside, name="waiting")
        until_set(self._begun, "it has begun")

    def wait_inside(self) -> None:
        precious = Precious()
        self.has = weakref.ref(precious)
        self._begun.set()
        self._released.wait()

    def end(self) -> None:
        self._released.set()
        self.task.join(LIMIT)


class Stream:
    """A client of the back door, who reads nothing."""

    def write(self, text: str) -> None:
        self.text = text


class Session:
    """Whose call of an application is long."""

    current = None

    def report_long_call(self, *_: Any, **__: Any) -> None:
        pass


def watch_calls(driver: Any) -> None:
    watch = CallWatch(1e-9, 0, threading.Lock())
    watch.begin(Session(), 1)  # type: ignore[arg-type]
    watch.report(driver.frames)


def console(driver: Any) -> Any:
    return commands.Commands(driver, None, Stream())  # type: ignore[arg-type]


@pytest.fixture
def without_gc() -> Iterator[None]:
    """What refers to itself stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "look",
    [
        lambda _driver: own_stacks.of_process(),
        lambda _driver: work_in_progress.look(stacks=True),
        lambda _driver: work_in_progress.look(stacks=False),
        lambda _driver: loops.of_process(),
        lambda _driver: list(in_worker.families()),
        lambda driver: console(driver).print_loops(),
        lambda driver: console(driver).print_native_threads(),
        lambda driver: console(driver).print_native_threads(simple=False),
        lambda driver: console(driver).print_green_threads(),
        watch_calls,
    ],
    ids=[
        *("stacks", "work with stacks", "work", "loops", "metrics"),
        *("loops()", "pnt()", "pnt(simple=False)", "pgt()", "long calls"),
    ],
)
def test_who_looks_keeps_nothing_of_what_tasks_have(
    driver, without_gc, look: Callable[[Any], object]
) -> None:
    waiting = Waiting(driver)
    look(driver)
    waiting.end()
    assert waiting.has() is None


def test_a_stack_is_what_it_was_though_the_task_goes_on(driver) -> None:
    waiting = Waiting(driver)
    stacks = frames.stacks_of(driver.frames, driver.current_ident())
    waiting.end()
    text = frames.text(stacks[waiting.task.ident], variables=False)
    assert "in wait_inside\n    self._released.wait()" in text


def test_each_line_is_that_at_which_the_stack_was_taken() -> None:
    def calls() -> tuple[frames.Stack, list[int]]:
        here = sys._getframe()
        known = [one.f_lineno for one in reversed(frames.stack_of(here).frames)]
        taken = frames.stack_of(here)
        return taken, [*known[:-1], here.f_lineno - 1]

    taken, known = calls()
    assert [line for _, line in frames.lines(taken)] == known


def test_who_looks_is_seen_from_outside(driver) -> None:
    def look() -> dict[int, frames.Stack]:
        return frames.stacks_of(driver.frames, driver.current_ident())

    here = sys._getframe()
    own = look()[driver.current_ident()]
    assert own.frames[0] is here
    assert "look" not in {frame.f_code.co_name for frame in own.frames}


def test_who_looks_at_native_threads_is_found_among_them() -> None:
    def look() -> dict[int, frames.Stack]:
        return frames.stacks_of(sys._current_frames)

    here = sys._getframe()
    own = look()[threading.get_ident()]
    assert own.frames[0] is here


@pytest.fixture
def collections() -> Iterator[list[bool]]:
    """Whether frames were being looked at, at each collection of garbage: often."""
    looked: list[bool] = []

    def note(_phase: str, _info: object) -> None:
        here: Any = sys._getframe()
        names = []
        while here is not None:
            names.append(here.f_code.co_qualname)
            here = here.f_back
        looked.append("_walk" in names or "Driver.frames" in names)

    threshold = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(1)
    try:
        yield looked
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(note)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it is between instructions")
class TestCollector:
    """Garbage that is collected while the object of a frame is made is a crash."""

    def test_none_is_collected_while_frames_are_looked_at(
        self, driver, collections
    ) -> None:
        waiting = Waiting(driver)
        for _ in range(10):
            frames.stacks_of(driver.frames, driver.current_ident())
            frames.stack_of(sys._getframe())
        waiting.end()
        assert collections
        assert not any(collections)

    def test_it_is_as_it_was_afterwards(self, driver) -> None:
        assert gc.isenabled()
        frames.stacks_of(driver.frames)
        assert gc.isenabled()
        gc.disable()
        try:
            frames.stacks_of(driver.frames)
            assert not gc.isenabled()
        finally:
            gc.enable()

    def test_it_is_on_in_a_process_that_is_forked_meanwhile(self) -> None:
        def look() -> dict[int, Any]:
            assert not gc.isenabled()
            pid = os.fork()
            if not pid:
                os._exit(0 if gc.isenabled() else 1)
            assert os.waitpid(pid, 0)[1] == 0
            return {}

        frames.stacks_of(look)
        assert gc.isenabled()


def test_nothing_is_no_stack() -> None:
    assert frames.stack_of(None) == frames.Stack()
    assert frames.text(frames.Stack(), variables=False) == ""
