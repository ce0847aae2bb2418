# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what probes are answered over HTTP, whatever becomes of workers."""

import signal
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.http_client import Client
from oslo_service.testing.live import DAEMON
from oslo_service.testing.test_admin import Site, one_and_two, site

pytestmark = pytest.mark.starts_processes

ASKED = DAEMON.with_name("asked.py")
#: What everybody may be told of a check.
PUBLIC = {"status", "time", "componentId"}


@one_and_two
@pytest.mark.parametrize(
    ("traits", "settings", "status", "code"),
    [
        (["reports"], {}, "pass", 200),
        (["reports"], {"ttl": 0.01}, "warn", 200),
        (["reports", "ill"], {}, "fail", 503),
        (["reports", "ill"], {"ttl": 0.01}, "warn", 200),
    ],
)
def test_health_is_the_worst_of_all_checks(
    driver_name: str,
    workers: int,
    traits: list[str],
    settings: dict[str, Any],
    status: str,
    code: int,
    tmp_path: Path,
) -> None:
    public = tmp_path / "public.sock"
    with site(
        driver_name,
        tmp_path,
        program=ASKED,
        workers=workers,
        traits=traits,
        settings=settings,
        options=[f"admin_address = {public}"],
    ) as there:
        there.program.expect("started", workers)
        found = until_health(there, status, workers)
        assert found.status == code
        assert found.fields["content-type"] == "application/health+json"
        assert found.data["version"]
        for check in found.data["checks"]["database"]:
            assert "as it is" in check["output"]
        with Client(str(public)) as client:
            told = client.ask("/health")
        assert told.status == code
        assert told.data.keys() == {"status", "checks"}
        checks = [one for some in told.data["checks"].values() for one in some]
        assert {key for one in checks for key in one} <= PUBLIC
        assert b"as it is" not in told.body
        assert there.program.end() == 0


def until_health(there: Site, status: str, workers: int) -> Any:
    """Wait until every worker is so, and the service as a whole."""
    found: list[Any] = []

    def so() -> bool:
        found[:] = [there.ask("/health")]
        body = found[0].data
        checks = [one["status"] for one in body["checks"].get("database", [])]
        return body["status"] == status and checks == [status] * workers

    there.program.until(so, f"the health of {workers} workers is {status}")
    return found[0]


def test_neither_notices_one_that_hangs(driver_name: str, tmp_path: Path) -> None:
    with site(
        driver_name,
        tmp_path,
        workers=2,
        traits=["blocking handler"],
        gate=str(tmp_path / "gate"),
        options=["worker_timeout = 3"],
    ) as there:
        first, second = there.until_workers(2)
        there.program.until_handled(signal.SIGUSR1, first)
        there.program.kill(signal.SIGUSR1, first)
        there.program.expect("blocking")
        seen: set[str] = set()

        def replaced() -> bool:
            for path in ("/live", "/ready"):
                assert there.ask(path).status == 200, path
            workers = there.workers()
            seen.update(one["state"] for one in workers if one["pid"] == first)
            return first not in [one["pid"] for one in workers]

        there.program.until(replaced, "the one that hangs is replaced")
        assert {"ready", "hung"} <= seen
        new, other = there.until_workers(2)
        assert other == second
        assert new != first
        assert there.workers()[0]["restarts"] == {"hung": 1}
        (hung,) = [
            one
            for one in there.ask("/events").data["events"]
            if one["event"] == "WorkerHung"
        ]
        assert (hung["pid"], hung["worker"]) == (first, 0)
        assert " in block" in hung["stacks"]
        service = there.status()["services"][0]["name"]
        line = f'oslo_service_hangs_total{{service="{service}"}} 1'
        assert line in there.ask("/metrics").body.decode()
        assert there.program.end() == 0


def test_a_service_that_cannot_be_kept_up_is_not_ready_until_it_can(
    driver_name: str, tmp_path: Path
) -> None:
    with site(driver_name, tmp_path, workers=2, traits=["failing at 9"]) as there:
        there.until_workers(2)
        good = there.config.read_text("ascii")
        there.config.write_text(f"{good}[DEFAULT]\nplain = 9\n", "ascii")
        assert there.post("/reload").status == 409
        there.until_status(503)
        answer = there.ask("/ready")
        assert answer.data["output"].startswith("no worker is ready of: ")
        assert there.ask("/live").status == 200
        there.config.write_text(good, "ascii")
        assert there.post("/reload").status == 200
        assert there.ask("/ready").status == 200
        assert there.program.end() == 0
