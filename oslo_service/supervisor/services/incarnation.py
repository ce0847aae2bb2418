# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One life of a service, from ``start()`` to the end of ``wait()``."""

import enum
from typing import Any

from oslo_service._common.records import State

__all__ = ("Incarnation", "Phase", "StopOrder")


class Phase(enum.Enum):
    """Where the task of an incarnation is, one after the other."""

    #: It has no task yet.
    NEW = "NEW"
    #: ``start()`` is called.
    STARTING = "start()"
    #: ``start()`` has returned; the task is to be told what to call next.
    STARTED = "STARTED"
    #: ``stop()`` is called once more: it may have come too early.
    STOPPING_AGAIN = "stop()"
    #: ``reset()`` is called: the configuration was mutated during ``start()``.
    ADAPTING = "reset()"
    #: ``wait()`` is called.
    WAITING = "wait()"
    #: ``wait()`` returned before ``stop()`` was ordered: nothing to wait for yet.
    IDLE = "IDLE"
    #: There is nothing more to call in the task.
    DONE = "DONE"
    #: The task has been told to end.
    ENDED = "ENDED"


class StopOrder(enum.Enum):
    """How far the call of ``stop()`` is, which has a task of its own."""

    NONE = enum.auto()
    GIVEN = enum.auto()
    CARRIED_OUT = enum.auto()


class Incarnation(State):
    """One life of a service, from ``start()`` to the end of ``wait()``.

    :ivar reset: whether ``reset()`` is to be called before ``start()``.
    :ivar stop_again: whether ``stop()`` was ordered before ``start()`` had returned.
    :ivar reset_due: whether ``reset()`` is to be called once it has started.
    """

    service: Any
    reset: bool = False
    phase: Phase = Phase.NEW
    stop: StopOrder = StopOrder.NONE
    stop_again: bool = False
    reset_due: bool = False

    @property
    def started(self) -> bool:
        """Whether ``start()`` has returned."""
        return self.phase not in (Phase.NEW, Phase.STARTING)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.phase is Phase.ENDED

    @property
    def outstanding(self) -> str:
        """The call that is to return next."""
        if self.stop is StopOrder.GIVEN:
            return "stop()"
        return self.phase.value if self.phase.value.endswith(")") else "wait()"
