# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The workers of one launcher: doing what :mod:`.crew` decides."""

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any

from oslo_service._common import clock
from oslo_service.backend.base import Driver
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.shutdown_timeout import TimeLimit
from oslo_service.supervisor.workers import state
from oslo_service.supervisor.workers.channel import ALIVE, MUTATED, READY, STOPPED, Line
from oslo_service.supervisor.workers.process import Process

__all__ = ("Starter", "Workforce")

LOG = logging.getLogger(__name__)

# How long a parent has beyond the end of its workers' time, in seconds.
_PARENTS_GRACE = 1.0

# How often to look for the end of a process where nothing tells of it, seconds.
_BLIND_PAUSE = 0.01

#: Starts a process for a worker. Given what it runs, whether to reset the
#: service first, and the line, of which the worker must close the parent's end.
#: Returns its pid.
Starter = Callable[[Any, bool, Line], int]


class Workforce:
    """The worker processes of one launcher.

    :param driver: the driver.
    :param settings: how long workers may take to stop, and what to read again.
    :param starter: starts a process.
    """

    def __init__(self, driver: Driver, settings: Settings, starter: Starter) -> None:
        self._driver = driver
        self._settings = settings
        self._starter = starter
        self._crew = state.Crew(lambda: settings.stop_limit)
        #: How many times it was told to read the configuration again.
        self.readings = 0
        self.processes: dict[state.Worker, Process] = {}
        self.limit: TimeLimit | None = None
        # What to log when there is nothing more urgent to do.
        self._news: list[tuple[int, str, tuple[object, ...]]] = []
        self.ended = driver.event()

    # Orders: only by whoever turns the supervisor

    def add(self, spec: object, workers: int) -> None:
        """Have a service run by so many workers."""
        self._crew.add(spec, workers)

    def stop(self) -> None:
        """Have every worker finish its work and end."""
        self._crew.stop()

    def read_again(self) -> None:
        """Do what SIGHUP means to these workers."""
        self.readings += 1
        self._settings.read_again()
        if self._settings.mutates:
            self._crew.mutate()
        else:
            self._crew.reload()

    def ask(self, now: float) -> None:
        """Have every worker say that it can answer."""
        for action in self._crew.ask():
            self._do(action, now)

    def quit(self) -> None:
        """End every worker by force."""
        self._crew.quit()

    # Facts

    @property
    def all_ready(self) -> bool:
        """Whether the latest worker of every slot is past its start."""
        return self._crew.all_ready

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._crew.goal is not state.Goal.RUN

    @property
    def all_stopped(self) -> bool:
        """Whether no worker serves any more."""
        return self.stopping and all(worker.stopped for worker in self.processes)

    @property
    def status(self) -> int:
        """What the launcher's exit status is."""
        return self._crew.status

    @property
    def deadline(self) -> float | None:
        """When there is something to do even if nothing happens."""
        return self._crew.deadline

    @property
    def workers(self) -> int:
        """How many workers are past their start; once it stops, all there are."""
        if self.stopping:
            return len(self._crew.workers)
        return sum(
            slot.current is not None and slot.current.ready_at is not None
            for slot in self._crew.slots
        )

    @property
    def places(self) -> int:
        """How many workers there are to be."""
        return len(self._crew.slots)

    @property
    def replacements(self) -> int:
        """How many workers were started in the place of dead ones."""
        return self._crew.replacements

    @property
    def reading_again(self) -> bool:
        """Whether what SIGHUP means is not done yet in every worker."""
        return self._crew.reading_again

    def silent(self, now: float) -> list[str]:
        """Name the workers that should have been heard of by now."""
        return [
            _name(worker, process)
            for worker, process in self.processes.items()
            if worker.is_silent(now)
        ]

    def still_running(self) -> str:
        """Name what has not ended, for the log."""
        return ", ".join(_name(*one) for one in list(self.processes.items()))

    def filenos(self) -> Iterator[int]:
        """Give the descriptors whose readiness tells something."""
        for process in self.processes.values():
            yield from process.filenos()

    # Turning

    def collect(self, readable: set[int], now: float) -> None:
        """Take in what the workers have said, and which have ended."""
        for worker, process in list(self.processes.items()):
            if not readable.isdisjoint(process.filenos()) or process.pidfd is None:
                self._hear(worker, process, now)
                self._look_after(worker, process, now)

    def _hear(self, worker: state.Worker, process: Process, now: float) -> None:
        for message in process.listen():
            if message == READY:
                self._crew.ready(worker, now)
            elif message == STOPPED:
                self._crew.stopped(worker)
            elif message == MUTATED:
                self._crew.mutated(worker)
            elif message == ALIVE:
                self._crew.answered(worker)

    def _look_after(self, worker: state.Worker, process: Process, now: float) -> None:
        ended, status = process.reap()
        if not ended:
            return
        del self.processes[worker]
        process.stacks.show(_name(worker, process))
        process.close()
        level = logging.INFO if worker.ordered and status == 0 else logging.WARNING
        self._news.append(
            (level, "Worker %d of %s %s", _obituary(worker, process, status))
        )
        self._crew.gone(worker, status, now)

    def advance(self, now: float) -> None:
        """Do what is to be done."""
        # What is done may fail, and that again has consequences.
        while actions := self._crew.advance(now):
            for action in actions:
                self._do(action, now)
        self._tell_news()
        if self._crew.ended:
            self._lift_limit()
            self.ended.set()
        elif self._crew.goal is state.Goal.STOP:
            self._set_limit()

    def _tell_news(self) -> None:
        # A successor does not wait for its predecessor's obituary.
        news, self._news = self._news, []
        for level, message, values in news:
            LOG.log(level, message, *values)

    def _set_limit(self) -> None:
        seconds = self._settings.stop_limit
        if seconds and self.limit is not None:
            # Only for a parent that is held up: it kills its workers itself.
            self.limit.set(seconds + state.GRACE + _PARENTS_GRACE)

    def _lift_limit(self) -> None:
        if self.limit is not None:
            self.limit.lift()

    def _do(self, action: state.Action, now: float) -> None:
        match action:
            case state.Start(worker, reset):
                self._start(worker, reset, now)
            case state.Order(worker, kind):
                self.processes[worker].tell(kind.value)
            case state.Kill(worker, late):
                self._kill(self.processes[worker], late)
            case state.Throttled(slot, pause):
                message = (
                    "%s ended %d times in a row at its start (worker %d);"
                    " it is started again in %g s"
                )
                values = (slot.spec, slot.crashes, slot.index, pause)
                self._news.append((logging.WARNING, message, values))

    def _start(self, worker: state.Worker, reset: bool, now: float) -> None:
        spec = worker.slot.spec
        line = Line(self._driver.original("os"))
        try:
            pid = self._starter(spec, reset, line)
        except Exception:
            LOG.exception("A worker of %s cannot be started", spec)
            line.parents_end.close()
            line.stacks.close()
            self._crew.gone(worker, None, now)
        else:
            self.processes[worker] = Process(pid, line)
            values = (worker.slot.index, spec, pid)
            self._news.append((logging.INFO, "Started worker %d of %s, pid %d", values))
        finally:
            line.workers_end.close()

    def _kill(self, process: Process, late: bool) -> None:
        if late:
            LOG.error(
                "Worker %d did not end within graceful_shutdown_timeout: killed",
                process.pid,
            )
        process.kill()

    def children(self) -> dict[int, Any]:
        """Give what each worker runs, by pid."""
        return {
            process.pid: worker.slot.spec for worker, process in self.processes.items()
        }

    # Forks and the end

    def pids(self) -> list[int]:
        """List the worker processes."""
        return [process.pid for process in self.processes.values()]

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


def _name(worker: state.Worker, process: Process) -> str:
    return f"worker {worker.slot.index} of {worker.slot.spec} (pid {process.pid})"


def _obituary(
    worker: state.Worker, process: Process, status: int | None
) -> tuple[int, object, str]:
    if status is None:
        how = "has ended; its status went to somebody else"
    elif status < 0:
        how = f"was killed by {_signal_name(-status)}"
    else:
        how = f"exited with status {status}"
    return worker.slot.index, worker.slot.spec, f"(pid {process.pid}) {how}"


def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:  # a real-time signal
        return f"signal {signum}"
