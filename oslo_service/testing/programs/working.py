# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service with work in progress; see :mod:`.daemon` for its plan.

Its tracked work ends when the gate is open.
"""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import functools
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from oslo_service import backend, loopingcall, opts, periodic_task, service, work

CONF = cfg.CONF
TRAITS = daemon.PLAN.traits
say = daemon.say


# What the loop that runs the periodic tasks has been told: when to run them next.
RUNS: list[float] = []


class Manager(periodic_task.PeriodicTasks):
    """Has a periodic task that takes long, and one after it."""

    @periodic_task.periodic_task(spacing=0.01, run_immediately=True)
    def survey(self, _context: Any) -> None:
        """Work until the gate is open."""
        say("surveying")
        daemon.await_gate()

    @periodic_task.periodic_task(spacing=0.01, run_immediately=True)
    def prune(self, _context: Any) -> None:
        """Say that this was begun."""
        say("pruning")


class Working(daemon.Daemon):
    """Begins what its traits name."""

    name = "working"

    def start(self) -> None:
        """Begin, and go on when all of it is in progress."""
        self.begun: list[threading.Event] = []
        for trait in sorted(TRAITS & BEGIN.keys()):
            BEGIN[trait](self)
        for one in self.begun:
            one.wait(30)
        super().start()

    def stop(self, graceful: bool = False) -> None:  # noqa: ARG002
        """Leave what is in progress alone."""
        say("stop", name=self.name)

    def wait(self) -> None:
        """Wait for nothing."""

    def begin(self, call: Any) -> Any:
        """Return a function that says that it begins, and calls that."""
        begun = threading.Event()
        self.begun.append(begun)

        def run() -> None:
            begun.set()
            call()

        run.__qualname__ = call.__qualname__
        return run

    def track(self) -> None:
        """Have work that is tracked, and some that has ended."""
        with work.track("finished before"):
            pass
        self.spawn(migrate, "migrator")

    def resize(self) -> None:
        """Have work in progress that has a limit."""
        self.spawn(resize, "resizer")

    def spawn(self, work: Callable[[Callable[[], object]], object], name: str) -> None:
        """Have a task do work that says itself when it is in progress."""
        begun = threading.Event()
        self.begun.append(begun)
        begin = functools.partial(work, begun.set)
        backend.get_backend().spawn(begin, name=name)

    def loop(self) -> None:
        """Have a loop that ticks, and one that pauses."""
        self.ticking = loopingcall.FixedIntervalLoopingCall(self.begin(tick))
        self.ticking.start(600)
        self.pausing = loopingcall.FixedIntervalLoopingCall(pause)
        self.pausing.start(600)

    def thread(self) -> None:
        """Have a thread of the group."""
        self.tg.add_thread(self.begin(block_in_thread))

    def periodic(self) -> None:
        """Have periodic tasks run by a loop, and by hand."""
        manager = Manager(CONF)

        def run_periodic_tasks(context: Any) -> float:
            pause = manager.run_periodic_tasks(context)
            RUNS.append(pause)
            return pause

        self.manager = loopingcall.DynamicLoopingCall(run_periodic_tasks, None)
        self.manager.start(periodic_interval_max=0.01)

    def executor(self) -> None:
        """Have a call of an executor."""
        self.pool = backend.get_backend().executor(1)
        self.pool.submit(self.begin(compute))


def migrate(begun: Callable[[], object]) -> None:
    """Be at work that is tracked."""
    with work.track("live migration", id="req-7", limit=600):
        begun()
        daemon.await_gate()
        say("migrated")


def resize(begun: Callable[[], object]) -> None:
    """Take longer than it may."""
    with work.track("resize", id="req-8", limit=0.5):
        begun()
        daemon.await_gate()


def tick() -> None:
    """Be in a tick."""
    daemon.await_gate()


def pause() -> None:
    """Be done."""


def block_in_thread() -> None:
    """Be in a thread."""
    daemon.await_gate()


def compute() -> None:
    """Be in an executor."""
    time.sleep(600)


BEGIN = {
    "tracks": Working.track,
    "tracks for long": Working.resize,
    "loops": Working.loop,
    "has a thread": Working.thread,
    "has periodic tasks": Working.periodic,
    "has an executor": Working.executor,
}


def main() -> None:
    """Run until told to stop."""
    daemon.log_to_stderr()
    CONF.register_opts(daemon.OPTIONS)
    opts.register_service_opts(CONF)
    CONF(daemon.PLAN.arguments, project="working")
    launcher = service.launch(CONF, Working(), workers=daemon.PLAN.workers)
    say("waiting")
    status = launcher.wait()
    while "lingers" in TRAITS and len(RUNS) < 3:
        time.sleep(0.01)
    say("last", status=status)
    sys.exit(status)


if __name__ == "__main__":
    main()
