# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An event for models whose tasks are native threads, made of one lock."""

import threading
import time

__all__ = ("LockEvent",)


class LockEvent:
    """A flag to wait for (:class:`.Event`), where tasks are native threads.

    Unlike :class:`threading.Event`, whose condition variable takes a lock
    that the interrupted code may hold, setting it is legal in a signal
    handler; and it is smaller, and faster to make and to wait for.

    The lock is held while the flag is down. A waiter that gets it lets it go
    for the next, so that one release wakes them all.
    """

    __slots__ = ("_gate", "_up")

    def __init__(self) -> None:
        self._up = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return self._up

    def set(self) -> None:
        """Raise the flag and wake every waiter. Non-blocking and thread-safe."""
        self._up = True
        self._open()

    def clear(self) -> None:
        """Lower the flag."""
        self._up = False
        self._gate.acquire(blocking=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the flag is up, or ``timeout`` seconds are over."""
        if self._up:
            return True
        if timeout is None:
            while not self._up:
                self._gate.acquire()
                self._pass_on()
        elif timeout > 0:
            if self._gate.acquire(timeout=min(timeout, threading.TIMEOUT_MAX)):
                self._pass_on()
                if not self._up:  # cleared in between: wait for the rest
                    return self._wait_until(time.monotonic() + timeout)
        return self._up

    def _wait_until(self, until: float) -> bool:
        while not self._up:
            left = until - time.monotonic()
            if left <= 0 or not self._gate.acquire(
                timeout=min(left, threading.TIMEOUT_MAX)
            ):
                break
            self._pass_on()
        return self._up

    def _pass_on(self) -> None:
        if self._up:
            self._open()

    def _open(self) -> None:
        try:
            self._gate.release()
        except RuntimeError:  # open already
            pass
