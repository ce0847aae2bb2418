# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The primitives, on native threads."""

import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from oslo_service._common import times
from oslo_service._common.extras import without_eventlet
from oslo_service.backend import base, exceptions

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ("ThreadingDriver",)


class ThreadTask(base.Task):
    """A task that is a daemon thread, so that it never holds up an exit."""

    __slots__ = ("_thread",)

    def begin(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self.main, name=self.name, daemon=True)
        self._thread.start()
        self.ident = self._thread.ident

    def stop(self) -> None:
        """Refuse: a native thread cannot be ended from outside."""
        raise exceptions.UnsupportedBackendError(
            f"thread {self.name} cannot be killed: ask it to end instead"
            " (see oslo_service.threadgroup.stop_requested)"
        )


class ThreadingDriver(base.Driver):
    """Tasks are native threads."""

    name: ClassVar[str] = "threading"
    capabilities: ClassVar[base.Capabilities] = base.Capabilities(
        kill_tasks=False, parallel=True, spawn_workers=True
    )

    def spawn(self, call: Callable[[], Any], *, name: str) -> ThreadTask:
        """Run ``call`` in a thread of its own."""
        task = ThreadTask(self, call, name)
        task.begin()
        return task

    def current_ident(self) -> int:
        """Return the thread's identifier."""
        return threading.get_ident()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(times.bounded(max(0.0, seconds)))

    #: Returns a fresh event: the class itself, as each task and each loop has one.
    event = staticmethod(base.LockEvent)

    def wait_ready(
        self,
        read: Sequence[int],
        write: Sequence[int] = (),
        timeout: float | None = None,
    ) -> tuple[list[int], list[int]]:
        """Wait with poll(2)."""
        return base.poll_ready(select, read, write, timeout)

    def executor(self, max_workers: int) -> "Executor":
        """Return a futurist pool of threads."""
        kind = base.dated(_futurist().ThreadPoolExecutor)
        executor: Executor = kind(max_workers=max_workers)
        return executor


def _futurist() -> Any:
    """Import futurist without what it would bring along."""
    with without_eventlet():
        import futurist
    return futurist
