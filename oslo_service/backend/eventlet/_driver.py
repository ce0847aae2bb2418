# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The primitives, on green threads."""

import functools
import importlib
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import eventlet
import greenlet
from eventlet import patcher

from oslo_service._common import submodules
from oslo_service._common.times import LONGEST_POLL
from oslo_service.backend import base
from oslo_service.backend.eventlet import _hub, _interpreter_exit, _leftovers

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ("EventletDriver",)

_select = patcher.original("select")
# What eventlet can patch, and can give back as it was.
_PATCHABLE = frozenset(
    ("_thread", "os", "queue", "select", "socket", "subprocess", "threading", "time")
)


class _Waiter:
    """A green thread that waits in its hub, to be resumed once."""

    __slots__ = ("_greenlet", "_live", "_timer", "box")

    def __init__(self) -> None:
        self.box = _hub.mailbox()
        self._greenlet = greenlet.getcurrent()
        # Woken before it waits, it must not be resumed out of another wait.
        self._live = False
        self._timer: Any = None

    def resume(self) -> None:
        """Go on: in the hub only."""
        if self._live:
            self._live = False
            self._greenlet.switch()

    def found(self, ready: list[int], fd: int) -> None:
        """Go on, as a descriptor is ready: in the hub only."""
        ready.append(fd)
        self.resume()

    def wake(self) -> None:
        """Go on: from anywhere."""
        self.box.post(self.resume)

    def wait(self, timeout: float | None) -> None:
        """Switch to the hub until resumed, or until the time is over."""
        self._live = True
        try:
            if timeout is not None:
                self._arm(timeout)
            self.box.hub.switch()
        finally:
            self._live = False
            if self._timer is not None:
                self._timer.cancel()

    def _arm(self, timeout: float) -> None:
        schedule = self.box.hub.schedule_call_global
        if timeout <= LONGEST_POLL:
            self._timer = schedule(timeout, self.resume)
        else:
            self._timer = schedule(LONGEST_POLL, self._arm, timeout - LONGEST_POLL)


class GreenEvent(base.WaiterEvent):
    """A flag for green threads to wait for."""

    __slots__ = ()

    _new_waiter = staticmethod(_Waiter)

    def _let_others_run(self) -> None:
        eventlet.sleep(0)


class GreenTask(base.Task):
    """A task that is a green thread."""

    __slots__ = ("_box", "_green")

    def begin(self, box: _hub.Mailbox) -> None:
        """Have the hub of ``box`` run the task."""
        self._box = box
        if box.is_local():
            self._spawn()
            box.wake_local()
        else:
            box.post(self._spawn)

    def _spawn(self) -> None:
        # A greenlet begins in an empty context, of its own.
        self._green = eventlet.spawn(self._main)
        self.ident = id(self._green)

    def stop(self) -> None:
        """Cancel the task, or throw GreenletExit into it."""
        if not self.cancel() and not self.done:
            self._box.post(self._kill)

    def _kill(self) -> None:
        # It may have ended in between: what is linked to it is not to be killed.
        if not self.done:
            self._green.throw()


class EventletDriver(base.Driver):
    """Tasks are green threads of one hub."""

    name: ClassVar[str] = "eventlet"
    capabilities: ClassVar[base.Capabilities] = base.Capabilities(
        kill_tasks=True, parallel=False, spawn_workers=False
    )
    killed_by: ClassVar[tuple[type[BaseException], ...]] = (greenlet.GreenletExit,)

    def __init__(self) -> None:
        super().__init__()
        submodules.offer_eventlets()
        self._home: _hub.Mailbox | None = None
        if self.is_prepared():
            _interpreter_exit.have_registered_called()

    def prepare_process(self) -> None:
        """Monkey-patch the standard library."""
        eventlet.monkey_patch()
        _interpreter_exit.have_registered_called()

    def is_prepared(self) -> bool:
        """Whether anything is monkey-patched."""
        return bool(patcher.already_patched)

    def reserve(self) -> None:
        """Have the hub, and the pipe that wakes it."""
        self._home_box()

    def spawn(self, call: Callable[[], Any], *, name: str) -> GreenTask:
        """Run ``call`` in a green thread of the hub that was used first.

        The hub of another native thread runs only while that thread waits.
        """
        task = GreenTask(self, call, name)
        task.begin(self._home_box())
        return task

    def _home_box(self) -> _hub.Mailbox:
        if self._home is None:
            self._home = _hub.home_mailbox()
        return self._home

    def current_ident(self) -> int:
        """Return the identity of the green thread."""
        return id(greenlet.getcurrent())

    #: Whether something is kept for this green thread: asked for each request.
    holds_thread_locals = staticmethod(_leftovers.are_left)

    def sleep(self, seconds: float) -> None:
        """Block this green thread."""
        while seconds > LONGEST_POLL:
            eventlet.sleep(LONGEST_POLL)
            seconds -= LONGEST_POLL
        eventlet.sleep(max(0.0, seconds))

    #: Returns a fresh event: the class itself, as each task and each loop has one.
    event = staticmethod(GreenEvent)

    def wait_ready(
        self,
        read: Sequence[int],
        write: Sequence[int] = (),
        timeout: float | None = None,
    ) -> tuple[list[int], list[int]]:
        """Wait in the hub."""
        if timeout is not None and timeout <= 0:
            eventlet.sleep(0)
            return base.poll_ready(_select, read, write, 0)
        waiter = _Waiter()
        hub, throw = waiter.box.hub, greenlet.getcurrent().throw
        ready: tuple[list[int], list[int]] = ([], [])
        listeners = []
        try:
            for kind, fds, found in (
                (hub.READ, read, ready[0]),
                (hub.WRITE, write, ready[1]),
            ):
                on_ready = functools.partial(waiter.found, found)
                listeners += [
                    hub.add(kind, fd, on_ready, throw, lambda: None) for fd in fds
                ]
            waiter.wait(timeout)
        finally:
            for listener in listeners:
                hub.remove(listener)
        return ready

    def frames(self) -> dict[int, FrameType]:
        """Return where every green thread is that has begun and not ended."""
        return base.frames_of_greenlets(
            greenlet.greenlet, greenlet.getcurrent(), _hub.is_inherited
        )

    def task_frames(self) -> dict[int, FrameType]:
        """Return where the tasks are that run."""
        greens = [getattr(one, "_green", None) for one in list(self.running)]
        return base.frames_of_these(greens, greenlet.getcurrent())

    def original(self, module: str) -> ModuleType:
        """Return the module as it was before monkey-patching."""
        if module not in _PATCHABLE:
            return importlib.import_module(module)
        original: ModuleType = patcher.original(module)
        return original

    def defer(self, call: Callable[[], Any]) -> None:
        """Run ``call`` in a green thread: the hub itself must not wait."""
        self._home_box().post(lambda: eventlet.spawn(call))

    def executor(self, max_workers: int) -> "Executor":
        """Return a futurist pool of green threads."""
        import futurist

        self.here()
        kind = base.dated(futurist.GreenThreadPoolExecutor, parallel=False)
        executor: Executor = kind(max_workers=max_workers)
        return executor

    def after_fork(self) -> None:
        """Leave the parent's hub, with all that waits in it, behind."""
        super().after_fork()
        _hub.replace_hub()
        self._home = None
