# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what is shown of the inside of every process."""

import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.live import DAEMON
from oslo_service.testing.test_admin import Site, one_and_two, site

pytestmark = pytest.mark.starts_processes

WORKING = DAEMON.with_name("working.py")
TRAITS = [
    "tracks",
    "loops",
    "has a thread",
    "has an executor",
    "has periodic tasks",
]
#: What each of these is, and is called.
WORK = {
    ("tracked", "live migration"),
    ("tick", "__main__.tick"),
    ("thread", "__main__.block_in_thread"),
    ("call", "__main__.compute"),
    ("periodic task", "Manager.survey"),
}
#: Where each of them is.
PLACES = {"migrate", "tick", "block_in_thread", "compute", "survey"}


def places_in(stacks: Iterable[str]) -> set[str]:
    """Return the functions that stacks lead through."""
    lines = [line for stack in stacks for line in stack.splitlines()]
    return {line.rpartition(", in ")[2].rpartition(".")[2] for line in lines}


def processes(there: Site, path: str, workers: int) -> list[dict[str, Any]]:
    """Return what is shown of those that run the service, when each has answered."""
    found: list[dict[str, Any]] = []

    def all_have() -> bool:
        shown = there.ask(path).data["processes"]
        found[:] = [one for one in shown if workers == 1 or one["worker"] is not None]
        return not any(one["problem"] for one in shown)

    there.program.until(all_have, f"every process answers {path}")
    assert len(found) == workers
    return found


@one_and_two
def test_all_of_it_is_there_with_where_it_is(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    with site(
        driver_name,
        tmp_path,
        program=WORKING,
        workers=workers,
        traits=TRAITS,
        gate=str(tmp_path / "gate"),
    ) as there:
        there.program.expect("surveying", workers)
        there.program.expect("started", workers)
        for path in ("/work", "/work?stacks"):
            for process in processes(there, path, workers):
                work = process["work"]
                assert {(one["kind"], one["name"]) for one in work} == WORK
                ages = [one["age"] for one in work]
                assert ages == sorted(ages, reverse=True)
                assert ages[-1] >= 0
                (tracked,) = [one for one in work if one["kind"] == "tracked"]
                assert (tracked["id"], tracked["limit"]) == ("req-7", 600)
                places = places_in(one.get("stack", "") for one in work)
                assert (places >= PLACES) is ("?" in path), places
        for process in processes(there, "/loops", workers):
            loops = {one["name"]: one for one in process["loops"]}
            assert loops["__main__.tick"]["state"] == "running"
            assert loops["__main__.pause"]["state"] == "pausing"
            assert loops["__main__.pause"]["interval"] == "every 600 s"
            assert loops["__main__.pause"]["next_run"] > 0
        for process in processes(there, "/stacks", workers):
            assert places_in(one["stack"] for one in process["stacks"]) >= PLACES
        for worker in there.workers():
            assert worker["work"]["count"] == len(WORK)
            assert worker["work"]["oldest"] >= 0


#: What is off, or has another default.
LIMITS: dict[str, Any] = {
    "shutdown_delay": 0.5,
    "restart_limit": 7,
    "restart_window": 70.0,
    "start_timeout": 20.0,
    "worker_timeout": 25.0,
    "worker_max_age": 3600.0,
    "worker_max_requests": 5000,
    "worker_max_memory": 1 << 30,
    "worker_jitter": 0.2,
}


@one_and_two
@pytest.mark.parametrize("method", ["reload", "mutate", "rolling"])
def test_limits_are_those_of_the_files_after_a_sighup(
    driver_name: str, workers: int, method: str, tmp_path: Path
) -> None:
    with site(driver_name, tmp_path, workers=workers, restart_method=method) as there:
        there.until_status(200)
        before = there.status()["limits"]
        assert LIMITS.keys() < before.keys()
        lines = [f"{name} = {value}\n" for name, value in LIMITS.items()]
        with there.config.open("a", encoding="ascii") as file:
            file.writelines([*lines, "[DEFAULT]\ngraceful_shutdown_timeout = 50\n"])
        there.program.kill(signal.SIGHUP)
        after = {**before, **LIMITS, "graceful_shutdown_timeout": 50}
        there.program.until(
            lambda: there.status()["limits"] == after, "the new ones are in force"
        )
        there.until_status(200)
        begun = time.monotonic()
        assert there.program.end() == 0
        assert time.monotonic() - begun >= LIMITS["shutdown_delay"]


@one_and_two
def test_so_is_the_one_of_a_stop(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    with site(
        driver_name,
        tmp_path,
        workers=workers,
        restart_method="mutate",
        traits=["hanging wait"],
        options=["[DEFAULT]", "graceful_shutdown_timeout = 0"],
    ) as there:
        there.until_status(200)
        text = there.config.read_text("ascii")
        there.config.write_text(text.replace("timeout = 0", "timeout = 1"), "ascii")
        assert there.post("/reload").status == 200
        there.program.expect("reset", workers)
        assert there.program.end() == 1
        there.program.expect_text("graceful_shutdown_timeout: after 1 s", workers)
