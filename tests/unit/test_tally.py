# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What has happened how often."""

from oslo_service.supervisor import events
from oslo_service.supervisor.tally import Tally


def ended(slot: int, cause: events.Cause, service: str = "api") -> events.Event:
    return events.WorkerEnded(
        service=service, worker=slot, pid=7, status=1, cause=cause
    )


def test_it_counts_from_events() -> None:
    tally = Tally()
    for event in (
        events.Ready(),
        ended(0, events.Cause.UNEXPECTED),
        ended(0, events.Cause.UNEXPECTED),
        ended(0, events.Cause.ORDERED),
        ended(1, events.Cause.TIMED_OUT),
        ended(0, events.Cause.ORDERED, "rpc"),
        events.WorkerStarted(service="api", worker=0, pid=8, generation=0),
        events.ReloadStarted(),
        events.ReloadFailed(error=ValueError()),
        events.ReloadFinished(),
        events.ReloadStarted(),
        events.ReloadFinished(),
        events.ServiceFailed(
            service="api", method="start", error=ValueError(), fatal=True
        ),
    ):
        tally.hear(event)
    assert tally.of_slot("api", 0) == {"unexpected": 2, "ordered": 1}
    assert tally.of_slot("api", 1) == {"timed out": 1}
    assert tally.of_slot("api", 2) == {}
    assert tally.started == {"api": 1}
    assert tally.reloads == {"failed": 1, "finished": 1}
    assert tally.failures == {"api": 1}
