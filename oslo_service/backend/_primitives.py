# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What tasks, semaphores and executors need of the driver that they are made of."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar, Protocol

from oslo_service._common.fork_safety import ThisProcess

__all__ = ("Event", "Primitives")


class Event(Protocol):
    """A flag to wait for, as :class:`threading.Event`.

    :meth:`set` is non-blocking, thread-safe, and legal in a signal handler,
    whatever lock the code holds that was interrupted. Any native thread may wait,
    also one that is no task; it blocks itself alone.
    """

    def is_set(self) -> bool:
        """Whether the flag is up."""

    def set(self) -> None:
        """Raise the flag and wake every waiter. Idempotent.

        All that wait are woken, also where the flag is lowered again before
        they go on.
        """

    def clear(self) -> None:
        """Lower the flag. Idempotent."""

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until the flag is up, or has been raised meanwhile.

        :param timeout: seconds; None waits without limit; 0 only looks. Where the
            model is cooperative, other tasks run, however little time it is.
        :returns: whether it is, or was; False: the time is over.
        """


class Primitives(Protocol):
    """The part of :class:`.Driver` that the library's own pieces are made of."""

    #: What the model can do; see :class:`.Capabilities`.
    capabilities: ClassVar[Any]
    running: set[Any]

    @property
    def killed_by(self) -> tuple[type[BaseException], ...]:
        """What :meth:`.Task.stop` raises in a task that has begun."""

    def spawn(self, call: Callable[[], Any], *, name: str) -> object:
        """Run ``call()`` concurrently, in a task of its own."""

    def current_ident(self) -> int:
        """Return what identifies the calling task."""

    def event(self) -> Event:
        """Return a fresh event, not set."""

    def here(self) -> ThisProcess:
        """Return this process, in which something runs on the driver now."""

    def original(self, module: str) -> ModuleType:
        """Return a standard library module as it was before any patching."""
