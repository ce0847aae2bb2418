# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The services of this process: doing what :mod:`.state` decides.

Each has a task, in which its ``start()`` and its ``wait()`` are called
(:mod:`.calls`). What becomes of a call is posted to whoever turns the supervisor.
"""

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

from oslo_service._common import clock, naming, records
from oslo_service.backend.base import Driver, Task
from oslo_service.supervisor import callers, events, log_messages
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.facts import ServiceFacts, State, WorkerFacts
from oslo_service.supervisor.services import actions
from oslo_service.supervisor.services.awaited import AwaitedOrders
from oslo_service.supervisor.services.calls import Life, ServiceCalls
from oslo_service.supervisor.services.incarnation import Incarnation, StopOrder
from oslo_service.supervisor.services.state import RunnerState
from oslo_service.supervisor.shutdown_timeout import ShutdownTimeout
from oslo_service.supervisor.subscribers import EventQueue
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.turn import Turn
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.workers.slots import STARTING, pause

__all__ = ("ServiceRunner", "make_unsupervised")

# What a service does that has started, by how far the call of its stop() is.
_STATES = {
    StopOrder.NONE: State.READY,
    StopOrder.GIVEN: State.STOPPING,
    StopOrder.CARRIED_OUT: State.DRAINING,
}


class _Room(records.State):
    """That there is no task to be had: since when, and how it is tried again."""

    since: float
    refusals: int = 0
    not_before: float = 0.0


class ServiceRunner(Unit):
    """Runs services in this process.

    :param driver: what to run them on.
    :param settings: what to read again at a reload; None: nothing.
    :param post: has an order carried out by whoever turns; thread-safe.
    :param publish: takes the events.
    :ivar awaited: orders that are waited for.
    :ivar mutates: whether a reload restarts nothing.
    """

    def __init__(
        self,
        driver: Driver,
        settings: Settings | None,
        post: Callable[[Callable[[], object]], object],
        publish: Callable[[events.Event], object],
    ) -> None:
        self._driver = driver
        self._settings = settings
        self.conf = None if settings is None else settings.conf
        self.post = post
        self.awaited = AwaitedOrders(driver, post)
        self.mutates = settings is not None and settings.mutates
        self._publish = publish
        self._state = RunnerState()
        self._calls = ServiceCalls(driver, settings, self._state, post, publish)
        self._lives: dict[Incarnation, Life] = {}
        self._without_room: dict[Incarnation, _Room] = {}
        self.timeout: ShutdownTimeout | None = None
        self.ended = driver.event()

    # Orders

    def give_stop(self, order: Callable[[], object]) -> None:
        """Have an order to stop it carried out, and wait for it."""
        state = self._state  # with nothing left to stop, nothing is waited for
        self.awaited.give(order, lambda: state.all_stopped or state.ended)

    def give_reload(self, order: Callable[[], object]) -> None:
        """Have an order to reload it carried out, and wait for it."""
        state = self._state  # what is stopped is never reset
        self.awaited.give(order, lambda: state.stopping or state.all_reset)

    def add(self, service: Any, *, reset: bool = False) -> None:
        """Start a service; ``reset``: and call its ``reset()`` before."""
        self._state.add(service, reset=reset)

    def stop_now(self) -> None:
        """Arm the time-out: async-signal-safe."""
        if self.timeout is not None and self._settings is not None:
            self.timeout.arm(self, self._settings.last_stop_limit)

    def stop(self) -> None:
        """Stop every service; also those that are still starting."""
        self._state.stop()

    def reload(self) -> None:
        """Do what SIGHUP means to these services."""
        if self.mutates:
            self._state.mutate()
        else:
            self._state.reload()

    def refuse_own(self) -> None:
        """Refuse a method of its services that is going to wait for its end.

        :raises RuntimeError: the calling task is in one: it would wait for itself.
        """
        call = self._calls.current.get(self._driver.current_ident())
        if call is not None:
            service, method = call
            raise RuntimeError(
                f"{method}() of {naming.describe(service)} cannot wait for the launcher"
                f" that runs it, which waits until {method}() has returned: wait()"
                " is for the program that has launched it"
            )

    # The state

    @property
    def services(self) -> list[Any]:
        """The services, in the order in which they were added."""
        return [one.service for one in self._state.incarnations]

    @property
    def status(self) -> int:
        """What the launcher's exit status is."""
        return self._state.status

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop, or a service has failed."""
        return self._state.stopping

    @property
    def stop_delay(self) -> float:
        """The seconds that it goes on for after a SIGTERM; async-signal-safe."""
        return 0.0 if self._settings is None else self._settings.last_stop_delay

    @property
    def draining(self) -> bool:
        """Whether the services are stopped to be started again."""
        return self._state.draining

    @property
    def reloading(self) -> bool:
        """Whether a reload, but for its ``start()``, or a mutation is not done."""
        return self._state.reloading

    @property
    def all_stopped(self) -> bool:
        """Whether every ``stop()`` has returned."""
        return self._state.all_stopped

    def is_ready(self, *, patient: bool) -> bool:
        """Whether every ``start()`` has returned, or is not waited for."""
        return self._state.all_started or not patient

    def still_running(self) -> str:
        """Name the calls that have not returned."""
        running = (
            f"{one.outstanding} of {naming.describe(one.service)}"
            for one in self._state.incarnations
            if not one.ended
        )
        return ", ".join(running)

    def still_starting(self) -> str:
        """Name the services whose ``start()`` has not returned."""
        return ", ".join(
            naming.describe(one.service)
            for one in self._state.incarnations
            if not one.started
        )

    def facts(self, tally: Tally, now: float) -> Iterator[ServiceFacts]:
        """Return what is known of the services: each has this process as a worker."""
        for one in self._state.incarnations:
            life = self._lives.get(one)
            age = None if life is None else now - life.began
            name = naming.describe(one.service)
            failed = tally.failures.get(name)
            worker = WorkerFacts(
                slot=0,
                state=_STATES[one.stop] if one.started else State.STARTING,
                pid=os.getpid(),
                generation=self._state.generation,
                age=age,
                restarts={"failed": failed} if failed else {},
            )
            # While they are started again, clients wait: they are not turned away.
            serves = one.started or self._state.generation > 0 or _is_slow(age)
            ready = serves and not self._state.stopping
            yield ServiceFacts(name, 1, ready, (worker,))

    def limits(self) -> dict[str, float]:
        """Return what its configuration limits, by the names of the options."""
        return {} if self._settings is None else self._settings.in_force()

    # Turning

    @property
    def deadline(self) -> float | None:
        """When to try again what there was no room for."""
        due = [room.not_before for room in self._without_room.values()]
        return min(due, default=None)

    def advance(self, now: float) -> None:
        """Do what is to be done."""
        for incarnation, room in list(self._without_room.items()):
            if now >= room.not_before:
                self._give_task(incarnation, now)
        # What is done may fail, and that again has consequences.
        self._state.held = self._state.stopping and self.held()
        while due := self._state.advance():
            for action in due:
                self._attempt(action)
        self.awaited.look()

    def _attempt(self, action: actions.Action) -> None:
        """Do it; the rest counts as done, too, whatever becomes of this."""
        try:
            self._do(action)
        except Exception as exc:  # noqa: BLE001 - is told
            name = type(action).__name__
            self._publish(events.ActionFailed(action=name, error=exc))

    def _do(self, action: actions.Action) -> None:
        match action:
            case actions.SetTimeout(armed):
                self._set_timeout(armed)
            case actions.Begin(incarnation):
                self._begin(incarnation)
            case actions.Call(incarnation, method):
                self._lives[incarnation].tell(method)
            case actions.Leave(incarnation):
                self._lives[incarnation].tell(None)
            case actions.Stop(incarnation):
                self._stop(incarnation)
            case actions.Reset(incarnation):
                self._run_beside(self._calls.reset, incarnation)
            case actions.Read():
                self._run_beside(self._calls.read)
            case actions.End():
                self.ended.set()

    def _set_timeout(self, armed: bool) -> None:
        if self.timeout is None or self._settings is None:
            return
        if not armed:
            self.timeout.disarm(self)
            return
        self.timeout.arm(self, self._settings.stop_limit)
        if self._state.stopping:
            self.timeout.back()

    def _begin(self, incarnation: Incarnation) -> None:
        known = {one: self._lives.get(one) for one in self._state.incarnations}
        self._lives = {one: life for one, life in known.items() if life is not None}
        self._lives[incarnation] = Life(self._driver)
        self._give_task(incarnation, clock.now())

    def _give_task(self, incarnation: Incarnation, now: float) -> None:
        life = self._lives[incarnation]
        try:
            life.task = self._spawn(self._calls.live, incarnation, life)
        except Exception as exc:  # noqa: BLE001 - is told
            self._wait_for_room(incarnation, exc, now)
            return
        room = self._without_room.pop(incarnation, None)
        if room is not None:
            what = naming.describe(incarnation.service)
            self._publish(
                events.StartResumed(service=what, worker=None, seconds=now - room.since)
            )

    def _wait_for_room(
        self, incarnation: Incarnation, error: Exception, now: float
    ) -> None:
        room = self._without_room.get(incarnation)
        if room is None:
            room = self._without_room[incarnation] = _Room(since=now)
            what = naming.describe(incarnation.service)
            self._publish(events.StartRefused(service=what, worker=None, error=error))
        room.refusals += 1
        room.not_before = now + pause(room.refusals)

    def _stop(self, incarnation: Incarnation) -> None:
        task = self._lives[incarnation].task
        if task is None or task.cancel():
            # Its stop() may rely on its start().
            self._without_room.pop(incarnation, None)
            self._state.prevented(incarnation)
        else:
            self._run_beside(self._calls.call_stop, incarnation)

    def _run_beside(self, body: Callable[..., Any], *arguments: Any) -> None:
        try:
            self._spawn(body, *arguments)
        except Exception as exc:  # noqa: BLE001 - is told
            # Better late than never: it is done in the task that there is.
            name = f"a task of its own for {body.__name__}()"
            self._publish(events.ActionFailed(action=name, error=exc))
            body(*arguments)

    def _spawn(self, body: Callable[..., Any], *arguments: Any) -> Task:
        words = [body.__name__]
        words += [
            naming.describe(one.service)
            for one in arguments
            if isinstance(one, Incarnation)
        ]
        call = functools.partial(body, *arguments)
        return self._driver.spawn(call, name=" ".join(words))


def _is_slow(age: float | None) -> bool:
    """Whether a ``start()`` that has not returned counts as done."""
    return age is not None and age >= STARTING


def make_unsupervised(driver: Driver, *, mutates: bool = False) -> ServiceRunner:
    """Return a runner that no launcher has: whoever tells it something turns it.

    :param mutates: whether a reload restarts nothing.
    """
    queue = EventQueue([log_messages.log])

    def follow_up() -> None:
        runner.advance(clock.now())
        queue.deliver()

    turn = Turn(driver, follow_up)
    runner = ServiceRunner(driver, None, turn.post, queue.publish)
    runner.mutates = mutates
    runner.awaited.may_wait = functools.partial(callers.may_wait, turn)
    return runner
