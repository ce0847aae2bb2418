# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tasks and events of the scripted driver: a task is a thread that has to be told.

Of the script and all of its tasks, one runs at a time: who has a task go on waits until
that waits or has ended.
"""

import _thread
import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from oslo_service.backend import base, exceptions

__all__ = ("Deadlock", "Descriptors", "Killed", "ScriptedEvent", "ScriptedTask", "Wait")


class Deadlock(exceptions.OsloServiceError, RuntimeError):
    """The script waits without a limit, and no task can go on."""


class Killed(BaseException):
    """What a task gets that is killed, where it waits."""


class Descriptors(NamedTuple):
    """Descriptors that a task waits for."""

    read: tuple[int, ...]
    write: tuple[int, ...]

    def __str__(self) -> str:
        return f"descriptors, to read {self.read} and to write {self.write}"


@dataclasses.dataclass(frozen=True)
class Wait:
    """What a task waits for.

    :ivar what: a :class:`ScriptedEvent`, :class:`Descriptors`, or ``"the time"``.
    :ivar due: until when, by :meth:`.ScriptedDriver.now`; None: without a limit.
    """

    what: object
    due: float | None
    condition: Callable[[], bool] = dataclasses.field(repr=False, compare=False)

    def is_over(self, now: float) -> bool:
        """Whether what is waited for is there, or the time is over."""
        return self.condition() or (self.due is not None and self.due <= now)

    def __str__(self) -> str:
        limit = "" if self.due is None else f", until {self.due:g}"
        return f"{self.what}{limit}"


class _Driver(Protocol):
    """What an event needs of the driver."""

    @property
    def tasks(self) -> "list[ScriptedTask]": ...

    def wait(
        self, what: object, is_over: Callable[[], bool], timeout: float | None
    ) -> None: ...


class ScriptedEvent:
    """A flag to wait for, and those who do."""

    def __init__(self, driver: _Driver) -> None:
        self._driver = driver
        self._up = False
        self._times_raised = 0

    @property
    def waiters(self) -> "list[ScriptedTask]":
        """The tasks that wait for it."""
        tasks = self._driver.tasks
        return [one for one in tasks if one.waits_for and one.waits_for.what is self]

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return self._up

    def set(self) -> None:
        """Raise the flag: its waiters are ready. Thread-safe."""
        self._times_raised += 1
        self._up = True

    def clear(self) -> None:
        """Lower the flag; who was woken is ready all the same."""
        self._up = False

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until the flag is up or the clock has been turned so far."""
        before = self._times_raised

        def is_over() -> bool:
            return self._up or self._times_raised != before

        if not self._up:
            self._driver.wait(self, is_over, timeout)
        return is_over()

    def __str__(self) -> str:
        return f"an event that is {'' if self._up else 'not '}set"


class ScriptedTask(base.Task):
    """A call that is made step by step.

    :ivar begun: whether it has been told to begin.
    :ivar waits_for: where it waits: for what.
    """

    begun = False
    waits_for: Wait | None = None

    _here = threading.local()
    _killed = False

    if TYPE_CHECKING:
        _back: _thread.LockType
        _gate: _thread.LockType

    @classmethod
    def current(cls) -> "ScriptedTask | None":
        """Return the task that calls; None: it is the script."""
        return getattr(cls._here, "task", None)

    def is_ready(self, now: float) -> bool:
        """Whether it can begin, or its wait is over."""
        if not self.begun:
            return not self.done
        wait = self.waits_for
        return wait is not None and (self._killed or wait.is_over(now))

    # Of the script

    def go_on(self, patience: float) -> None:
        """Run until the task waits, or has ended."""
        back = self._back = _locked()
        if self.begun:
            self.waits_for = None
            self._gate.release()
        else:
            self.begun = True
            self._gate = _locked()
            threading.Thread(target=self._run, name=self.name, daemon=True).start()
        if not back.acquire(timeout=patience):
            raise TimeoutError(
                f"task {self.name} has not come to a wait in {patience:g} s: it does"
                " something that blocks outside of the driver"
            )

    def stop(self) -> None:
        """Cancel the task, or have it get :exc:`Killed` where it waits.

        :raises UnsupportedBackendError: the driver does not declare that it kills.
        """
        if not self._driver.capabilities.kill_tasks:
            raise exceptions.UnsupportedBackendError(
                f"task {self.name} cannot be killed: the driver does not declare it"
            )
        self.kill()

    def kill(self) -> None:
        """End the task, whatever the driver declares."""
        if not self.cancel() and not self.done:
            self._killed = True

    # Of the task

    def _run(self) -> None:
        self._here.task = self
        try:
            self.main()
        finally:
            self._back.release()

    def pause(self, wait: Wait) -> None:
        """Let whoever had the task go on do so itself, until it has it go on again."""
        self.waits_for = wait
        self._back.release()
        self._gate.acquire()
        if self._killed:
            self._killed = False
            if not self.done:  # else a linked function waits: it is not killed
                raise Killed

    def __str__(self) -> str:
        if self.done:
            state = "has ended"
        elif not self.begun:
            state = "has not begun: run() has it begin"
        elif self.waits_for is None:
            state = "runs"
        else:
            state = f"waits for {self.waits_for}"
        return f"{self.name!r} {state}"


def _locked() -> _thread.LockType:
    lock = _thread.allocate_lock()
    lock.acquire()
    return lock
