# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An event for models whose tasks take turns: all that it needs is a waiter."""

import abc
import collections
from time import monotonic
from typing import Protocol

__all__ = ("Waiter", "WaiterEvent")


class Waiter(Protocol):
    """A task that waits to be resumed, once."""

    def wait(self, timeout: float | None) -> object:
        """Let other tasks run until :meth:`wake`, or the time is over.

        It may return early: who calls looks again.

        :param timeout: seconds; None waits without limit.
        """

    def wake(self) -> object:
        """Have the task go on, soon; nothing, if it does not wait any more.

        It may come before the wait, which then ends early, or not at all where
        the task turns out not to wait: nothing else that it waits for may end.

        Non-blocking, thread-safe, and legal in a signal handler.
        """


class WaiterEvent(abc.ABC):
    """A flag to wait for (:class:`.Event`), raised from anywhere.

    A driver's subclass says how to wait, and how to let others run.
    """

    __slots__ = ("_up", "_waiters")

    def __init__(self) -> None:
        self._up = False
        self._waiters: collections.deque[Waiter] = collections.deque()

    @abc.abstractmethod
    def _new_waiter(self) -> Waiter:
        """Make a waiter of the calling task."""

    @abc.abstractmethod
    def _let_others_run(self) -> None:
        """Let the tasks run that can."""

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return self._up

    def set(self) -> None:
        """Raise the flag and wake every waiter. Non-blocking and thread-safe."""
        self._up = True
        while self._waiters:
            try:
                waiter = self._waiters.popleft()
            except IndexError:  # another native thread was quicker
                return
            waiter.wake()

    def clear(self) -> None:
        """Lower the flag."""
        self._up = False

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until the flag is raised or the time is over."""
        if timeout is not None and timeout <= 0 and not self._up:
            self._let_others_run()
            return self._up
        until = None if timeout is None else monotonic() + timeout
        while not self._up:
            left = None if until is None else until - monotonic()
            if left is not None and left <= 0:
                break
            waiter = self._new_waiter()
            self._waiters.append(waiter)
            try:
                if not self._up:
                    waiter.wait(left)
            finally:
                raised = self._was_woken(waiter)
            if raised:  # the flag may have been lowered again
                return True
        return self._up

    def _was_woken(self, waiter: Waiter) -> bool:
        """Forget a waiter; return whether :meth:`set` has done so before."""
        try:
            self._waiters.remove(waiter)
        except ValueError:
            return True
        return False
