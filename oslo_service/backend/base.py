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
import sys
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from oslo_service._common.fork_safety import ThisProcess, this_process
from oslo_service._common.records import Record
from oslo_service.backend._end_of_thread import at_end_of_thread
from oslo_service.backend._executor_calls import dated
from oslo_service.backend._forks import watch as watch_forks
from oslo_service.backend._greenlets import (
    frames_of_greenlets,
    frames_of_these,
    has_weak_references,
)
from oslo_service.backend._http_server import HttpServer
from oslo_service.backend._lock_event import LockEvent
from oslo_service.backend._poll import poll_ready
from oslo_service.backend._primitives import Event
from oslo_service.backend._semaphore import Semaphore
from oslo_service.backend._task import InlineTask, Task
from oslo_service.backend._waiter_event import Waiter, WaiterEvent

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = (
    "Capabilities",
    "Driver",
    "Event",
    "HttpServer",
    "InlineTask",
    "LockEvent",
    "Semaphore",
    "Task",
    "Waiter",
    "WaiterEvent",
    "at_end_of_thread",
    "dated",
    "frames_of_greenlets",
    "frames_of_these",
    "has_weak_references",
    "poll_ready",
)

# Classes that are written elsewhere say that they are of this module: in tracebacks,
# in pickles, and to readers.
for _one in (
    Event,
    HttpServer,
    InlineTask,
    LockEvent,
    Semaphore,
    Task,
    Waiter,
    WaiterEvent,
):
    _one.__module__ = __name__
del _one


class Capabilities(Record):
    """What a concurrency model can do.

    :ivar kill_tasks: a running task can be ended from outside
        (:meth:`Task.stop`).
    :ivar parallel: tasks are preemptive: one that computes or blocks in a
        system call does not hold up the others.
    :ivar spawn_workers: workers can be started in a fresh interpreter
        (``start_method="spawn"``), not only forked.
    :ivar blocking_calls: what blocks in the standard library (a lock, a queue, a
        socket, ``time.sleep()``) blocks its task only: by nature, or in a process
        that :meth:`Driver.prepare_process` has patched. Where it is not declared,
        one such call holds up everything, and a launcher warns of that.
    """

    kill_tasks: bool
    parallel: bool
    spawn_workers: bool
    blocking_calls: bool = True


