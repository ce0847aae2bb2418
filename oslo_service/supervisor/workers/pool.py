# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The worker pool of one launcher: its orders, and its state."""

import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from oslo_service._common import clock, lazy_imports
from oslo_service.backend.base import Driver
from oslo_service.supervisor import events
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.facts import ServiceFacts
from oslo_service.supervisor.shutdown_timeout import ShutdownTimeout
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.unit import Unit
from oslo_service.supervisor.workers import actions, descriptions, inheritance, state
from oslo_service.supervisor.workers.execution import Execution
from oslo_service.supervisor.workers.inspection import Inspection
from oslo_service.supervisor.workers.intake import Intake, as_respondent
from oslo_service.supervisor.workers.plan import StartMethod, WorkerPlan
from oslo_service.supervisor.workers.process import Process, pidfds_work
from oslo_service.supervisor.workers.shared_pipes import SharedPipes

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange.exchange import Exchange
    from oslo_service.supervisor.exchange.inquiries import Respondent
    from oslo_service.supervisor.workers import stack_dumps
else:
    stack_dumps = lazy_imports.module("oslo_service.supervisor.workers.stack_dumps")

__all__ = ("WorkerPool",)

# How long a parent has beyond the end of its workers' time, in seconds.
_PARENTS_GRACE = 1.0

# How often to look for the end of a process where nothing tells of it, seconds.
_BLIND_PAUSE = 0.01

# How often to try whether there is a descriptor to watch a process by, seconds.
_UNWATCHED_PAUSE = 0.1


