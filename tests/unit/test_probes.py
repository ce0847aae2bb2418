# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What probes are answered: the rules, one by one."""

import json
from typing import Any

import pytest

from oslo_service.monitoring import probes
from oslo_service.monitoring.health_checks import Check
from oslo_service.supervisor.exchange.inquiries import Respondent
from oslo_service.supervisor.facts import ServiceFacts, State, WorkerFacts
from oslo_service.supervisor.snapshot import Snapshot


def worker(heard: float | None, state: State = State.READY, slot: int = 0) -> Any:
    return WorkerFacts(slot, state, pid=100 + slot, heard=heard)


def service(*workers: WorkerFacts, ready: bool = True, name: str = "api") -> Any:
    return ServiceFacts(name, len(workers), ready, workers)


def snapshot(*services: ServiceFacts, **what: Any) -> Snapshot:
    facts = {"was_ready": True, **what}
    return Snapshot(workers=1, slots=1, services=services, **facts)


class TestLive:
    """It is, unless no worker of any service has answered for twice the limit."""

    @pytest.mark.parametrize(
        ("services", "timeout", "what", "status"),
        [
            ([service(worker(20.1))], 10, {}, 503),
            ([service(worker(20.0))], 10, {}, 200),
            ([service(worker(1e9))], 0, {}, 200),
            # One that hangs does not have its siblings killed.
            ([service(worker(99), worker(5, slot=1))], 10, {}, 200),
            ([service(worker(99)), service(worker(5), name="rpc")], 10, {}, 200),
            ([service(worker(99), worker(99)), service(worker(50))], 10, {}, 503),
            # Who starts, or stops, has its own time; so has who is to come.
            ([service(worker(99), worker(None, State.STARTING))], 10, {}, 200),
            ([service(worker(None, State.PAUSED))], 10, {}, 200),
            ([service(worker(99))], 10, {"stopping": True, "draining": True}, 200),
            ([service(worker(99))], 10, {"stopping": True}, 200),
            ([], 10, {}, 200),
        ],
    )
    def test_the_rule(self, services, timeout, what, status) -> None:
        reply = probes.live(snapshot(*services, **what), timeout)
        assert reply.status == status
        assert reply.ok is (status == 200)
        assert reply.body == {"status": "pass" if status == 200 else "fail"}

    def test_why_not_is_told_to_who_may_know(self) -> None:
        reply = probes.live(snapshot(service(worker(99))), 10, full=True)
        assert reply.body["output"] == "no worker has answered for 20 s"


class TestReady:
    """It was ready once, is not draining, and every service has a ready worker."""

    @pytest.mark.parametrize(
        ("services", "what", "why"),
        [
            ([service()], {}, ""),
            ([service()], {"was_ready": False}, "it has not been ready yet"),
            ([service()], {"draining": True, "stopping": True}, "it is stopping"),
            ([service()], {"draining": True}, "it is stopping"),
            # The services of one process are stopped to be started again.
            ([service()], {"draining": True, "reloading": True}, ""),
            ([service()], {"reloading": True}, ""),
            (
                [service(), service(ready=False, name="rpc")],
                {},
                "no worker is ready of: rpc",
            ),
            ([], {}, "nothing is launched"),
        ],
    )
    def test_the_rule(self, services, what, why) -> None:
        seen = snapshot(*services, **what)
        assert probes.ready(seen).status == (503 if why else 200)
        assert probes.ready(seen).body == {"status": "fail" if why else "pass"}
        assert probes.ready(seen, full=True).body.get("output", "") == why


NOW = 1000.0
FIRST = Respondent(11, "api", 0, 1)
SECOND = Respondent(12, "api", 1, 2)


def check(ok: bool = True, age: float = 1.0, ttl: float = 10, name: str = "db") -> Any:
    return Check(name, ok, "a detail", 1.5, NOW - age, ttl)


class TestHealth:
    """The worst of all checks; what is too old is a warning."""

    @pytest.mark.parametrize(
        ("some", "whole", "each"),
        [
            ([], "pass", []),
            ([check()], "pass", ["pass"]),
            ([check(ok=False)], "fail", ["fail"]),
            ([check(age=11)], "warn", ["warn"]),
            ([check(ok=False, age=11)], "warn", ["warn"]),
            ([check(age=11, ttl=0)], "pass", ["pass"]),
            ([check(), check(ok=False)], "fail", ["pass", "fail"]),
            ([check(), check(age=11)], "warn", ["pass", "warn"]),
        ],
    )
    def test_the_rule(self, some, whole, each) -> None:
        found = zip((FIRST, SECOND), ([one] for one in some), strict=False)
        reply = probes.health(found, NOW, version="5.1")
        assert reply.body["status"] == whole
        assert "version" not in reply.body, "not everybody is told"
        assert reply.status == (503 if whole == "fail" else 200)
        entries = reply.body["checks"].get("db", [])
        assert [one["status"] for one in entries] == each
        assert json.loads(json.dumps(reply.body)) == reply.body

    def test_each_check_has_each_worker(self) -> None:
        some = [check(), check(name="bus")]
        reply = probes.health([(FIRST, some), (SECOND, some)], NOW)
        assert reply.body == {
            "status": "pass",
            "checks": {
                name: [
                    {
                        "status": "pass",
                        "time": "1970-01-01T00:00:01.500+00:00",
                        "componentId": slot,
                    }
                    for slot in ("0", "1")
                ]
                for name in ("db", "bus")
            },
        }

    def test_who_may_know_is_told_everything(self) -> None:
        reply = probes.health(
            [(FIRST, [check(ok=False)]), (Respondent(10), [check(age=11)])],
            NOW,
            full=True,
            version="5.1",
        )
        assert reply.body["version"] == "5.1"
        first, second = reply.body["checks"]["db"]
        assert first["componentId"] == "api/0"
        assert first["pid"] == 11
        assert first["output"] == "a detail"
        assert first["age"] == 1.0
        assert second["componentId"] == "pid 10"
        assert second["output"] == (
            "older than its time to live: it was well, a detail"
        )

    @pytest.mark.parametrize(
        ("ok", "age", "detail", "output"),
        [
            (True, 1.0, "", None),
            (False, 1.0, "cut off", "cut off"),
            (False, 11.0, "", "older than its time to live: it was not well"),
        ],
    )
    def test_what_there_is_to_say(self, ok, age, detail, output) -> None:
        one = Check("db", ok, detail, 1.5, NOW - age, 10)
        reply = probes.health([(FIRST, [one])], NOW, full=True)
        (entry,) = reply.body["checks"]["db"]
        assert entry.get("output") == output
        assert "version" not in reply.body, "nobody has said it"
