# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service of a cluster: two periodic tasks, and a service that runs once in it.

Run as ``python program.py PLAN``, a JSON object: ``place``, where the record is;
``driver``; ``url`` of the cluster; ``workers``; ``interval`` and ``lease``, in
seconds; and for tests a ``fault``, of :mod:`faults`.
"""

# ruff: noqa: E402 - a driver patches before anything else is imported

import fcntl
import json
import os
import sys
import time
from pathlib import Path

PLAN = json.loads(sys.argv[1])
PLACE = Path(PLAN["place"])
os.environ["OS_OSLO_SERVICE__BACKEND"] = PLAN["driver"]
# Eventlet's own waits until something can be written.
write = os.write

from oslo_service import backend

backend.bootstrap(argv=[])

import dataclasses
import logging
import random
from typing import Any

from oslo_config import cfg
from oslo_service import cluster, events, opts, periodic_task, service

import faults

CONF = cfg.CONF
#: How long a task takes, in seconds: most are quick.
WORK = (0.0, 0.0, 0.0, 0.005, 0.02)
#: How long the single service takes to stop, at most, in seconds.
STOPPING = 0.3


def record(what: str, **details: Any) -> None:
    """Append a line to the record, under an exclusive lock."""
    fd = os.open(PLACE / "record", os.O_WRONLY | os.O_APPEND)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        line = {"what": what, "at": time.time(), "pid": os.getpid(), **details}
        write(fd, json.dumps(line).encode() + b"\n")
    finally:
        os.close(fd)


class Tasks(periodic_task.PeriodicTasks):
    """The periodic tasks."""

    @periodic_task.periodic_task(spacing=PLAN["interval"], scope="cluster")
    def skip(self, _context: object) -> None:
        """Run at most once for each due time."""
        work("skip")

    @periodic_task.periodic_task(
        spacing=PLAN["interval"], scope="cluster", missed="run"
    )
    def run(self, _context: object) -> None:
        """Run the latest at least."""
        work("run")


def work(task: str) -> None:
    """Do what a task does: say so."""
    due = cluster.due_time()
    record("begin", task=task, due=due)
    time.sleep(random.choice(WORK))
    record("end", task=task, due=due)


class Chaotic(service.Service):
    """Runs the periodic tasks."""

    def start(self) -> None:
        """Begin."""
        tasks = Tasks(CONF)
        self.tg.add_dynamic_timer(tasks.run_periodic_tasks, context=None)
        record("started", parent=os.getppid())


class Alone(service.Service):
    """Runs in one process at a time: it holds a lock of the kernel's meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self._fd: int | None = None

    def start(self) -> None:
        """Begin, and say so where another one has not ended."""
        fd = os.open(PLACE / "alone", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            record("overlap", other=int(os.pread(fd, 20, 0)))
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd
        record("alone")

    def stop(self, graceful: bool = False) -> None:
        """End, after a while."""
        if self._fd is not None:
            time.sleep(random.uniform(0, STOPPING))
            record("not alone")
            os.close(self._fd)
            self._fd = None
        super().stop(graceful)


def observe(event: events.Event) -> None:
    """Record what the library tells of the cluster, and of workers."""
    if isinstance(event, KINDS):
        details = {
            name: value
            for name, value in dataclasses.asdict(event).items()
            if isinstance(value, int | float | str | tuple | list)
        }
        details["when"] = details.pop("time")
        details.pop("pid", None)
        of = getattr(event, "pid", os.getpid())
        record(type(event).__name__, of=of, **details)


KINDS = (
    events.ClusterReachable,
    events.ClusterUnreachable,
    events.DueTimeInterrupted,
    events.DueTimesMissed,
    events.LeaderKilled,
    events.LeadershipLost,
    events.LeadershipTaken,
    events.WorkerEnded,
    events.WorkerStarted,
)


def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s %(message)s",
        datefmt="%H:%M:%S",
    )
    for noisy in ("urllib3", "kazoo", "tooz"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    opts.register_service_opts(CONF)
    CONF.set_default("graceful_shutdown_timeout", 10)
    CONF([], project="chaos")
    for name, value in {
        "cluster_url": PLAN["url"],
        "cluster_group": "chaos",
        "cluster_lease": PLAN["lease"],
        "cluster_required": True,
    }.items():
        CONF.set_override(name, value, "oslo_service")
    faults.begin(PLAN["fault"])
    events.subscribe(observe)
    os.register_at_fork(after_in_child=lambda: events.subscribe(observe))
    launcher = service.ProcessLauncher(CONF)
    launcher.launch_service(Chaotic(), workers=PLAN["workers"])
    launcher.launch_service(cluster.SingleService(Alone()))
    sys.exit(launcher.wait())


if __name__ == "__main__":
    main()
