# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Events as objects: frozen dataclasses."""

import copy
import dataclasses
import pickle
import re
from pathlib import Path

import pytest

from oslo_service import events

STARTED = {"service": "s", "worker": 1, "pid": 7, "generation": 0}
KINDS = [
    kind
    for name in events.__all__
    if isinstance(kind := getattr(events, name), type)
    and issubclass(kind, events.Event)
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_documents_its_fields(kind) -> None:
    own = set(kind.__annotations__) - {"time"}
    described = f"{kind.__doc__}{events.Event.__doc__}{events.WorkerEvent.__doc__}"
    assert all(f":ivar {name}:" in described for name in own)
    assert kind.__module__ == "oslo_service.events"


def test_one_has_the_values_that_it_was_given_and_the_time() -> None:
    event = events.WorkerStarted(**STARTED)
    assert {**dataclasses.asdict(event), "time": 0} == {**STARTED, "time": 0}
    assert event.time > 0
    assert [field.name for field in dataclasses.fields(event)] == ["time", *STARTED]


def test_one_cannot_be_changed() -> None:
    event = events.WorkerStarted(**STARTED)
    with pytest.raises(dataclasses.FrozenInstanceError, match="pid"):
        event.pid = 8
    with pytest.raises(dataclasses.FrozenInstanceError, match="pid"):
        del event.pid
    assert dataclasses.replace(event, pid=8).pid == 8
    assert event.pid == 7


def test_those_of_the_same_values_are_equal_and_others_are_not() -> None:
    one = events.WorkerStopped(service="s", worker=1, pid=7, time=1.0)
    same = events.WorkerStopped(service="s", worker=1, pid=7, time=1.0)
    killed = events.WorkerKilled(service="s", worker=1, pid=7, time=1.0)
    assert one == same
    assert hash(one) == hash(same)
    assert one not in (killed, dataclasses.replace(one, pid=8))
    assert repr(one) == "WorkerStopped(time=1.0, service='s', worker=1, pid=7)"


def test_one_can_be_copied_and_pickled() -> None:
    event = events.WorkerStarted(**STARTED)
    assert pickle.loads(pickle.dumps(event)) == event
    assert copy.copy(event) == event


@pytest.mark.parametrize(
    ("values", "message"),
    [({}, "needs service="), ({**STARTED, "colour": 1}, "has no colour")],
)
def test_fields_that_are_missing_or_unknown_are_named(values, message) -> None:
    with pytest.raises(TypeError, match=message):
        events.WorkerStarted(**values)


def test_one_can_be_matched_by_its_fields() -> None:
    match events.WorkerStarted(**STARTED):
        case events.WorkerStarted(pid=7, worker=worker):
            assert worker == 1
        case _:
            pytest.fail("it does not match")


def test_the_documentation_names_every_kind_once() -> None:
    page = Path(__file__).parents[2] / "doc" / "source" / "events.rst"
    table = page.read_text("utf-8").partition("list-table::")[2]
    heads = re.findall(r"^    \* - (``.*)$", table, re.MULTILINE)
    named = sorted(name for head in heads for name in re.findall(r"``(\w+)``", head))
    bases = {events.Event, events.WorkerEvent}
    assert named == sorted(kind.__name__ for kind in KINDS if kind not in bases)
