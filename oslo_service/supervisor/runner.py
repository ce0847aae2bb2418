# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The services that run in this process, from their start to their end.

Each has a task that runs its ``start()`` and then its ``wait()``. Facts are
noted under a lock, and what follows from them is worked out afresh each time,
so that an order is legal in any phase.
"""

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

from oslo_service._common import naming
from oslo_service.backend.base import Driver, Event
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.shutdown_timeout import TimeLimit

__all__ = ("Host",)

LOG = logging.getLogger(__name__)


class _Run:
    """One life of a service, from ``start()`` to the end of ``wait()``."""

    def __init__(self, service: Any, stop_returned: Event, reset: bool) -> None:
        self.service = service
        self.reset_first = reset
        self.reset_later = False
        self.begun = False
        self.entered = False
        self.started = False
        self.stop_ordered = False
        self.stop_returned = stop_returned
        self.ended = False

    def __str__(self) -> str:
        if not self.stop_returned.is_set():
            phase = "stop"
        else:
            phase = "wait" if self.started else "start"
        return f"{phase}() of {naming.describe(self.service)}"


class Host:
    """Runs services in this process.

    :param driver: what to run them on.
    :param settings: what to read again at a reload; None: nothing.
    :param on_change: called whenever a fact has changed; from any task.
    """

    def __init__(
        self,
        driver: Driver,
        settings: Settings | None = None,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self._driver = driver
        self._settings = settings
        self._on_change = on_change
        self._lock = threading.RLock()
        self._runs: list[_Run] = []
        self._stopping = False
        self._reloads_wanted = self._reloads_done = 0
        self._restarting = False
        self._mutations_wanted = self._mutations_done = 0
        self._mutating = False
        self.limit: TimeLimit | None = None
        self.ended = driver.event()
        self.status = 0

    # Orders: legal at any time, from any task; they do not wait

    def add(self, service: Any, *, reset: bool = False) -> None:
        """Start a service; ``reset``: and call its ``reset()`` before."""
        with self._lock:
            self._runs.append(_Run(service, self._driver.event(), reset))
        self._advance()

    def stop(self) -> None:
        """Stop every service; also those that are still starting."""
        self._stopping = True
        self._advance()

    def reload(self) -> None:
        """Stop the services, read the configuration again, start them."""
        with self._lock:
            self._reloads_wanted += 1
        self._advance()

    def mutate(self) -> None:
        """Mutate the configuration and reset the services."""
        with self._lock:
            self._mutations_wanted += 1
        self._advance()

    def read_again(self) -> None:
        """Do what SIGHUP means to these services."""
        if self._settings is not None and self._settings.mutates:
            self.mutate()
        else:
            self.reload()

    # Facts

    @property
    def services(self) -> list[Any]:
        """The services, in the order in which they were added."""
        return [run.service for run in self._runs]

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    @property
    def restarts(self) -> bool:
        """Whether the services are stopped to be started again."""
        return not self._stopping and self._reloads_done != self._reloads_wanted

    @property
    def readings(self) -> int:
        """How many times it was told to read the configuration again."""
        return self._reloads_wanted + self._mutations_wanted

    @property
    def reading_again(self) -> bool:
        """Whether a reload, but for its ``start()``, or a mutation is not done."""
        return (
            self._reloads_done != self._reloads_wanted
            or self._restarting
            or self._mutations_done != self._mutations_wanted
            or self._mutating
        )

    #: How many processes it is, and is to be.
    workers = places = 1

    @property
    def all_ready(self) -> bool:
        """Whether every ``start()`` has returned, and none is to be called again."""
        return not (self.restarts or self._restarting) and all(
            run.started for run in self._runs
        )

    @property
    def all_stopped(self) -> bool:
        """Whether every ``stop()`` has returned."""
        return self._stopping and all(
            run.stop_returned.is_set() or run.ended for run in self._runs
        )

    def still_running(self) -> str:
        """Name what has not ended, for the log."""
        running = [str(run) for run in self._runs if not run.ended]
        return ", ".join(running) or "nothing"

    def still_starting(self) -> str:
        """Name the services whose ``start()`` has not returned, for the log."""
        return ", ".join(
            naming.describe(run.service) for run in self._runs if not run.started
        )

    # What follows from them

    def _advance(self) -> None:
        with self._lock:
            todo = self._work_out()
        for call in todo:
            call()
        self._on_change()

    def _work_out(self) -> list[Callable[[], object]]:
        todo: list[Callable[[], object]] = []
        ending = self._stopping or self._reloads_done < self._reloads_wanted
        for run in self._runs:
            if ending and not run.stop_ordered and not run.ended:
                run.stop_ordered = True
                if run.entered:
                    todo.append(functools.partial(self._spawn, self._stop, run))
                elif not run.begun:
                    run.ended = True
            elif not ending and not run.begun:
                run.begun = True
                todo.append(functools.partial(self._spawn, self._live, run))
        if ending:
            # The time limit first: a stop() that never gives up the GIL must
            # not come before it.
            todo = self._work_out_end() + todo
        elif self._mutations_done < self._mutations_wanted and not self._mutating:
            self._mutating = True
            todo.append(functools.partial(self._spawn, self._mutate))
        return todo

    def _work_out_end(self) -> list[Callable[[], object]]:
        if self._restarting and not self._stopping:
            return []
        if not all(run.ended for run in self._runs):
            return [self._set_limit]
        if self._stopping:
            return [self._lift_limit, self.ended.set]
        self._restarting = True
        return [self._lift_limit, functools.partial(self._spawn, self._restart)]

    def _set_limit(self) -> None:
        if self.limit is not None and self._settings is not None:
            seconds = self._settings.stop_limit
            if seconds:
                self.limit.set(seconds)

    def _lift_limit(self) -> None:
        if self.limit is not None:
            self.limit.lift()

    def _spawn(self, body: Callable[..., Any], *runs: _Run) -> None:
        words = [body.__name__.strip("_")]
        words += [naming.describe(run.service) for run in runs]
        self._driver.spawn(functools.partial(body, *runs), name=" ".join(words))

    # The bodies of tasks

    def _live(self, run: _Run) -> None:
        with self._lock:
            # What is to be stopped before it has begun is left alone: its
            # stop() may rely on its start().
            run.entered = not run.stop_ordered
        if run.entered and self._start(run):
            self._await(run)
        run.ended = True
        self._advance()

    def _start(self, run: _Run) -> bool:
        service = run.service
        try:
            if run.reset_first:
                service.reset()
            service.start()
        except BaseException:
            LOG.exception(
                "start() of %s failed; everything in this process is stopped",
                naming.describe(service),
            )
            self.status = 1
            self._stopping = True
            return False
        with self._lock:
            run.started = True
            stopped_early = run.stop_ordered
        self._advance()
        if stopped_early:
            # stop() may have found nothing to stop yet.
            run.stop_returned.wait()
            self._call(run, "stop")
        elif run.reset_later:
            self._call(run, "reset", failure_counts=False)
        return True

    def _await(self, run: _Run) -> None:
        succeeded = self._call(run, "wait", failure_counts=False)
        early = not run.stop_ordered
        if not (succeeded or early):
            self.status = 1
        run.stop_returned.wait()
        if early:
            # It had nothing to wait for then.
            self._call(run, "wait")

    def _stop(self, run: _Run) -> None:
        self._call(run, "stop")
        run.stop_returned.set()
        self._advance()

    def _call(self, run: _Run, method: str, *, failure_counts: bool = True) -> bool:
        try:
            getattr(run.service, method)()
        except BaseException:
            LOG.exception("%s() of %s failed", method, naming.describe(run.service))
            if failure_counts:
                self.status = 1
            return False
        return True

    def _restart(self) -> None:
        with self._lock:
            self._reloads_done = self._reloads_wanted
        if self._settings is not None:
            self._settings.read_again()
        with self._lock:
            self._runs = [
                _Run(run.service, self._driver.event(), reset=True)
                for run in self._runs
            ]
            self._restarting = False
        self._advance()

    def _mutate(self) -> None:
        while self._mutations_done < self._mutations_wanted:
            self._mutations_done = self._mutations_wanted
            if self._settings is not None:
                self._settings.read_again()
            for run in list(self._runs):
                with self._lock:
                    run.reset_later = not run.started
                if run.started and not run.stop_ordered:
                    self._call(run, "reset", failure_counts=False)
        self._mutating = False
        self._advance()
