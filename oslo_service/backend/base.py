# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The driver interface: what a concurrency model supplies to the library.

A driver is mechanism without policy. It knows how to run a callable
concurrently, how to wait, and what of the standard library it has patched;
when to loop, whom to stop and which worker to start is decided above it, once.

A third-party driver subclasses :class:`Driver` and registers the subclass in
the entry-point group ``oslo_service.backend``. Everything abstract must be
defined; what has a body here is written in terms of the rest.
"""

import abc
import collections
import dataclasses
import importlib
import logging
import os
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from oslo_service.backend import exceptions

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ("Capabilities", "Driver", "Event", "InlineTask", "Semaphore", "Task")

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """What a concurrency model can do.

    :ivar kill_tasks: a running task can be ended from outside
        (:meth:`Task.stop`).
    :ivar parallel: tasks are preemptive: one that computes or blocks in a
        system call does not hold up the others.
    :ivar spawn_workers: workers can be started in a fresh interpreter
        (``start_method="spawn"``), not only forked.
    """

    kill_tasks: bool
    parallel: bool
    spawn_workers: bool


class Event(Protocol):
    """A flag to wait for, as :class:`threading.Event`.

    :meth:`set` never blocks, and is legal in any native thread and in a
    signal handler.
    """

    def is_set(self) -> bool:
        """Tell whether the flag is up."""

    def set(self) -> None:
        """Raise the flag and wake every waiter."""

    def clear(self) -> None:
        """Lower the flag."""

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until the flag is up.

        :param timeout: seconds; None waits without limit; 0 only looks, and
            lets other tasks run where the model is cooperative.
        :returns: whether the flag is up.
        """


class Semaphore:
    """A counter of free places, as :class:`threading.Semaphore`.

    Waiters are served in the order in which they came.

    :param driver: whose events the waiters wait for.
    :param value: the number of free places; not negative.
    :raises ValueError: ``value`` is negative.
    """

    def __init__(self, driver: "Driver", value: int = 1) -> None:
        if value < 0:
            raise ValueError(f"a semaphore starts at 0 or more, not {value!r}")
        self._driver = driver
        # Free places and waiters: deques, whose operations are atomic.
        self._free = collections.deque([None] * value)
        self._waiters: collections.deque[Event] = collections.deque()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a place.

        :param blocking: whether to wait for one.
        :param timeout: seconds to wait at most; None: no limit.
        :returns: whether a place was taken.
        """
        if self._take():
            return True
        if not blocking:
            return False
        now = self._driver.original("time").monotonic
        until = None if timeout is None else now() + timeout
        while True:
            event = self._driver.event()
            self._waiters.append(event)
            try:
                taken = self._take()
                if not taken:
                    event.wait(None if until is None else max(0.0, until - now()))
                    taken = self._take()
            finally:  # also where the waiting task is killed
                self._leave(event)
            if taken:
                return True
            if until is not None and now() >= until:
                return False

    def release(self) -> None:
        """Give a place back, and wake the first who waits for one."""
        self._free.append(None)
        self._wake_next()

    def _take(self) -> bool:
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def _leave(self, event: Event) -> None:
        try:
            self._waiters.remove(event)
        except ValueError:
            # Woken, but the place was had otherwise: the wake-up is another's.
            if self._free:
                self._wake_next()

    def _wake_next(self) -> None:
        try:
            self._waiters.popleft().set()
        except IndexError:
            pass

    __enter__ = acquire

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class Task(abc.ABC):
    """One call that runs concurrently, and what became of it.

    Created by :meth:`Driver.spawn` only. A task belongs to the process that
    spawned it: in a forked child it counts as ended.

    :ivar name: for logs and debuggers.
    :ivar ident: what :meth:`Driver.current_ident` answers inside the task;
        None until it has begun.
    """

    __slots__ = (
        "__weakref__",
        "_call",
        "_driver",
        "_error",
        "_finished",
        "_links",
        "_pid",
        "_result",
        "_ticket",
        "ident",
        "name",
    )

    def __init__(self, driver: "Driver", call: Callable[[], Any], name: str) -> None:
        self.name = name
        self.ident: int | None = None
        self._driver = driver
        self._call: Callable[[], Any] | None = call
        self._finished = driver.event()
        # A list, not a deque: it is nearly always empty, and then ten times smaller.
        self._links: list[Callable[[Task], object]] = []
        self._pid = os.getpid()
        self._result: Any = None
        self._error: BaseException | None = None
        # Who pops it decides: the task begins, or it is cancelled.
        self._ticket = [None]

    @property
    def done(self) -> bool:
        """Whether the call has returned, raised, or will never run."""
        return self._finished.is_set() or self._pid != os.getpid()

    def wait(self, timeout: float | None = None) -> Any:
        """Block until the call has ended.

        :param timeout: seconds; None waits without limit.
        :returns: what the call returned.
        :raises TimeoutError: it still runs after ``timeout`` seconds.
        :raises TaskCancelled: it was cancelled, or killed, or belongs to the
            process that this one was forked from.
        :raises BaseException: whatever the call raised.
        """
        if self._pid != os.getpid():
            raise exceptions.TaskCancelled(f"task {self.name} did not cross the fork")
        if not self._await_end(timeout):
            raise TimeoutError(f"task {self.name} still runs after {timeout} s")
        if self._error is not None:
            raise self._error
        return self._result

    def _await_end(self, timeout: float | None) -> bool:
        """Block until the call has ended; tell whether it has."""
        return self._finished.wait(timeout)

    def link(self, callback: "Callable[[Task], object]") -> None:
        """Call ``callback(task)`` when the task has ended.

        It runs in the ending task, or at once in the caller where the task
        has ended already. What it raises is logged.
        """
        self._links.append(callback)
        if self._finished.is_set():
            self._resolve_links()

    def cancel(self) -> bool:
        """Prevent the call from beginning.

        :returns: whether it has been prevented; False if it has begun.
        """
        if not self._claim():
            return False
        self._end(None, exceptions.TaskCancelled(f"task {self.name} was cancelled"))
        return True

    @abc.abstractmethod
    def stop(self) -> None:
        """End the task: cancel it, or kill it where it has begun.

        Does not wait. Only where ``capabilities.kill_tasks`` is declared.

        :raises UnsupportedBackendError: the model cannot kill a task.
        """

    def main(self) -> None:
        """Run the call and keep its outcome: a driver runs this in the task."""
        if not self._claim():
            return
        driver = self._driver
        self.ident = driver.current_ident()
        driver.running.add(self)
        call, self._call = self._call, None
        result, error = None, None
        try:
            result = call()  # type: ignore[misc]
        except SystemExit as exc:
            LOG.info("Task %s ended itself with SystemExit(%s)", self.name, exc.code)
        except KeyboardInterrupt as exc:  # the program's affair, not the task's
            self._end(None, exc)
            raise
        except BaseException as exc:  # noqa: BLE001 - goes to those who wait
            error = self._translate(exc)
        # Nothing of the call's may outlive it through this frame.
        call = None
        self._end(result, error)

    def _translate(self, error: BaseException) -> BaseException:
        """Give the library's own exception for one of the model's."""
        return error

    def _claim(self) -> bool:
        try:
            self._ticket.pop()
        except IndexError:
            return False
        return True

    def _end(self, result: Any, error: BaseException | None) -> None:
        self._result, self._error = result, error
        self._driver.running.discard(self)
        self._finished.set()
        self._resolve_links()

    def _resolve_links(self) -> None:
        while self._links:
            try:
                callback = self._links.pop(0)
            except IndexError:  # another task took the last one
                return
            try:
                callback(self)
            except Exception:
                LOG.exception("A function linked to task %s failed", self.name)


class InlineTask(Task):
    """A call that is made by the task that asked for it."""

    __slots__ = ()

    def stop(self) -> None:
        """Prevent the call; one that has begun is its caller's own affair."""
        self.cancel()


