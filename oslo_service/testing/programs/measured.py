# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that measures with prometheus_client; see :mod:`.daemon` for its plan."""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import os

import prometheus_client

from oslo_service import loopingcall

JOBS = prometheus_client.Counter("jobs", "Jobs that were done.", ["kind"])
DEPTH = prometheus_client.Gauge("depth", "How many wait.")
TOTAL = prometheus_client.Gauge("total", "In all.", multiprocess_mode="livesum")
TOOK = prometheus_client.Histogram("took", "How long.", unit="seconds", buckets=[1, 2])


class Measured(daemon.Daemon):
    """Measures as it starts."""

    def start(self) -> None:
        """Do three jobs."""
        JOBS.labels("build").inc(3)
        DEPTH.set(os.getpid())
        TOTAL.set(5)
        TOOK.observe(1.5)
        self.loop = loopingcall.FixedIntervalLoopingCall(daemon.turn)
        self.loop.start(0.05)
        super().start()

    def stop(self, graceful: bool = False) -> None:
        """Do another job at the end."""
        JOBS.labels("clean").inc()
        self.loop.stop()
        super().stop(graceful)


if __name__ == "__main__":
    JOBS.labels("prepare").inc()  # before any worker is forked
    vars(daemon)["Daemon"] = Measured
    daemon.main()
