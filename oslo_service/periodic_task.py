# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Methods of a service that are run every so often.

A class declares them, and something that runs calls them, most often a looping
call whose interval is what :meth:`PeriodicTasks.run_periodic_tasks` gives::

    class Manager(periodic_task.PeriodicTasks):
        @periodic_task.periodic_task(spacing=30)
        def report(self, context): ...


    manager = Manager(CONF)
    loop = loopingcall.DynamicLoopingCall(manager.run_periodic_tasks, None)
    loop.start()
"""

import contextvars
import functools
import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oslo_service import backend, opts
from oslo_service._common.public_names import set_modules
from oslo_service.loops.clock import now
from oslo_service.periodic import (
    concurrent_calls,
    declaring,
    metering,
    process_pool,
    spacings,
)
from oslo_service.periodic.declaring import (
    InvalidPeriodicTaskArg,
    is_wanted,
    periodic_task,
)
from oslo_service.supervisor.stopping import is_stopping

if TYPE_CHECKING:
    from oslo_config import cfg

    from oslo_service.clustering.scoped_task import ScopedTask

__all__ = (
    "DEFAULT_INTERVAL",
    "InvalidPeriodicTaskArg",
    "PeriodicTasks",
    "list_opts",
    "periodic_task",
)

set_modules(globals())

LOG = logging.getLogger(__name__)

#: The spacing of tasks that name none, and the longest that there is nothing
#: to do; in seconds.
DEFAULT_INTERVAL = declaring.DEFAULT_INTERVAL

Task = Callable[[Any, Any], Any]
Declared = tuple[str, Task]
Call = Callable[[], Any]


class PeriodicTasks:
    """Has periodic tasks, and knows when each was run last.

    Subclasses inherit tasks, and may declare those of a name anew.

    :param conf: has ``run_external_periodic_tasks``; registered if need be.
    """

    # In the order of their definition; not changed in place, but replaced.
    _periodic_tasks: list[Declared] = []
    _periodic_spacing: dict[str, float] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        tasks: dict[str, Task] = {}
        for ancestor in reversed(cls.__mro__[1:]):
            tasks |= dict(vars(ancestor).get("_periodic_tasks", ()))
        for value in vars(cls).values():
            if getattr(value, "_periodic_task", False):
                tasks.pop(value._periodic_name, None)
                if is_wanted(value):
                    tasks[value._periodic_name] = value
        cls._periodic_tasks = list(tasks.items())
        cls._periodic_spacing = {name: _spacing(task) for name, task in tasks.items()}

    def __init__(self, conf: "cfg.ConfigOpts") -> None:
        super().__init__()
        self.conf = conf
        opts.register_periodic_opts(conf)
        self._periodic_last_run = {
            name: _first_run(task) for name, task in self._periodic_tasks
        }
        self._periodic_shared: dict[str, ScopedTask] = {}
        for name, task in self._periodic_tasks:
            self._share(name, task)
        self._periodic_pool = process_pool.Pool()

    def _share(self, name: str, task: Any) -> None:
        """Have each due time run by one process of some, where the task asks for it."""
        self._periodic_shared.pop(name, None)
        if task._periodic_scope != declaring.PROCESS:
            from oslo_service.clustering import scoped_task

            kind = type(self)
            label = f"{kind.__module__}.{kind.__qualname__}.{name}"
            self._periodic_shared[name] = scoped_task.ScopedTask(
                *(label, _spacing(task), task._periodic_scope, task._periodic_missed)
            )
            scoped_task.prepare(self.conf, task._periodic_scope)

    def add_periodic_task(self, task: Any) -> None:
        """Add a task to those of this object.

        :param task: a function that :func:`periodic_task` has declared; it is
            called with this object and the context.
        :raises InvalidPeriodicTaskArg: it is none.
        """
        if not getattr(task, "_periodic_task", False):
            raise InvalidPeriodicTaskArg(
                f"{task!r} is no periodic task: @periodic_task declares one"
            )
        if not is_wanted(task):
            return
        name = task._periodic_name
        others = [one for one in self._periodic_tasks if one[0] != name]
        self._periodic_tasks = [*others, (name, task)]
        self._periodic_spacing = {**self._periodic_spacing, name: _spacing(task)}
        self._periodic_last_run[name] = _first_run(task)
        self._share(name, task)

    def run_periodic_tasks(self, context: Any, raise_on_error: bool = False) -> float:
        """Run the tasks that are due, in the order of their definition.

        :param context: passed on to each.
        :param raise_on_error: whether a failure is raised, and ends the pass:
            what has not been run stays due. Else it is logged, even if it is
            a SystemExit or a time-out of Eventlet's; but not what is there to
            end the caller: KeyboardInterrupt, GeneratorExit, and what kills a
            green thread.
        :returns: seconds until the next task is due, 60 at most. In a process that
            stops none begins any more.
        """
        due, later = self._look()
        time_slice, owner = concurrent_calls.TimeSlice(now), type(self).__name__
        for name, task in due:
            if is_stopping():
                return DEFAULT_INTERVAL
            at = time_slice.check()
            later = min(later, self._begin(name, at))
            LOG.debug("Running periodic task %s.%s", owner, name)
            try:
                self._run(name, task, context, at)
            except BaseException as exc:
                if raise_on_error or not _is_failure(exc):
                    raise
                self._log_failure(name)
        return max(0.0, later - time_slice.check())

    def run_periodic_tasks_in_parallel(
        self,
        context: Any,
        raise_on_error: bool = False,
        processes: int | None = None,
    ) -> float:
        """Run the tasks that are due concurrently, and wait for all of them.

        A slow one delays no other of this call. In a looping call, the next call
        waits for the slowest: one that hangs holds up all.

        :param context: passed on to each.
        :param raise_on_error: whether the first failure, in the order of their
            definition, is raised once all have ended; else each is logged.
        :param processes: run them in that many other processes, which are kept
            for the next call. This object, with its tasks, and the context
            are pickled; what a task changes in them is lost. None runs them in
            this process, in tasks of the driver: as many as it takes for none
            to wait for another.
        :returns: seconds until the next task is due, 60 at most. In a process that
            stops none begins any more.
        :raises ValueError: ``processes`` is less than 1; or it is given, and a task
            has another scope than ``process``.
        :raises TypeError: ``processes`` is no integer, or something cannot be
            pickled. Nothing has been run, and what was due still is.
        """
        process_pool.check_size(processes)
        if processes is not None and self._periodic_shared:
            raise ValueError(
                "processes=... is not for tasks that one process of some runs:"
                f" {', '.join(self._periodic_shared)}"
            )
        due, later = self._look()
        if is_stopping():
            return DEFAULT_INTERVAL
        calls: list[Call] = [functools.partial(task, self, context) for _, task in due]
        pickled = [] if processes is None else self._pickle(due, calls)
        driver = backend.get_backend()
        at = now()
        later = min([later, *(self._begin(name, at) for name, _ in due)])
        if not due:
            failures: list[BaseException | None] = []
        elif processes is None:
            calls = [self._call(*one, context) for one in due]
            failures = concurrent_calls.run(
                driver, calls, f"periodic tasks of {type(self).__name__}"
            )
        else:
            failures = self._periodic_pool.run(driver, pickled, processes)
        for (name, _), failure in zip(due, failures, strict=True):
            if failure is None:
                continue
            if raise_on_error or not _is_failure(failure):
                raise failure
            self._log_failure(name, failure)
        return max(0.0, later - now())

    def _call(self, name: str, task: Task, context: Any) -> Call:
        call = functools.partial(self._run_now, name, task, context)
        if name in self._periodic_shared:
            # Which process it is run for may depend on context variables.
            return functools.partial(contextvars.copy_context().run, call)
        return call

    def _run_now(self, name: str, task: Task, context: Any) -> None:
        if not is_stopping():
            self._run(name, task, context, now())

    def _run(
        self,
        name: str,
        task: Task,
        context: Any,
        began: float,  # noqa: ARG002
    ) -> None:
        # Monitors find the name, and `began`, in this frame.
        what = f"{type(self).__name__}.{name}"
        shared = self._periodic_shared.get(name)
        if shared is None:
            with backend.confined():
                metering.run(what, task, self, context)
            return
        with shared.begin(self.conf) as begun:
            if begun:
                with backend.confined():
                    metering.run(what, task, self, context)

    def _pickle(self, due: list[Declared], calls: list[Call]) -> list[bytes]:
        owner = type(self).__name__
        return [
            process_pool.dump(call, f"{owner}.{name}, with its object and context,")
            for (name, _), call in zip(due, calls, strict=True)
        ]

    def _look(self) -> tuple[list[Declared], float]:
        """Return the tasks that are due, and when the next of the others is."""
        last_runs, spacings = self._periodic_last_run, self._periodic_spacing
        shared = self._periodic_shared
        at = now()
        later = at + DEFAULT_INTERVAL
        due = []
        for one in self._periodic_tasks:
            name = one[0]
            if shared and name in shared:
                if self._is_ours(one[1]):
                    is_due, pause = shared[name].look(self.conf)
                    due += [one] * is_due
                    later = min(later, now() + pause)
                continue
            last_run = last_runs[name]
            if last_run is None or (then := last_run + spacings[name]) <= at:
                if self._is_ours(one[1]):
                    due.append(one)
            elif then < later and self._is_ours(one[1]):
                later = then
        return due, later

    def _is_ours(self, task: Any) -> bool:
        return not task._periodic_external_ok or bool(
            self.conf.run_external_periodic_tasks
        )

    def _begin(self, name: str, at: float) -> float:
        """Record that a task is run at that time; return when it is due again."""
        if name in self._periodic_shared:
            return math.inf  # _look() has found out when
        spacing = self._periodic_spacing[name]
        last_run = spacings.aligned(self._periodic_last_run[name], spacing, at)
        self._periodic_last_run[name] = last_run
        return last_run + spacing

    def _log_failure(self, name: str, failure: BaseException | None = None) -> None:
        LOG.error(
            *("Error during %s.%s", type(self).__name__, name),
            exc_info=True if failure is None else failure,
        )


def _spacing(task: Any) -> float:
    return float(task._periodic_spacing or DEFAULT_INTERVAL)


def _first_run(task: Any) -> float | None:
    return None if task._periodic_immediate else now()


def _is_failure(error: BaseException) -> bool:
    """Whether what a periodic task has raised is its failure alone.

    SystemExit is: it would end a task of the driver, which this one is not.
    """
    return isinstance(error, SystemExit) or backend.get_backend().is_failure(error)


def list_opts() -> list[tuple[str | None, list[Any]]]:
    """Return the options for oslo-config-generator: (group, options) pairs."""
    return opts.listed((None, opts.periodic_opts))
