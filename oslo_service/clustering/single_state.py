# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that runs where a lock is held: a state machine without I/O.

Facts come in: the lock was taken, or may be lost; a call has returned, or failed; the
launcher stops it all. Actions come out, once each.
"""

import enum

__all__ = ("Action", "SingleState")


class Action(enum.Enum):
    """What is to be done."""

    #: Start the service, in a task of its own.
    START = "start"
    #: Call its stop().
    STOP = "stop"
    #: Give the lock back, and ask for it again.
    RELEASE = "release"
    #: Give the lock back, for good.
    LEAVE = "leave"
    #: Have wait() return, or raise.
    END = "end"


class _Phase(enum.Enum):
    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


class SingleState:
    """A service that runs where a lock is held."""

    def __init__(self) -> None:
        self._phase = _Phase.WAITING
        self._final = False

    @property
    def running(self) -> bool:
        """Whether the service runs, or is about to start."""
        return self._phase is _Phase.RUNNING

    @property
    def ended(self) -> bool:
        """Whether it is all over."""
        return self._phase is _Phase.ENDED

    def taken(self) -> list[Action]:
        """Record that the lock was taken."""
        if self._phase is not _Phase.WAITING:
            return []
        self._phase = _Phase.RUNNING
        return [Action.START]

    def endangered(self) -> list[Action]:
        """Record that the lock may be lost soon, or has been."""
        if self._phase is not _Phase.RUNNING:
            return []
        self._phase = _Phase.STOPPING
        return [Action.STOP]

    def stop(self) -> list[Action]:
        """Record that it is all to end."""
        self._final = True
        if self._phase is _Phase.WAITING:
            self._phase = _Phase.ENDED
            return [Action.LEAVE, Action.END]
        return self.endangered()

    def finished(self) -> list[Action]:
        """Record that the service has ended, after its stop(), or has failed."""
        if self._final:
            self._phase = _Phase.ENDED
            return [Action.LEAVE, Action.END]
        self._phase = _Phase.WAITING
        return [Action.RELEASE]

    def failed(self) -> list[Action]:
        """Record that a method of the service has raised: all ends with it."""
        actions = self.endangered()
        self._final = True
        return actions
