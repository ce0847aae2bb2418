# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An event for models whose tasks are native threads, made of locks."""

import threading

__all__ = ("LockEvent",)


class LockEvent:
    """A flag to wait for (:class:`.Event`), where tasks are native threads.

    Unlike :class:`threading.Event`, whose condition variable takes a lock
    that the interrupted code may hold, setting it is legal in a signal
    handler; and it is smaller, and faster to make and to wait for.

    Who waits does so at a gate: a lock that is held until the flag is raised, and
    open for good from then on. Whoever gets in lets the next one in. Lowering the
    flag puts up a new gate, at which nobody waits yet, so whoever waited before
    that gets through the old one.
    """

    __slots__ = ("_gates",)

    def __init__(self) -> None:
        # The gates that are shut: none while the flag is up; more than one where
        # several have lowered it at once. Each operation of a list is atomic.
        self._gates = [_shut_gate()]

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return not self._gates

    def set(self) -> None:
        """Raise the flag and wake every waiter. Non-blocking and thread-safe."""
        gates = self._gates
        # Those that are shut now: a gate that is put up meanwhile is for the next.
        for gate in [*gates]:
            try:
                gates.remove(gate)
            except ValueError:  # another thread was quicker
                pass
            _open(gate)

    def clear(self) -> None:
        """Lower the flag."""
        if not self._gates:
            self._gates.append(_shut_gate())

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the flag is raised.

        :param timeout: seconds; None waits without limit.
        :returns: whether it was raised; False: the time is over.
        """
        gates = self._gates
        if not gates:
            return True
        if timeout is None:
            timeout = -1
        elif timeout <= 0:
            return False
        elif timeout > threading.TIMEOUT_MAX:
            timeout = threading.TIMEOUT_MAX
        try:
            gate = gates[0]
        except IndexError:  # raised since
            return True
        try:
            gate.acquire(True, timeout)
        finally:  # also where a signal handler raises an exception
            raised = gate not in gates
            if raised:
                _open(gate)
        return raised


def _shut_gate() -> threading.Lock:
    gate = threading.Lock()
    gate.acquire()
    return gate


def _open(gate: threading.Lock) -> None:
    try:
        gate.release()
    except RuntimeError:  # open already
        pass
