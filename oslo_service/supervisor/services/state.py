# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the services of a process: a state machine without I/O.

Facts come in (a call has returned, the configuration has been read; stop, reload,
mutate), actions come out (call this, arm the shutdown time-out, read the
configuration). What to do is worked out afresh from the facts each time, so that
an order is legal in any phase, and none is carried out twice.

Only one task at a time may use it.
"""

import enum
from collections.abc import Iterator
from typing import Any

from oslo_service.supervisor.services.actions import (
    Action,
    Begin,
    Call,
    End,
    Leave,
    Read,
    Reset,
    SetTimeout,
    Stop,
)
from oslo_service.supervisor.services.incarnation import (
    Incarnation,
    Phase,
    StopOrder,
)

__all__ = ("RunnerState",)


class _For(enum.Enum):
    """What the configuration is being read for."""

    RELOAD = enum.auto()
    MUTATION = enum.auto()


class RunnerState:
    """The services of one launcher that run in its process.

    :ivar status: what the launcher's exit status is going to be.
    """

    def __init__(self) -> None:
        self.incarnations: list[Incarnation] = []
        self.status = 0
        #: How many reloads there were.
        self.generation = 0
        self._stopping = False
        self._reload_ordered = False
        self._mutation_ordered = False
        self._reading: _For | None = None
        self._to_reset: list[Incarnation] = []
        self._resetting: Incarnation | None = None
        self._armed = False
        self._ended = False
        #: Whether what else there is to wait for at the end is not over.
        self.held = False

    # Orders

    def add(self, service: Any, *, reset: bool = False) -> None:
        """Have a service started; ``reset``: and its ``reset()`` called before."""
        self.incarnations.append(Incarnation(service, reset))

    def stop(self) -> None:
        """Have every service stopped, and no further one started."""
        self._stopping = True

    def reload(self) -> None:
        """Have the services stopped, the configuration read, the services started."""
        self._reload_ordered = True

    def mutate(self) -> None:
        """Have the configuration read and the services reset."""
        self._mutation_ordered = True

    # Facts

    def returned(
        self, incarnation: Incarnation, *, failed: bool = False, early: bool = False
    ) -> None:
        """Record that what the task of an incarnation called has returned.

        :param failed: whether it raised.
        :param early: of ``wait()``: no ``stop()`` had been ordered by then.
        """
        match incarnation.phase:
            case Phase.STARTING:
                self._start_returned(incarnation, failed)
            case Phase.STOPPING_AGAIN:
                incarnation.phase = Phase.STARTED
                self._count_failure(failed)
            case Phase.ADAPTING:
                incarnation.phase = Phase.STARTED
            case Phase.WAITING:
                self._stopping |= failed and early
                idle = early and not failed
                incarnation.phase = Phase.IDLE if idle else Phase.DONE
                self._count_failure(failed)

    def _start_returned(self, incarnation: Incarnation, failed: bool) -> None:
        incarnation.phase = Phase.DONE if failed else Phase.STARTED
        self._count_failure(failed)
        if failed:
            self._stopping = True
            if incarnation.stop is StopOrder.NONE:  # there is nothing to stop
                incarnation.stop = StopOrder.CARRIED_OUT

    def lost(self, incarnation: Incarnation) -> None:
        """Record that the task of an incarnation was killed between two calls.

        Its ``stop()`` has a task of its own, and is called all the same.
        """
        if incarnation.phase not in (Phase.DONE, Phase.ENDED):
            incarnation.phase = Phase.DONE
            self._count_failure(failed=True)

    def prevented(self, incarnation: Incarnation) -> None:
        """Record that ``start()`` will not be called."""
        incarnation.phase, incarnation.stop = Phase.DONE, StopOrder.CARRIED_OUT

    def stopped(self, incarnation: Incarnation, *, failed: bool = False) -> None:
        """Record that the call of ``stop()`` that was ordered has returned."""
        incarnation.stop = StopOrder.CARRIED_OUT
        self._count_failure(failed)

    def reset(self, incarnation: Incarnation) -> None:
        """Record that the call of ``reset()`` that was ordered has returned."""
        if self._resetting is incarnation:
            self._resetting = None

    def reset_before_start(self, incarnation: Incarnation) -> None:
        """Record that ``reset()`` has returned, which comes before ``start()``."""
        incarnation.reset = False

    def read(self) -> None:
        """Record that the configuration has been read, or could not be."""
        reading, self._reading = self._reading, None
        if reading is _For.RELOAD:
            self.generation += 1
            self.incarnations = [
                Incarnation(one.service, reset=True) for one in self.incarnations
            ]
        elif reading is _For.MUTATION:
            self._to_reset = list(self.incarnations)

    def _count_failure(self, failed: bool) -> None:
        if failed:
            self.status = 1

    # The state

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop, or a service has failed."""
        return self._stopping

    @property
    def ended(self) -> bool:
        """Whether it was told to stop, and everything has ended."""
        return self._ended

    @property
    def draining(self) -> bool:
        """Whether services are stopped to be started again."""
        return self._reload_ordered and not self._stopping

    @property
    def reloading(self) -> bool:
        """Whether a reload, but for its ``start()``, or a mutation is not done."""
        return bool(
            self._reload_ordered
            or self._mutation_ordered
            or self._reading
            or self._to_reset
            or self._resetting
        )

    @property
    def all_reset(self) -> bool:
        """Whether every ``reset()`` that is due by now has returned.

        Where ``start()`` has not returned, it is not: that may block for ever.
        """
        return not self.reloading and not any(
            (one.reset_due and one.started)
            or one.phase is Phase.ADAPTING
            or (one.reset and not one.started)
            for one in self.incarnations
        )

    @property
    def all_started(self) -> bool:
        """Whether every ``start()`` has returned, and none is to be called again."""
        restarts = self._reload_ordered or self._reading is _For.RELOAD
        return not (restarts and not self._stopping) and all(
            one.started for one in self.incarnations
        )

    @property
    def all_stopped(self) -> bool:
        """Whether every ``stop()`` has returned."""
        return self._stopping and all(
            one.ended or one.stop is StopOrder.CARRIED_OUT for one in self.incarnations
        )

    # What follows from them

    def advance(self) -> list[Action]:
        """Return what is to be done now; it counts as done."""
        ending = self._stopping or self._reload_ordered
        actions: list[Action] = []
        for incarnation in self.incarnations:
            if ending:
                actions += self._order_stop(incarnation)
            elif incarnation.phase is Phase.NEW and self._reading is not _For.RELOAD:
                incarnation.phase = Phase.STARTING
                actions.append(Begin(incarnation))
            actions += self._continue(incarnation)
        if ending:
            return self._drain(actions)
        actions += self._mutate()
        return actions

    @staticmethod
    def _order_stop(incarnation: Incarnation) -> Iterator[Action]:
        if incarnation.stop is not StopOrder.NONE or incarnation.ended:
            return
        if incarnation.phase is Phase.NEW:
            incarnation.phase = Phase.ENDED
        else:
            incarnation.stop = StopOrder.GIVEN
            incarnation.stop_again = incarnation.phase is Phase.STARTING
            yield Stop(incarnation)

    @staticmethod
    def _continue(incarnation: Incarnation) -> Iterator[Action]:
        """Tell the task of an incarnation what to call next, when it is its turn."""
        carried_out = incarnation.stop is StopOrder.CARRIED_OUT
        match incarnation.phase:
            case Phase.STARTED if incarnation.stop_again:
                if carried_out:
                    # It may have found nothing to stop yet.
                    incarnation.stop_again = False
                    incarnation.phase = Phase.STOPPING_AGAIN
                    yield Call(incarnation, "stop")
            case Phase.STARTED if incarnation.reset_due:
                incarnation.reset_due = False
                incarnation.phase = Phase.ADAPTING
                yield Call(incarnation, "reset")
            case Phase.STARTED:
                incarnation.phase = Phase.WAITING
                yield Call(incarnation, "wait")
            case Phase.IDLE if carried_out:
                incarnation.phase = Phase.WAITING
                yield Call(incarnation, "wait")
            case Phase.DONE if carried_out:
                incarnation.phase = Phase.ENDED
                yield Leave(incarnation)

    def _drain(self, actions: list[Action]) -> list[Action]:
        if not all(one.ended for one in self.incarnations):
            if not self._armed:
                # First of all: a stop() that never gives up the GIL comes after it.
                self._armed = True
                actions.insert(0, SetTimeout(armed=True))
            return actions
        if self._stopping:
            # The time-out stays armed: what follows may hang, too.
            if not (self._ended or self.held):
                self._ended = True
                actions.append(End())
            return actions
        if self._armed:
            self._armed = False
            actions.append(SetTimeout(armed=False))
        if self._reading is None:
            self._reload_ordered, self._reading = False, _For.RELOAD
            self._to_reset = []
            actions.append(Read())
        return actions

    def _mutate(self) -> Iterator[Action]:
        while self._to_reset and self._resetting is None:
            incarnation = self._to_reset.pop(0)
            if incarnation.phase in (Phase.STARTING, Phase.STARTED, Phase.ADAPTING):
                incarnation.reset_due = True
            elif incarnation.phase in (Phase.WAITING, Phase.IDLE):
                self._resetting = incarnation
                yield Reset(incarnation)
        busy = self._reading or self._to_reset or self._resetting
        if self._mutation_ordered and not busy:
            self._mutation_ordered, self._reading = False, _For.MUTATION
            yield Read()
