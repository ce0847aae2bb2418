# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An event for models whose tasks take turns: a driver adds how a task waits."""

import abc
from time import monotonic
from typing import Protocol

__all__ = ("Waiter", "WaiterEvent")


class Waiter(Protocol):
    """A task that waits to be resumed, once."""

    def wait(self, timeout: float | None) -> object:
        """Let other tasks run until :meth:`wake`, or the time is over.

        It may return early: the caller looks again.

        :param timeout: seconds; None waits without limit.
        """

    def wake(self) -> object:
        """Resume the task, soon; do nothing if it does not wait any longer.

        This may come before the wait, which then ends early. It may also come when
        the task has turned out not to wait here: no other wait of it may end then.

        Non-blocking, thread-safe, and legal in a signal handler.
        """


class _Gate(list[Waiter]):
    """The waiters since the flag was lowered, until it is raised."""

    __slots__ = ()
    # Gates are equal only to themselves, also when nobody is at them.
    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]


class WaiterEvent(abc.ABC):
    """A flag to wait for (:class:`.Event`), raised from anywhere.

    A driver's subclass says how to wait, and how to let others run.

    A task waits at a gate, which is there while the flag is down. Raising the flag
    takes the gate away and wakes the tasks that are at it, and no others: a task that
    begins to wait when the flag has been lowered again is at another gate.
    """

    __slots__ = ("_gates",)

    def __init__(self) -> None:
        # None while the flag is up; more than one where several have lowered it at
        # once. Each operation of a list is atomic.
        self._gates = [_Gate()]

    @abc.abstractmethod
    def _new_waiter(self) -> Waiter:
        """Return a waiter for the calling task."""

    @abc.abstractmethod
    def _let_others_run(self) -> None:
        """Let other tasks run that are ready."""

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return not self._gates

    def set(self) -> None:
        """Raise the flag and wake every waiter. Non-blocking and thread-safe."""
        gates = self._gates
        for gate in [*gates]:
            try:
                gates.remove(gate)
            except ValueError:  # another native thread was quicker
                pass
            while gate:
                try:
                    waiter = gate.pop(0)
                except IndexError:  # likewise
                    break
                waiter.wake()

    def clear(self) -> None:
        """Lower the flag."""
        if not self._gates:
            self._gates.append(_Gate())

    def wait(self, timeout: float | None = None) -> bool:
        """Block this task until the flag is raised.

        :param timeout: seconds; None waits without limit; however little it is,
            others run before it looks again.
        :returns: whether it was raised; False: the time is over.
        """
        if timeout is not None and timeout <= 0 and self._gates:
            self._let_others_run()
            return not self._gates
        try:
            gate = self._gates[0]
        except IndexError:  # it is up
            return True
        return self._wait_at(gate, timeout)

    def _wait_at(self, gate: _Gate, timeout: float | None) -> bool:
        left, until = timeout, None if timeout is None else monotonic() + timeout
        # Others run at least once, however little the time is.
        while gate in self._gates and (left is None or left > 0):
            waiter = self._new_waiter()
            gate.append(waiter)
            try:
                if gate in self._gates:
                    waiter.wait(left)
            finally:
                if waiter in gate:
                    try:
                        gate.remove(waiter)
                    except ValueError:  # it has been woken since
                        pass
            if until is not None:
                left = until - monotonic()
        return gate not in self._gates
