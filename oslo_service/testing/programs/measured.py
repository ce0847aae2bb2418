# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that measures with prometheus_client; see :mod:`.daemon` for its plan."""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import os
import sys
import time
from typing import Any

import prometheus_client
from prometheus_client.core import GaugeMetricFamily

from oslo_service import backend, health, loopingcall, periodic_task, work

JOBS = prometheus_client.Counter("jobs", "Jobs that were done.", ["kind"])
DEPTH = prometheus_client.Gauge("depth", "How many wait.")
TOTAL = prometheus_client.Gauge("total", "In all.", multiprocess_mode="livesum")
FIRST = prometheus_client.Gauge("first", "Of all.", multiprocess_mode="livemin")
LAST = prometheus_client.Gauge("last", "Of all.", multiprocess_mode="livemax")
TOOK = prometheus_client.Histogram("took", "How long.", unit="seconds", buckets=[1, 2])


class Outside:
    """Collects something that is away until the gate is open."""

    def describe(self) -> list[Any]:
        """Return nothing: what is registered is collected else."""
        return []

    def collect(self) -> list[Any]:
        """Return whose it is."""
        if "exits" in daemon.PLAN.traits:
            sys.exit(3)
        daemon.await_gate()
        found = GaugeMetricFamily("outside", "Elsewhere.", labels=["pid"])
        found.add_metric([str(os.getpid())], 1)
        return [found]


class Chores(periodic_task.PeriodicTasks):
    """Has a periodic task that succeeds, and one that fails."""

    @periodic_task.periodic_task(spacing=600, run_immediately=True)
    def sweep(self, _context: Any) -> None:
        """Succeed."""

    @periodic_task.periodic_task(spacing=600, run_immediately=True)
    def drop(self, _context: Any) -> None:
        """Fail."""
        raise ValueError("dropped, as asked")


def dawdle() -> None:
    """Take longer than the interval."""
    time.sleep(0.05)


def hold() -> None:
    """Be at work until the gate is open."""
    with work.track("holding"):
        daemon.await_gate()


class Measured(daemon.Daemon):
    """Measures as it starts."""

    def start(self) -> None:
        """Do three jobs."""
        JOBS.labels("build").inc(3)
        DEPTH.set(os.getpid())
        TOTAL.set(5)
        FIRST.set(os.getpid())
        LAST.set(os.getpid())
        TOOK.observe(1.5)
        self.loop = loopingcall.FixedIntervalLoopingCall(daemon.turn)
        self.loop.start(0.05)
        if "busy" in daemon.PLAN.traits:
            self.be_busy()
        super().start()

    def be_busy(self) -> None:
        """Have the library measure what it does."""
        health.report("database", False)
        health.report("disk", True)
        Chores(daemon.CONF).run_periodic_tasks(None)
        self.tg.add_timer(0.01, dawdle)
        backend.get_backend().spawn(hold, name="holder")

    def stop(self, graceful: bool = False) -> None:
        """Do another job at the end."""
        JOBS.labels("clean").inc()
        self.loop.stop()
        super().stop(graceful)


if __name__ == "__main__":
    JOBS.labels("prepare").inc()  # before any worker is forked
    if "collects" in daemon.PLAN.traits:
        prometheus_client.REGISTRY.register(Outside())
    vars(daemon)["Daemon"] = Measured
    daemon.main()
