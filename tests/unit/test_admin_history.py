# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The last events, as the admin endpoint keeps them."""

import gc
import json
import weakref

from oslo_service import events
from oslo_service.admin.history import KEPT, History


class Big:
    """Something in a frame."""


def failure() -> tuple[events.Event, "weakref.ref[Big]"]:
    """Return an event with an error that holds a frame."""
    big = Big()
    kept = weakref.ref(big)
    try:
        raise ValueError("x" * 100_000)
    except ValueError as exc:
        return events.ReloadFailed(error=exc), kept


def test_a_thousand_are_kept_each_with_its_number() -> None:
    history = History()
    for number in range(KEPT + 5):
        history.add(events.Resized(service="s", workers=number + 1, before=number))
    found = history.since(0)
    assert len(found) == KEPT
    assert found[0]["id"] == 6
    assert found[-1]["id"] == history.last == KEPT + 5
    assert found[-1]["event"] == "Resized"
    assert [one["id"] for one in history.since(KEPT + 3)] == [KEPT + 4, KEPT + 5]


def test_what_is_kept_is_small_and_holds_nothing() -> None:
    history = History()
    event, kept = failure()
    history.add(event)
    del event
    gc.collect()
    assert kept() is None
    assert len(json.dumps(history.since(0))) < 5000


def test_every_kind_of_value_is_one_of_json() -> None:
    history = History()
    ended = events.WorkerEnded(
        service="s",
        worker=1,
        pid=7,
        status=None,
        cause=events.Cause.UNEXPECTED,
        stacks="somewhere",
    )
    history.add(ended)
    history.add(events.Draining(work=()))
    first, second = history.since(0)
    assert (first["cause"], first["status"], first["pid"]) == ("unexpected", None, 7)
    assert second["work"] == []
    json.dumps(history.since(0))


def test_a_stream_has_those_that_come_and_no_more() -> None:
    history = History()
    history.add(events.Ready())
    stream = history.follow(history.last)
    assert not stream.pending
    assert stream.take() == b""
    history.add(events.Resized(service="s", workers=2, before=1))
    assert stream.pending
    head, data, *rest = stream.take().decode().split("\ndata: ")
    assert head == "id: 2\nevent: Resized"
    assert json.loads(data)["workers"] == 2
    assert data.endswith("\n\n")
    assert rest == []
    assert not stream.pending
