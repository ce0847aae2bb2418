# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What who has ordered a reload is told of it, and when."""

import json
from typing import Any
from unittest import mock

import pytest

from oslo_service import events
from oslo_service.admin.later import Heard, Outcome
from oslo_service.admin.orders import Orders
from oslo_service.admin.replies import Ask

FAILED = events.ReloadFailed(error=ValueError("no number"), rolled_back=True)
SLOT = {"service": "api", "worker": 1}


def answered(*happened: events.Event) -> tuple[int, dict[str, Any]] | None:
    """Order a reload; return what is answered after these events, if anything."""
    heard = Heard()
    supervisor = mock.Mock(stopping=False)
    ask = Ask("POST", "/reload", {}, {}, b"", True)
    outcome = Orders(supervisor, heard).reload(ask)
    assert isinstance(outcome, Outcome)
    for event in (events.ReloadStarted(), *happened):
        heard.hear(event)
    reply = outcome.reply(0.0)
    return None if reply is None else (reply.status, json.loads(reply.body))


def test_it_is_finished() -> None:
    assert answered() is None
    assert answered(events.ReloadFinished()) == (
        200,
        {"said": "reloaded", "reload": "finished"},
    )


def test_what_cannot_be_read_changes_nothing() -> None:
    found = answered(events.ReloadFailed(error=ValueError("no number")))
    error = "the reload failed, all is as it was: no number"
    assert found == (409, {"error": error, "reload": "failed"})


def test_one_that_is_taken_back_is_answered_when_it_has_been() -> None:
    assert answered(FAILED) is None
    error = "the reload failed, all is as it was: no number"
    assert answered(FAILED, events.ReloadFinished()) == (
        409,
        {"error": error, "reload": "failed"},
    )


def test_one_that_cannot_be_taken_back_is_answered_and_says_so() -> None:
    stuck = events.RollbackFailed(**SLOT, error="no database")
    found = answered(FAILED, stuck)
    assert found is not None
    assert found[0] == 409
    assert found[1]["error"] == (
        "the reload failed, no number; worker 1 of api does not get back what it had,"
        " which is tried again, and has the new configuration until then: no database"
    )


def test_a_crash_loop_is_no_reason_to_wait_for_ever() -> None:
    paused = events.SlotPaused(**SLOT, deaths=3, seconds=0.1, error="no database")
    found = answered(paused)
    assert found is not None
    assert (found[0], found[1]["reload"]) == (409, "failed")
    assert "3 times in a row" in found[1]["error"]
    assert found[1]["error"].endswith("no database")


@pytest.mark.parametrize(
    "event",
    [
        events.Draining(),
        events.RestartLimitReached(service="api", limit=1, seconds=30, error="x"),
        events.ServiceFailed(service="a", method="start", error=OSError(), fatal=True),
    ],
)
def test_the_end_of_the_service_is_the_end_of_it(event: events.Event) -> None:
    for before in ((), (FAILED,)):
        found = answered(*before, event)
        assert found is not None
        assert (found[0], found[1]["reload"]) == (409, "ended")
