# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is measured of clusters, where metrics are on."""

from oslo_service._common import instruments
from oslo_service._common.instruments import Measure

__all__ = ("LEADS", "REACHABLE", "due_times", "heartbeat", "outage", "takeover")

# Gauges.
REACHABLE = Measure("cluster_reachable", "Whether the cluster's server answers.")
LEADS = Measure("cluster_leads", "Whether this process leads.")

# Counters.
_HEARTBEATS = Measure("cluster_heartbeats", "Heartbeats of locks, by result.")
_OUTAGES = Measure("cluster_outages", "Times that the server has not answered.")
_TAKEOVERS = Measure("cluster_takeovers", "Times that this process took the lead.")
_DUE_TIMES = Measure(
    "cluster_due_times", "Due times of tasks that one process runs, by result."
)


def heartbeat(*, confirmed: bool) -> None:
    """Count a heartbeat."""
    meters = instruments.meters()
    if meters is not None:
        result = "confirmed" if confirmed else "failed"
        meters.count(_HEARTBEATS, (("result", result),))


def outage() -> None:
    """Count that the server does not answer any more."""
    meters = instruments.meters()
    if meters is not None:
        meters.count(_OUTAGES)


def takeover(name: str) -> None:
    """Count that this process leads from now on."""
    meters = instruments.meters()
    if meters is not None:
        meters.count(_TAKEOVERS, (("name", name),))


def due_times(task: str, result: str, number: int = 1) -> None:
    """Count due times.

    :param result: ``run``, ``missed``, or ``unknown``: possibly missed.
    """
    meters = instruments.meters()
    if meters is not None:
        for _ in range(number):
            meters.count(_DUE_TIMES, (("task", task), ("result", result)))