class Driver(abc.ABC):
    """A concurrency model.

    One instance serves a process (and, after :meth:`after_fork`, its forks).

    :cvar name: the name of the driver's entry point.
    :cvar capabilities: what the model can do.
    :cvar killed_by: what :meth:`Task.stop` raises in a task that has begun.
    :ivar running: the tasks that have begun and not ended.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    killed_by: ClassVar[tuple[type[BaseException], ...]] = ()

    def __init__(self) -> None:
        self.running: set[Task] = set()
        self._here: ThisProcess | None = None

    @classmethod  # noqa: B027 - most models run anywhere
    def check_environment(cls) -> None:
        """Refuse a process in which the model cannot run.

        :raises UnsupportedBackendError: with the reason and the remedy.
        """

    def prepare_process(self) -> None:  # noqa: B027 - most models patch nothing
        """Make the process fit for the model, before anything else is imported.

        Called by :func:`oslo_service.backend.bootstrap`. This is where it
        patches the standard library.
        """

    def is_prepared(self) -> bool:
        """Whether the process is as :meth:`prepare_process` leaves it.

        Where it is not, tests that run on the driver get a process of their own.
        """
        return True

    def reserve(self) -> None:  # noqa: B027 - most models need nothing
        """Take from the system what it takes to wait in this native thread.

        Called when something is launched first, as that can fail, and a launcher's wait
        is not to; not earlier, as a program may become a daemon until then.

        :raises OSError: there is no room.
        """

    def environment_warning(self) -> str | None:
        """Return what a launcher warns of in this process; None: nothing.

        By default, it is that the process is not prepared, or that the model does
        not make the standard library's blocking calls its own.
        """
        if not self.capabilities.blocking_calls:
            return (
                f"{self.name} leaves the standard library as it is: one call that"
                " blocks, such as time.sleep(), or a read from a socket, holds up"
                " everything. Use what the model has for waiting, in all that runs"
                " in this process"
            )
        if self.is_prepared():
            return None
        return (
            "the standard library is not monkey-patched: one call that blocks"
            " holds up everything. Call oslo_service.backend.bootstrap() at the"
            " very top of the program's entry point: it patches when the"
            f" configuration says {self.name}"
        )

    @abc.abstractmethod
    def spawn(self, call: Callable[[], Any], *, name: str) -> Task:
        """Run ``call()`` concurrently, in a task of its own.

        Non-blocking and thread-safe. The task never keeps the interpreter from ending.
        However many tasks there are, none waits for the end of another to begin.

        The call begins with no context variable set (:class:`contextvars.Context`):
        it sees nothing of the task that spawns it, nor of one that ran in the same
        native thread before, and no other task sees what it sets. A caller that wants
        its own context to be seen passes ``contextvars.copy_context().run``.

        :param call: what to call.
        :param name: for logs and debuggers.
        :raises RuntimeError: the system has no room for another task. Nothing of it
            is left then: the call never runs, and is not among :attr:`running`.
        """

    def is_failure(self, error: BaseException) -> bool:
        """Whether what a call raised is a failure of the call.

        It is none where the task is to end: it was killed, or ends itself.

        :param error: what it raised.
        """
        ends = (KeyboardInterrupt, SystemExit, GeneratorExit)
        return not isinstance(error, ends + self.killed_by)

    @abc.abstractmethod
    def current_ident(self) -> int:
        """Return what identifies the calling task among those that exist; never 0."""

    def here(self) -> ThisProcess:
        """Return this process, in which something runs on the driver now.

        From the first time on, :meth:`after_fork` is called in what it forks. A task
        asks; what runs in the model besides its tasks has to.
        """
        process = self._here
        if process is None or process.left:
            process = self._here = this_process()
            watch_forks(self)
        return process

    def holds_thread_locals(self) -> bool:
        """Whether the calling task may have something in thread-locals.

        Asked where tasks are cooperative, when a task has worked for one client and
        could work for another: where it may, a fresh task does that. True is always
        right, and makes a task for each request; where tasks are greenlets,
        :func:`has_weak_references` is nearly all of it.
        """
        return True

    @abc.abstractmethod
    def sleep(self, seconds: float) -> None:
        """Block this task. However short, others run where the model is cooperative.

        What kills the task meanwhile is raised here, as by all that blocks, and
        nothing is left of the wait: no timer, no waiter of an event, no descriptor
        that is watched.

        :param seconds: how long, at least.
        """

    @abc.abstractmethod
    def event(self) -> Event:
        """Return a fresh :class:`Event`, not set.

        Where tasks are native threads, it is a :class:`LockEvent`; where they
        take turns, :class:`WaiterEvent` is most of it.
        """

    def semaphore(self, value: int = 1) -> Semaphore:
        """Return a fresh :class:`Semaphore` with ``value`` permits."""
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
        waits for a descriptor at a time, and none is closed while a task waits
        for it: the caller sees to that.

        :param read: descriptors to wait for until they can be read.
        :param write: descriptors to wait for until they can be written.
        :param timeout: seconds; None waits without limit; 0 only looks. Where the
            model is cooperative, other tasks run, however little time it is.
        :returns: those that are ready to be read, and to be written; at least
            one, unless the time is over. The others are found by the next
            call.
        """

    def frames(self) -> dict[int, FrameType]:
        """Return where every task is, for debuggers.

        :returns: the innermost frames, by what :meth:`current_ident` returns in
            the tasks; also of what is of the model's kind and no task. Here:
            of the native threads. Where tasks are greenlets,
            :func:`frames_of_greenlets` is all of it.
        """
        return sys._current_frames()

    def task_frames(self) -> dict[int, FrameType]:
        """Return where the running tasks are, as :meth:`frames` does.

        For monitors, which ask again and again. By default, all that :meth:`frames`
        finds. A model in which that takes long, since it looks at all objects, returns
        the frames of :attr:`running` alone; :func:`frames_of_these` is most of it.
        """
        return self.frames()

    def original(self, module: str) -> ModuleType:
        """Return a standard library module as it was before any patching.

        :param module: its name.
        """
        __import__(module)  # costs next to nothing where it is loaded
        return sys.modules[module]

    def defer(self, call: Callable[[], Any]) -> None:
        """Run ``call()`` out of a signal handler, soon.

        Where Python's signal handlers may run inside the model's scheduler, the call
        must be brought out of there, into a task of its own.

        :param call: what to call.
        """
        call()

    def executor(self, max_workers: int) -> "Executor":
        """Return an executor whose calls run in tasks of the model.

        By default, it is made of the other primitives. A model for which
        futurist has an executor returns that, :func:`dated`, so that the calls in
        progress can be listed; futurist is to be imported then, not earlier.

        :param max_workers: how many calls run at a time; 1 or more.
        :returns: what :mod:`concurrent.futures` calls an executor. Waiting for
            one of its futures, or for its end, blocks the task only. Whether
            its ``shutdown()`` heeds ``cancel_futures`` is not promised:
            futurist's ignore it.
        """
        from oslo_service.backend._executor import TaskExecutor

        return TaskExecutor(self, max_workers)

    def serve(  # noqa: B027 - the engine of the library does
        self,
        listener: Any,
        connect: Callable[[Any, Any, Any], Any],
        *,
        pool_size: int,
        shared: bool,
        name: str,
    ) -> HttpServer | None:
        """Return what serves the clients of a listening socket, where the model has it.

        A hook. None: the library's own engine does, which is made of the other
        primitives, and of epoll(7) where there is one; a task blocks only in an
        application there.

        :param listener: the socket, non-blocking, of the unpatched module; the server
            closes it in the end.
        :param connect: makes a session of an accepted socket, its address, and the
            server: ``oslo_service.serving.served`` says what a session does and needs.
        :param pool_size: how many calls of the application may run at a time.
        :param shared: whether other processes accept from the same socket, and
            are to get their share.
        :param name: for the names of the tasks.
        :returns: the server; None: the model leaves it to the library.
        """

    def after_fork(self) -> None:
        """Make the model usable in a freshly forked process.

        Tasks do not cross a fork: none of the parent's may run on here, nor begin,
        not even to clean up; no timer of the parent's goes off, and no thread that
        the model keeps is counted on. Called in the native thread that has forked,
        the only one that there is, whoever forks: by the library, once anything has run
        on the driver.
        """
        self.running = set()

    def get_service_components(self) -> dict[str, Any]:
        """Return the public classes by name: they are the same under every driver."""
        from oslo_service.compat import components

        return components.load_all()


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # Names that users of older versions looked for here.
        from oslo_service._common import deprecation

        if name == "BaseBackend":
            deprecation.warn_once(f"{__name__}.BaseBackend", "it is called Driver")
            return Driver
        if name == "ComponentRegistry":
            from oslo_service.compat.components import ComponentRegistry

            deprecation.warn_once(
                f"{__name__}.ComponentRegistry",
                "use oslo_service.backend.get_component",
            )
            return ComponentRegistry
        if name == "ServiceBase":
            from oslo_service._common.service_base import ServiceBase

            deprecation.warn_once(
                f"{__name__}.ServiceBase", "use oslo_service.service.ServiceBase"
            )
            return ServiceBase
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
