# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""oslo.service on gevent: a task is a greenlet."""

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, ClassVar

import gevent
import greenlet
from gevent import monkey

from oslo_service.backend import base
from oslo_service_gevent import _original, _waiting

__all__ = ("GeventDriver",)


class GreenTask(base.Task):
    """A task that is a greenlet."""

    __slots__ = ("_greenlet",)

    def begin(self, hub: Any) -> None:
        """Have a hub run the task."""
        self._greenlet = greenlet.greenlet(self.main, hub)
        self.ident = id(self._greenlet)
        _waiting.call_soon(hub, self._greenlet.switch)

    def stop(self) -> None:
        """Cancel the task, or throw GreenletExit into it."""
        if not self.cancel() and not self.done:
            _waiting.call_soon(self._greenlet.parent, self._kill)

    def _kill(self) -> None:
        # It may have ended in between: what is linked to it is not to be killed.
        if not self.done:
            self._greenlet.throw()


class GeventDriver(base.Driver):
    """Tasks are greenlets of one hub: that of the thread that spawns first."""

    name: ClassVar[str] = "gevent"
    capabilities: ClassVar[base.Capabilities] = base.Capabilities(
        kill_tasks=True, parallel=False, spawn_workers=False
    )
    killed_by: ClassVar[tuple[type[BaseException], ...]] = (greenlet.GreenletExit,)
    _home: Any = None

    def prepare_process(self) -> None:
        """Monkey-patch the standard library, but for what reaps children."""
        # The library reaps its workers itself; libev would wait for every child.
        monkey.patch_all(os=False, signal=False, subprocess=False)
        # Before a signal handler needs one: it could get another, which never runs.
        _waiting.current_hub()

    def is_prepared(self) -> bool:
        """Whether the standard library is monkey-patched."""
        return bool(monkey.is_module_patched("socket"))

    def spawn(self, call: Callable[[], Any], *, name: str) -> GreenTask:
        """Run ``call`` in a greenlet."""
        task = GreenTask(self, call, name)
        task.begin(self._home_hub())
        return task

    def _home_hub(self) -> Any:
        if self._home is None:
            self._home = _waiting.current_hub()
        return self._home

    def current_ident(self) -> int:
        """Return the identity of the greenlet."""
        return id(greenlet.getcurrent())

    def holds_thread_locals(self) -> bool:
        """Whether something is kept for this greenlet."""
        return base.has_weak_references(greenlet.getcurrent())

    def sleep(self, seconds: float) -> None:
        """Block this greenlet."""
        gevent.sleep(max(0.0, seconds))

    #: Returns a fresh event: the class itself.
    event = staticmethod(_waiting.GreenEvent)

    def wait_ready(
        self,
        read: Sequence[int],
        write: Sequence[int] = (),
        timeout: float | None = None,
    ) -> tuple[list[int], list[int]]:
        """Wait in the hub."""
        if timeout is not None and timeout <= 0:
            gevent.sleep(0)
            return base.poll_ready(self.original("select"), read, write, 0)
        return _waiting.wait_ready(read, write, timeout)

    def frames(self) -> dict[int, FrameType]:
        """Return where every greenlet is that has begun and not ended."""
        return base.frames_of_greenlets(
            greenlet.greenlet, greenlet.getcurrent(), _waiting.is_inherited
        )

    #: Returns a module as it was before monkey-patching.
    original = staticmethod(_original.unpatched)

    def defer(self, call: Callable[[], Any]) -> None:
        """Run ``call`` in a greenlet: the hub itself must not wait."""
        hub = self._home_hub()
        _waiting.call_soon(hub, greenlet.greenlet(call, hub).switch)

    def after_fork(self) -> None:
        """Leave the parent's hub, with all that waits in it, behind."""
        _waiting.replace_hub(self.running)
        self._home = None
        super().after_fork()