class Driver(abc.ABC):
    """A concurrency model.

    One instance serves a process (and, after :meth:`after_fork`, its forks).

    :cvar name: the name of the driver's entry point.
    :cvar capabilities: what the model can do.
    :ivar running: the tasks that have begun and not ended.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def __init__(self) -> None:
        self.running: set[Task] = set()

    @classmethod
    def check_environment(cls) -> None:  # noqa: B027 - most models run anywhere
        """Refuse a process in which the model cannot run.

        :raises UnsupportedBackendError: with the reason and the remedy.
        """

    def prepare_process(self) -> None:  # noqa: B027 - most models patch nothing
        """Make the process fit for the model, before anything else is imported.

        Called by :func:`oslo_service.backend.bootstrap`. The place to patch
        the standard library.
        """

    def environment_warning(self) -> str | None:
        """Tell what a launcher's user should know of this process, or None."""
        return None

    @abc.abstractmethod
    def spawn(self, call: Callable[[], Any], *, name: str) -> Task:
        """Run ``call()`` concurrently, in a task of its own.

        Does not block. Legal in any task and native thread. The task never
        keeps the interpreter from ending.

        :param name: for logs and debuggers.
        :raises RuntimeError: the system has no room for another task.
        """

    @abc.abstractmethod
    def current_ident(self) -> int:
        """Identify the calling task among those that exist; never 0."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> None:
        """Block this task. 0 lets others run where the model is cooperative."""

    @abc.abstractmethod
    def event(self) -> Event:
        """Make a fresh :class:`Event`, not set."""

    def semaphore(self, value: int = 1) -> Semaphore:
        """Make a :class:`Semaphore` with ``value`` free places."""
        return Semaphore(self, value)

    @abc.abstractmethod
    def wait_ready(
        self,
        read: Sequence[int],
        write: Sequence[int] = (),
        timeout: float | None = None,
    ) -> tuple[list[int], list[int]]:
        """Block this task, not the process, until a descriptor is ready.

        An error or a hang-up on a descriptor makes it ready. At most one task
        may wait for a descriptor at a time.

        :param read: descriptors to wait for until they can be read.
        :param write: descriptors to wait for until they can be written.
        :param timeout: seconds; None waits without limit; 0 only looks.
        :returns: those that are ready to be read, and to be written; at least
            one, unless the time is over. The others are found by the next
            call.
        """

    def original(self, module: str) -> ModuleType:
        """Give a standard library module as it was before any patching."""
        return importlib.import_module(module)

    def defer(self, call: Callable[[], Any]) -> None:
        """Run ``call()`` out of a signal handler, soon.

        Where Python's signal handlers may run inside the model's scheduler,
        it must be brought out of there, into a task of its own.
        """
        call()

    @abc.abstractmethod
    def executor(self, max_workers: int) -> "Executor":
        """Make a futurist executor of the model.

        futurist is to be imported here, not earlier.

        :param max_workers: how many calls run at a time.
        """

    def after_fork(self) -> None:
        """Make the model usable in a freshly forked process.

        Tasks do not cross a fork: none of the parent's may run on here.
        """
        self.running = set()

    def get_service_components(self) -> dict[str, Any]:
        """Give the public classes by name, as other implementations did.

        They are the same under every driver.
        """
        from oslo_service.backend import _components

        return _components.load_all()
