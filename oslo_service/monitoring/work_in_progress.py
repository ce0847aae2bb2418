# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The work in progress in this process: what users track, and what the library runs.

For the latter nothing is recorded while it runs: it is found in the stacks.
"""

import operator
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from oslo_service import backend
from oslo_service._common import clock, frames, naming
from oslo_service._common.frames import Stack
from oslo_service.backend._executor_calls import frames_of_calls
from oslo_service.supervisor import tracked_work
from oslo_service.supervisor.work_items import WorkItem

__all__ = ("answer", "look")


class _Found(NamedTuple):
    """A piece of work that was found in a frame: what it is, and since when it runs."""

    kind: str
    name: str
    began: float | None


def answer(args: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answer to the question for the work in progress.

    :param args: ``stacks``: whether to include the stacks.
    """
    return [one.as_json() for one in look(bool(args.get("stacks")))]


def look(stacks: bool) -> list[WorkItem]:
    """Return the work in progress, the oldest first.

    :param stacks: whether to include the stacks. Then what runs in no task of a driver
        is found, too, for which all objects may have to be looked at: not to be asked
        for again and again.
    """
    now = clock.now()
    tasks: dict[int, Stack] = {}
    for driver in backend.in_use():
        tasks |= frames.stacks_of(
            driver.frames if stacks else driver.task_frames, driver.current_ident()
        )
    known = dict(_codes())
    names = _Names()
    found = [
        _item(one, now, names.of(ident), stack, stacks)
        for ident, stack in (*tasks.items(), *_further_calls(tasks))
        for one in _known(stack, known)
    ]
    found += _tracked(now, tasks, names, stacks)
    return sorted(found, key=lambda one: -(one.age or 0.0))


def _further_calls(tasks: dict[int, Stack]) -> Iterable[tuple[int, Stack]]:
    """Return the calls of executors that run in none of these tasks.

    Executors of green threads use no tasks of the driver.
    """
    calls = frames_of_calls()
    for stack in tasks.values() if calls else ():
        for frame in stack.frames:
            calls.pop(frame, None)
    return [(ident, frames.stack_of(frame)) for frame, ident in calls.items()]


class _Names:
    """The names of tasks and native threads."""

    def __init__(self) -> None:
        self._names: dict[int | None, str] = {
            one.ident: one.name for one in threading.enumerate()
        }
        for driver in backend.in_use():
            self._names |= {one.ident: one.name for one in list(driver.running)}

    def of(self, ident: int) -> str:
        return self._names.get(ident, f"task {ident}")


def _item(found: _Found, now: float, task: str, stack: Stack, stacks: bool) -> WorkItem:
    return WorkItem(
        kind=found.kind,
        name=found.name,
        age=None if found.began is None else max(0.0, now - found.began),
        task=task,
        stack=_text(stack) if stacks else "",
    )


def _tracked(
    now: float, tasks: dict[int, Stack], names: _Names, stacks: bool
) -> Iterator[WorkItem]:
    pieces = tracked_work.in_progress(now)
    where = _where({one.frame for one, _ in pieces if one.frame is not None}, tasks)
    for one, age in pieces:
        ident, stack = where.get(one.frame) or (None, frames.stack_of(one.frame))
        yield WorkItem(
            kind="tracked",
            name=str(one.name),
            id=None if one.id is None else str(one.id),
            age=max(0.0, age),
            task="" if ident is None else names.of(ident),
            stack=_text(stack) if stacks else "",
            limit=one.limit,
        )


def _where(
    wanted: set[FrameType], tasks: dict[int, Stack]
) -> dict[FrameType | None, tuple[int, Stack]]:
    """Return which task has each of these frames in its stack."""
    found: dict[FrameType | None, tuple[int, Stack]] = {}
    for ident, stack in tasks.items() if wanted else ():
        for frame in stack.frames:
            if frame in wanted:
                found[frame] = ident, stack
    return found


def _text(stack: Stack) -> str:
    """Return a stack as text, the outermost call first.

    Without source lines: at the end of the process there is no time to read them.
    """
    calls = [
        f'  File "{code.co_filename}", line {line}, in {code.co_qualname}'
        for frame, line in frames.lines(stack)
        for code in (frame.f_code,)
    ]
    return "\n".join(calls)


# What the library runs


def _known(stack: Stack, known: dict[CodeType, "_Read"]) -> list[_Found]:
    """Return what a task has in progress, the innermost first.

    A periodic task stands for the tick, or the thread, that runs it.
    """
    found: list[_Found] = []
    inner: FrameType | None = None
    for frame in stack.frames:
        read = known.get(frame.f_code)
        item = None if read is None else read(frame.f_locals, inner)
        if item is not None and not (found and found[-1].kind == _PERIODIC):
            found.append(item)
        inner = frame
    return found


_PERIODIC = "periodic task"
_Read = Callable[[dict[str, Any], FrameType | None], _Found | None]


def _read_request(variables: dict[str, Any], _inner: FrameType | None) -> _Found | None:
    request = variables["request"]
    if "began" not in variables:  # it waits for a slot
        return None
    return _Found("request", f"{request.method} {request.path}", variables["began"])


def _read_thread(variables: dict[str, Any], _inner: FrameType | None) -> _Found:
    name = variables["name"].removeprefix("thread ")
    return _Found("thread", name, variables["thread"].began)


def _read_tick(variables: dict[str, Any], inner: FrameType | None) -> _Found | None:
    loop = variables["self"]
    if "result" not in variables and "first" not in variables:
        return None  # before its first call
    if inner is None or inner.f_code.co_name == "_sleep":
        return None
    began = variables["first"]
    if "pause" in variables:
        began = variables["ended"] + variables["pause"]
    # By the clock of the loop, which may be a manual one.
    age = loop._clock.now() - began
    return _Found("tick", naming.describe(loop.f), clock.now() - age)


def _read_periodic(variables: dict[str, Any], _inner: FrameType | None) -> _Found:
    owner = type(variables["self"]).__name__
    return _Found(_PERIODIC, f"{owner}.{variables['name']}", variables["began"])


def _read_call(variables: dict[str, Any], _inner: FrameType | None) -> _Found:
    return _Found("call", naming.describe(variables["call"]), variables["began"])


# By module, and name in it: what reads the frame of a call of that function. A module
# that is not loaded has nothing in progress, and is not loaded for this.
_READERS: dict[tuple[str, str], _Read] = {
    ("oslo_service.serving.session", "Session._answer"): _read_request,
    ("oslo_service.groups.thread", "run"): _read_thread,
    ("oslo_service.loops.looping_call", "LoopingCallBase._loop"): _read_tick,
    ("oslo_service.periodic_task", "PeriodicTasks._run"): _read_periodic,
    ("oslo_service.backend._executor_calls", "make_call"): _read_call,
}


def _codes() -> Iterator[tuple[CodeType, _Read]]:
    for (module, name), read in _READERS.items():
        if module in sys.modules:
            function = operator.attrgetter(name)(sys.modules[module])
            yield function.__code__, read
