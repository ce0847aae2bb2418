# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The status as JSON: as the schema in the documentation has it."""

import json
import types
from pathlib import Path
from typing import Any

import pytest

from oslo_service._common import memory
from oslo_service.monitoring import status, work_in_progress
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent
from oslo_service.supervisor.facts import Listener, ServiceFacts, State, WorkerFacts
from oslo_service.supervisor.snapshot import ProcessFacts, Snapshot
from oslo_service.supervisor.work_items import WorkItem

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "doc" / "source" / "status-schema.json").read_text()
)
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def check(value: Any, schema: dict[str, Any], where: str = "") -> None:
    """Hold a value against as much of JSON Schema as ours needs; none else is known."""
    known = {"$schema", "title", "$defs", "$ref", "type", "enum", "items"}
    known |= {"required", "properties", "additionalProperties", "description", "const"}
    assert schema.keys() <= known
    if "$ref" in schema:
        check(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], where)
    if "const" in schema:
        assert value == schema["const"], where
    if "enum" in schema:
        assert value in schema["enum"], where
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    assert not types or any(is_a(value, one) for one in types), where
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= value.keys(), where
        listed = "properties" in schema or "additionalProperties" in schema
        for key, inner in value.items() if listed else ():
            known_here = schema.get("properties", {})
            found = known_here.get(key, schema.get("additionalProperties"))
            assert found is not None, f"{where}.{key} is not in the schema"
            check(inner, found, f"{where}.{key}")
    if isinstance(value, list):
        for inner in value:
            check(inner, schema["items"], f"{where}[]")


def is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "number":
        return isinstance(value, int | float)
    return isinstance(value, TYPES[kind])


WORKERS = (
    WorkerFacts(0, State.READY, 11, 2, 7.5, 0.25, 3, {"unexpected": 1}),
    WorkerFacts(0, State.DRAINING, 10, 1, 70.12345, None, 1),
    WorkerFacts(1, State.HUNG, 12, 2, 8.0, 30.0, 4),
    WorkerFacts(2, State.PAUSED, restarts={"unexpected": 4}),
)
PROCESS = (1.0, 99.0, "threading", "the default", "5.1", "3.11.2")
SNAPSHOT = Snapshot(
    workers=2,
    slots=3,
    restarts=5,
    was_ready=True,
    services=(ServiceFacts("api", 3, True, WORKERS),),
    process=ProcessFacts(9, *PROCESS),
    listeners=(Listener("web", "127.0.0.1", 80), Listener("unix", "/run/x", None)),
    limits={"graceful_shutdown_timeout": 60.0},
    reloads={"finished": 1},
)
HEALTH = [
    {"name": name, "ok": ok, "detail": "", "time": 1.0, "at": 1.0, "ttl": 0}
    for name, ok in (("db", False), ("bus", True))
]
ANSWERS = [
    Answer(Respondent(9), {"work": {"count": 0, "oldest": None}, "health": []}),
    Answer(
        Respondent(11, "api", 0, 3, 2),
        {"work": {"count": 2, "oldest": 5.5}, "health": HEALTH},
    ),
    Answer(Respondent(12, "api", 1, 4, 2), problem="no answer"),
]


@pytest.fixture
def found() -> dict[str, Any]:
    return status.as_json(SNAPSHOT, ANSWERS, lambda pid: pid * 1000)


def test_it_is_as_the_schema_says(found) -> None:
    check(json.loads(json.dumps(found)), SCHEMA)


def test_what_is_wrong_is_found(found) -> None:
    found["services"][0]["workers"][0]["state"] = "happy"
    with pytest.raises(AssertionError):
        check(found, SCHEMA)


def test_the_whole(found) -> None:
    assert found["state"] == "ready"
    assert found["driver"] == {"name": "threading", "chosen_by": "the default"}
    assert found["process"]["memory"] == 9000
    assert found["listeners"][1] == {"name": "unix", "host": "/run/x", "port": None}
    assert found["limits"] == {"graceful_shutdown_timeout": 60.0}


def test_a_worker_that_answers(found) -> None:
    worker = found["services"][0]["workers"][0]
    assert worker == {
        "slot": 0,
        "pid": 11,
        "generation": 2,
        "state": "ready",
        "age": 7.5,
        "heard": 0.25,
        "restarts": {"unexpected": 1},
        "memory": 11000,
        "work": {"count": 2, "oldest": 5.5},
        "health": {"status": "fail", "checks": {"db": "fail", "bus": "pass"}},
        "problem": None,
    }


def test_workers_that_do_not_answer(found) -> None:
    (_, draining, hung, vacant) = found["services"][0]["workers"]
    assert hung["problem"] == "no answer"
    assert hung["work"] is None
    assert draining["problem"] is None
    assert draining["age"] == 70.123
    assert (vacant["pid"], vacant["memory"]) == (None, None)


def test_what_another_has_said_that_had_the_same_pid_is_not_told_of_a_worker() -> None:
    gone = [Answer(Respondent(11, "api", 0, 2, 2), {"work": {}, "memory": 7})]
    found = status.as_json(SNAPSHOT, gone, lambda pid: pid * 1000)
    worker = found["services"][0]["workers"][0]
    assert (worker["work"], worker["memory"]) == (None, 11000)


def test_whether_a_service_runs_in_the_process_that_answers(found) -> None:
    assert found["services"][0]["here"] is False
    own = Snapshot(**{**vars(SNAPSHOT), "process": ProcessFacts(12, *PROCESS)})
    (service,) = status.as_json(own, ANSWERS, lambda _pid: None)["services"]
    assert service["here"] is True


def test_the_memory_of_one_that_has_said_it_is_not_looked_at(monkeypatch) -> None:
    monkeypatch.setattr(memory, "pss", lambda pid: -pid)
    supervisor: Any = types.SimpleNamespace(
        reporter=types.SimpleNamespace(snapshot=lambda: SNAPSHOT)
    )
    said = [Answer(Respondent(11, "api", 0, 3, 2), {"memory": 7}), ANSWERS[2]]
    found = status.of_supervisor(supervisor, said)
    memories = [one["memory"] for one in found["services"][0]["workers"]]
    assert memories == [7, -10, -12, None]
    assert found["process"]["memory"] == -9


def test_what_a_process_says_of_its_work(monkeypatch) -> None:
    items = [WorkItem("call", "one", age=age) for age in (None, 3.0, 5.0)]
    monkeypatch.setattr(work_in_progress, "look", lambda **_: items)
    assert status.answer()["work"] == {"count": 3, "oldest": 5.0}
    items.clear()
    assert status.answer()["work"] == {"count": 0, "oldest": None}


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ({}, "starting"),
        ({"was_ready": True}, "ready"),
        ({"was_ready": True, "reloading": True}, "reloading"),
        ({"was_ready": True, "reloading": True, "draining": True}, "reloading"),
        ({"was_ready": True, "draining": True}, "stopping"),
        ({"reloading": True, "stopping": True}, "stopping"),
    ],
)
def test_the_state_of_the_whole(what, state) -> None:
    assert Snapshot(workers=1, slots=1, **what).state.value == state
