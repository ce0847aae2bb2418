# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A call that runs concurrently, and its outcome: the same on every driver."""

import abc
import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any

from oslo_service._common import forked_child
from oslo_service._common.forked_child import Confined
from oslo_service.backend import exceptions
from oslo_service.backend._primitives import Primitives

__all__ = ("InlineTask", "Task")

LOG = logging.getLogger(__name__)


class Task(abc.ABC):
    """One call that runs concurrently, and its outcome.

    Created by :meth:`Driver.spawn` only. A task belongs to the process that
    spawned it: in a forked child it counts as ended.

    :param driver: the driver that the task runs on.
    :param call: the function that it calls, without arguments.
    :param name: for logs and debuggers.
    :ivar name: likewise.
    :ivar ident: what :meth:`Driver.current_ident` answers inside the task. Known
        when :meth:`Driver.spawn` returns; None until the task begins where it was
        spawned in another native thread than it runs in, by a cooperative model.
    """

    __slots__ = (
        "__weakref__",
        "_calls",
        "_driver",
        "_error",
        "_finished",
        "_links",
        "_process",
        "_result",
        "ident",
        "name",
    )

    def __init__(self, driver: Primitives, call: Callable[[], Any], name: str) -> None:
        self.name = name
        self.ident: int | None = None
        self._driver = driver
        # Popping it decides: the task begins, or it is cancelled.
        self._calls = [call]
        self._finished = driver.event()
        # A list, not a deque: it is nearly always empty, and then ten times smaller.
        self._links: list[Callable[[Task], object]] = []
        self._process = driver.here()
        self._result: Any = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether the call has returned, raised, or will never run."""
        return self._finished.is_set() or self._process.left

    def wait(self, timeout: float | None = None) -> Any:
        """Block until the call has ended.

        Linked functions are not waited for: they may run on.

        :param timeout: seconds; None waits without limit.
        :returns: what the call returned.
        :raises TimeoutError: it still runs after ``timeout`` seconds.
        :raises TaskCancelled: it was cancelled, or killed, or belongs to the
            process that this one was forked from.
        :raises BaseException: whatever the call raised.
        """
        if self._process.left:
            raise exceptions.TaskCancelled(f"task {self.name} did not cross the fork")
        if not self._finished.wait(timeout):
            raise TimeoutError(f"task {self.name} still runs after {timeout} s")
        if self._error is not None:
            raise self._error
        return self._result

    def join(self, timeout: float | None = None) -> bool:
        """Block until the call has ended, whatever its outcome.

        :param timeout: seconds; None waits without limit.
        :returns: whether it has ended.
        """
        return self._process.left or self._finished.wait(timeout)

    def link(self, callback: "Callable[[Task], object]") -> None:
        """Call ``callback(task)`` when the task has ended.

        It runs in the ending task, or at once in the caller where the task
        has ended already. What it raises is logged, SystemExit too; where the
        task that runs it is killed, the other functions are called first.

        :param callback: the function.
        """
        self._links.append(callback)
        if self._finished.is_set():
            self._resolve_links()

    def cancel(self) -> bool:
        """Prevent the call from beginning.

        :returns: whether it has been prevented; False if it has begun.
        """
        try:
            self._calls.pop()
        except IndexError:
            return False
        self._error = exceptions.TaskCancelled(f"task {self.name} was cancelled")
        self._end()
        return True

    @abc.abstractmethod
    def stop(self) -> None:
        """End the task: cancel it, or kill it where it has begun.

        What has begun is ended by an exception, :attr:`Driver.killed_by`, which it
        raises where it waits, or when it next does: it may be the caller itself.
        Non-blocking and thread-safe; one that has ended is not touched. Only where
        ``capabilities.kill_tasks`` is declared.

        :raises UnsupportedBackendError: the model cannot kill a task.
        """

    def main(self) -> None:
        """Run the call and keep its outcome: a driver runs this in the task.

        It is in an empty context; where a task begins in one, ``_main()`` will do.

        What native threads the call makes are the program's, and waited for: they
        inherit no daemon, which the thread of a task mostly is.
        """
        if self._driver.capabilities.parallel:
            # Whether this one is waited for was decided when it began.
            threading.current_thread()._daemonic = False  # type: ignore[attr-defined]
        contextvars.Context().run(self._main)

    def _main(self) -> None:
        try:
            call = self._calls.pop()
        except IndexError:  # it was cancelled
            return
        if self._process.left:  # forked before it has begun
            return
        driver = self._driver
        self.ident = driver.current_ident()
        driver.running.add(self)
        try:
            self._result = call()
            if self._process.left:
                self._end_child(None)
        except SystemExit as exc:
            if self._process.left:
                self._end_child(exc)
            LOG.info("Task %s ended itself with SystemExit(%s)", self.name, exc.code)
        except BaseException as exc:
            if self._process.left:
                self._end_child(exc)
            self._error = exc
            if isinstance(exc, driver.killed_by):
                self._error = exceptions.TaskCancelled(f"task {self.name} was killed")
            elif isinstance(exc, KeyboardInterrupt):
                raise  # the program's affair, not the task's
        finally:  # also where it is killed as it writes to the log
            # Nothing of the call's may outlive it through this frame.
            del call
            self._end()

    def _end_child(self, error: BaseException | None) -> None:
        """End the process, which the call has forked: none of ours goes on there."""
        forked_child.end(error, has_threads=self._driver.capabilities.parallel)

    def _end(self) -> None:
        self._driver.running.discard(self)
        self._finished.set()
        if self._links:
            self._resolve_links()

    def _resolve_links(self) -> None:
        while self._links:
            try:
                callback = self._links.pop(0)
            except IndexError:  # another task took the last one
                return
            try:
                self._call_link(callback)
            except BaseException:  # the calling task is killed: the others come first
                self._resolve_links()
                raise

    def _call_link(self, callback: "Callable[[Task], object]") -> None:
        try:
            with Confined(has_threads=self._driver.capabilities.parallel):
                callback(self)
        except (Exception, SystemExit):
            LOG.exception("A function linked to task %s failed", self.name)


class InlineTask(Task):
    """A call that is made by the task that asked for it."""

    __slots__ = ()

    def main(self) -> None:
        """Make the call, in the context of its caller."""
        self._main()

    def _end_child(self, error: BaseException | None) -> None:
        """Leave a child that the call has forked to the task that has asked for it."""

    def stop(self) -> None:
        """Prevent the call; one that has begun is its caller's own affair."""
        self.cancel()