class WorkerPool(Unit):
    """The worker processes of one launcher.

    :param driver: the driver.
    :param settings: how long workers may take to stop, and what to read again.
    :param start: the start method.
    :param publish: takes the events.
    """

    def __init__(
        self,
        driver: Driver,
        settings: Settings,
        start: StartMethod,
        publish: Callable[[events.Event], object],
    ) -> None:
        self._driver = driver
        self._settings = settings
        self._publish = publish
        self._state = state.PoolState(
            lambda: settings.stop_limit, lambda: settings.limits, random.random
        )
        self.processes: dict[state.Worker, Process] = {}
        self.timeout: ShutdownTimeout | None = None
        self._backed = False
        self._shared = SharedPipes(driver.original("os"))
        inspection = Inspection(self._state, self.processes, settings, publish)
        known = (self._state, self.processes, self._shared)
        self._execution = Execution(
            driver.original("os"), *known, settings, start, inspection, publish
        )
        self._intake = Intake(self, *known, inspection, publish)
        self.ended = driver.event()

    def exchange_with(self, exchange: "Callable[[], Exchange | None]") -> None:
        """Set what takes the answers and messages of workers; None: nothing asks."""
        self._intake.exchange = exchange

    # Orders

    def add(self, plan: WorkerPlan, workers: int) -> None:
        """Have so many workers run by a plan."""
        self._state.add(plan, workers)

    def resize(self, wanted: Callable[[int], int], service: str | None = None) -> int:
        """Have services run by other numbers of workers from now on.

        :param wanted: given how many there are to be of a service, how many there
            are to be from now on; less than 1 counts as 1.
        :param service: which, as it is called in the log; None: every one.
        :returns: how many services that concerns.
        """
        if self.stopping:
            return 0
        plans = dict.fromkeys(slot.spec for slot in self._state.slots)
        concerned = [one for one in plans if service in (None, str(one))]
        for plan in concerned:
            before = self._state.size(plan)
            after = max(1, wanted(before))
            if after != before:
                self._state.resize(plan, after)
                event = events.Resized(service=str(plan), workers=after, before=before)
                self._publish(event)
        self._execution.forget_surplus()
        return len(concerned)

    def stop_now(self) -> None:
        """Arm the time-out, and tell the workers: async-signal-safe."""
        self._arm_timeout(self._settings.last_stop_limit)
        for process in list(self.processes.values()):
            process.order_stop(actions.OrderKind.STOP.value)

    def stop(self) -> None:
        """Have every worker finish its work and end."""
        self._state.stop()

    def reload(self) -> None:
        """Do what SIGHUP means to these workers."""
        rolls = self._settings.rolls
        read = self._settings.read_aside if rolls else self._settings.read_again
        error = read()
        if error is not None:
            self._publish(events.ReloadFailed(error=error))
        if rolls:
            if error is None:
                self._state.roll()
        elif self._settings.mutates:
            inheritance.renew()
            self._state.mutate()
        else:
            self._state.reload()

    def recycle(self, service: str | None = None, worker: int | None = None) -> int:
        """Have workers replaced, each when its successor is ready; return how many.

        :param service: of which service, as it is called in the log; None: of all.
        :param worker: the one in this slot; None: in any.
        """
        if self.stopping:
            return 0
        return self._state.recycle(
            lambda slot: (
                service in (None, str(slot.spec)) and worker in (None, slot.index)
            )
        )

    def request_stacks(self, respondent: "Respondent") -> None:
        """Have a worker write its stacks though it does not answer."""
        process = self._process_of(respondent)
        if process is not None:
            stack_dumps.request_stacks(process.pid)

    def stacks_of(self, respondent: "Respondent") -> str:
        """Return the stacks that a worker has written, else what proc(5) says."""
        process = self._process_of(respondent)
        if process is None:
            return ""
        return process.stacks.text() or stack_dumps.describe(process.pid)

    def ask(self) -> None:
        """Have every worker say that it can answer."""
        now = clock.now()
        self._execution.do_all(self._state.ask(), now)

    def respondents(self) -> list["Respondent"]:
        """Return the workers that can be asked something."""
        return [as_respondent(*one) for one in self.processes.items()]

    def _process_of(self, respondent: "Respondent") -> Process | None:
        """Return the process of a worker; None: it is none of these, or has ended."""
        worker = self._state.workers.get(respondent.number)
        process = None if worker is None else self.processes.get(worker)
        if worker is None or process is None:
            return None
        return process if as_respondent(worker, process) == respondent else None

    def send(self, respondent: "Respondent", message: bytes) -> bool:
        """Send a worker a message; return whether that was possible."""
        process = self._process_of(respondent)
        return process is not None and process.can_answer and process.tell(message)

    def tell_unawaited(self) -> None:
        """Tell the workers that the program ends without a ``wait()``."""
        for process in list(self.processes.values()):
            process.tell(actions.OrderKind.UNAWAITED.value)

    def quit(self) -> None:
        """End every worker by force."""
        self._state.quit()
        self.advance(clock.now())

    def kill(self) -> None:
        """End every worker by force: thread-safe, and async-signal-safe.

        Whoever turns may be what hangs: nothing is asked of it.
        """
        for process in list(self.processes.values()):
            process.kill()

    def kill_one(self, respondent: "Respondent") -> bool:
        """End a worker by force."""
        process = self._process_of(respondent)
        if process is not None:
            process.kill()
        return process is not None

    # The state

    @property
    def status(self) -> int:
        """What the launcher's exit status is."""
        return self._state.status

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._state.goal is not state.Goal.RUN

    @property
    def stop_delay(self) -> float:
        """The seconds that it goes on for after a SIGTERM; async-signal-safe."""
        return self._settings.last_stop_delay

    @property
    def gave_up(self) -> bool:
        """Whether it stops because a service cannot be kept up."""
        return self._state.gave_up

    @property
    def reloading(self) -> bool:
        """Whether what SIGHUP means is not done yet in every worker."""
        return self._state.reloading

    @property
    def all_stopped(self) -> bool:
        """Whether no worker serves any longer."""
        return self.stopping and all(worker.stopped for worker in self.processes)

    def is_ready(self, *, patient: bool) -> bool:  # noqa: ARG002 - workers have theirs
        """Whether the latest worker of every slot is past its start."""
        return self._state.all_ready

    @property
    def workers(self) -> int:
        """How many workers are past their start; once it stops, all there are."""
        if self.stopping:
            return len(self._state.workers)
        return sum(
            slot.current is not None and slot.current.ready_at is not None
            for slot in self._state.slots
        )

    @property
    def slots(self) -> int:
        """How many workers there are to be."""
        return len(self._state.slots)

    @property
    def has_workers(self) -> bool:
        """It does."""
        return True

    @property
    def replacements(self) -> int:
        """How many workers were started as successors of dead ones."""
        return self._state.replacements

    def silent(self, now: float) -> list[str]:
        """Name the workers that should have been heard of by now.

        Where those that hang are replaced, nobody else has to see to it.
        """
        if self._settings.limits.worker_timeout:
            return []
        return [
            descriptions.name(worker, process)
            for worker, process in self.processes.items()
            if worker.is_silent(now)
        ]

    def still_running(self) -> str:
        """Name what has not ended."""
        return ", ".join(
            descriptions.name(*one) for one in list(self.processes.items())
        )

    def facts(self, tally: Tally, now: float) -> Iterator[ServiceFacts]:
        """Return what is known of the services."""
        pids = {worker: process.pid for worker, process in self.processes.items()}
        return self._intake.seen.services(self._state, pids, tally, now)

    def limits(self) -> dict[str, float]:
        """Return what its configuration limits, by the names of the options."""
        return self._settings.in_force()

    def children(self) -> dict[int, Any]:
        """Return the plan of each worker, by pid."""
        return {
            process.pid: worker.slot.spec for worker, process in self.processes.items()
        }

    # Turning

    def filenos(self) -> Iterator[int]:
        """Return the descriptors to wait for until they can be read."""
        yield from self._shared.filenos()
        for process in self.processes.values():
            if process.watch() and process.pidfd is not None:
                yield process.pidfd

    @property
    def deadline(self) -> float | None:
        """When there is something to do even if nothing happens."""
        due = self._state.deadline
        if pidfds_work() and any(one.pidfd is None for one in self.processes.values()):
            # No descriptor could be had: it has to be looked for.
            soon = clock.now() + _UNWATCHED_PAUSE
            return soon if due is None else min(soon, due)
        return due

    def collect(
        self,
        readable: set[int],
        writable: set[int],  # noqa: ARG002 - orders are a byte: nothing waits
        now: float,
    ) -> None:
        """Take in what the workers have said, and which have ended."""
        self._intake.collect(readable, now)

    def advance(self, now: float) -> None:
        """Do what is to be done."""
        self._intake.find_ended(now)
        # What is done may fail, and that again has consequences.
        while actions := self._state.advance(now):
            self._execution.do_all(actions, now)
        if self._state.ended and not self.held():
            self.ended.set()  # the time-out stays armed: what follows may hang, too
        elif self._state.goal is state.Goal.STOP and not self._backed:
            self._arm_timeout(self._settings.stop_limit)
            self._back_timeout()

    def _arm_timeout(self, seconds: float) -> None:
        if seconds and self.timeout is not None:
            # Only for a parent that is held up: it kills its workers itself.
            self.timeout.arm(self, seconds + state.GRACE + _PARENTS_GRACE)

    def _back_timeout(self) -> None:
        self._backed = True
        if self.timeout is not None:
            self.timeout.back()

    # Forks and the end

    def await_killed(self, until: float) -> None:
        """Wait until the workers, which were killed, have ended."""
        for process in self.processes.values():
            while not process.reap()[0] and (left := until - clock.now()) > 0:
                if process.pidfd is None:
                    self._driver.wait_ready((), (), min(left, _BLIND_PAUSE))
                else:
                    self._driver.wait_ready((process.pidfd,), (), left)

    def abandon(self) -> None:
        """Close what belongs to the parent, in a freshly forked worker."""
        for process in self.processes.values():
            process.close()
        self.processes.clear()
        self.close()

    def close(self) -> None:
        """Close what all workers share: there are none left."""
        self._shared.close()
