# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The replies to probes, from a snapshot: whether all is live, ready, and healthy.

Pure functions. What is told to everybody names no version, and nothing internal; who
asks through the control socket is told everything.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from oslo_service._common.records import Record
from oslo_service.monitoring.health_checks import STATUSES, Check
from oslo_service.supervisor.exchange.inquiries import Respondent
from oslo_service.supervisor.facts import WorkerFacts
from oslo_service.supervisor.snapshot import Snapshot

__all__ = ("Reply", "health", "live", "ready")


class Reply(Record):
    """The reply to a probe.

    :ivar status: the HTTP status: 200, or 503.
    :ivar body: the content, as JSON can be.
    """

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether all is as it should be."""
        return self.status == 200


def live(snapshot: Snapshot, worker_timeout: float, *, full: bool = False) -> Reply:
    """Reply whether the service is live; if not, it should be restarted.

    It is not live when no worker of any service has answered for twice
    ``worker_timeout``. A single silent worker is replaced by the supervisor.

    :param snapshot: in detail.
    :param worker_timeout: how long a worker may be silent, in seconds; 0: workers are
        not asked.
    :param full: whether to say why.
    """
    if not worker_timeout or snapshot.draining or snapshot.stopping:
        return _reply("")
    workers = [one for service in snapshot.services for one in service.workers]
    if any(_answers(one, 2 * worker_timeout) for one in workers) or not workers:
        return _reply("")
    why = f"no worker has answered for {2 * worker_timeout:g} s"
    return _reply(why, full=full)


def _answers(worker: WorkerFacts, seconds: float) -> bool:
    # Not heard: one that starts or stops, or is still to come, has its own time-out.
    return worker.heard is None or worker.heard <= seconds


def ready(snapshot: Snapshot, *, full: bool = False) -> Reply:
    """Reply whether clients should be sent here.

    They should where all has been ready once, nothing is draining, and every service
    has a ready worker. Neither a reload nor one death of a worker changes that.

    :param snapshot: in detail.
    :param full: whether to say why not.
    """
    waiting = [one.name for one in snapshot.services if not one.ready]
    if snapshot.stopping or (snapshot.draining and not snapshot.reloading):
        why = "it is stopping"
    elif not snapshot.was_ready:
        why = "it has not been ready yet"
    elif waiting:
        why = f"no worker is ready of: {', '.join(waiting)}"
    elif not snapshot.services:
        why = "nothing is launched"
    else:
        why = ""
    return _reply(why, full=full)


def _reply(why: str, *, full: bool = False) -> Reply:
    body: dict[str, Any] = {"status": "fail" if why else "pass"}
    if why and full:
        body["output"] = why
    return Reply(503 if why else 200, body)


def health(
    checks: Iterable[tuple[Respondent, Sequence[Check]]],
    now: float,
    *,
    full: bool = False,
    version: str = "",
) -> Reply:
    """Reply how the dependencies of the service fare.

    The worst check decides; a warning is no failure.

    :param checks: the checks of every process.
    :param now: the time, in monotonic seconds.
    :param full: whether to name processes, details and the version.
    :param version: that of the library.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    worst = 0
    for respondent, some in checks:
        for one in some:
            entry = _entry(respondent, one, now, full=full)
            worst = max(worst, STATUSES.index(entry["status"]))
            found.setdefault(one.name, []).append(entry)
    body: dict[str, Any] = {"status": STATUSES[worst]}
    if full and version:
        body["version"] = version
    body["checks"] = found
    return Reply(503 if body["status"] == "fail" else 200, body)


def _entry(
    respondent: Respondent, check: Check, now: float, *, full: bool
) -> dict[str, Any]:
    status = check.status(now)
    at = dt.datetime.fromtimestamp(check.time, dt.UTC)
    entry: dict[str, Any] = {
        "status": status,
        "time": at.isoformat(timespec="milliseconds"),
    }
    if respondent.worker is not None:
        entry["componentId"] = str(respondent.worker)
    if full:
        entry |= {
            "componentId": respondent.name,
            "pid": respondent.pid,
            "ttl": check.ttl,
            "age": round(max(0.0, now - check.at), 3),
        }
        output = _output(check, now)
        if output:
            entry["output"] = output
    return entry


def _output(check: Check, now: float) -> str:
    if not check.is_stale(now):
        return check.detail
    state = "well" if check.ok else "not well"
    stale = f"older than its time to live: it was {state}"
    return f"{stale}, {check.detail}" if check.detail else stale
