# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what workers measure is put together by their parent."""

import signal
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.http_client import Client, get, serving, write_options
from oslo_service.testing.live import DAEMON, Live
from oslo_service.testing.test_admin import one_and_two, site

pytest.importorskip("prometheus_client")
# After that: it is installed.
from prometheus_client.openmetrics import parser

pytestmark = pytest.mark.starts_processes

MEASURED = DAEMON.with_name("measured.py")
DAWDLE = "__main__.dawdle"
LAST_RUN = "oslo_service_loop_last_run_timestamp_seconds"
SIGHUP, SIGKILL = signal.SIGHUP, signal.SIGKILL


read: Any = parser.text_string_to_metric_families


def scraped(path: Path) -> dict[str, float]:
    """Scrape an endpoint; return the values by the names and labels of the series."""
    with Client(str(path)) as client:
        answer = client.ask("/metrics")
    assert answer.status == 200
    assert answer.fields["content-type"].startswith("application/openmetrics-text")
    return {
        sample.name
        + "".join(f" {value}" for _, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in read(answer.body.decode())
        for sample in family.samples
    }


def until(program: Live, path: Path, **wanted: float) -> dict[str, float]:
    """Wait until series have these values; return all of them.

    What a worker measures is not there where it has not answered in time.
    """
    found: dict[str, float] = {}
    series = {name.replace("__", " "): value for name, value in wanted.items()}

    def so() -> bool:
        found.clear()
        found.update(scraped(path))
        return series.items() <= found.items()

    program.until(so, f"what is scraped has {series}")
    return found


@one_and_two
def test_counters_are_added_up_and_gauges_told_apart(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    with site(driver_name, tmp_path, program=MEASURED, workers=workers) as there:
        there.program.expect("started", workers)
        there.until_status(200)
        found = until(there.program, there.path, jobs_total__build=3 * workers)
        assert found["jobs_total prepare"] == 1
        assert found["total"] == 5 * workers
        assert found["took_seconds_bucket 2.0"] == workers
        assert found["took_seconds_sum"] == 1.5 * workers
        pids = {float(pid) for pid in there.program.pids("started")}
        if workers == 1:
            assert {found["depth"]} == pids
        else:
            assert {found["depth 0"], found["depth 1"]} == pids
        assert (found["first"], found["last"]) == (min(pids), max(pids))
        assert there.program.end() == 0


def test_counters_never_fall_whatever_becomes_of_workers(
    driver_name: str, tmp_path: Path
) -> None:
    with site(driver_name, tmp_path, program=MEASURED, workers=2) as there:
        there.until_workers(2)
        # Nobody has scraped them: each hands over its last values.
        there.program.kill(SIGHUP)
        there.program.expect("started", 4)
        found = until(
            *(there.program, there.path), jobs_total__clean=2, jobs_total__build=12
        )
        assert found["total"] == 10
        # What was scraped last stays of one that is killed.
        there.program.kill(SIGKILL, there.until_workers(2)[0])
        there.program.expect("started", 5)
        there.until_workers(2)
        found = until(there.program, there.path, jobs_total__build=15)
        assert found["jobs_total prepare"] == 1
        assert there.program.end() == 0


def test_a_scrape_while_workers_are_replaced_counts_nothing_twice(
    driver_name: str, tmp_path: Path
) -> None:
    rounds = 3
    with site(driver_name, tmp_path, program=MEASURED, workers=2) as there:
        there.until_workers(2)
        for done in range(1, rounds + 1):
            there.program.kill(SIGHUP)
            # Scrapes all the time.
            until(there.program, there.path, jobs_total__clean=2 * done)
            there.until_workers(2)
        for _ in range(2):
            build = 6 * (rounds + 1)
            found = until(there.program, there.path, jobs_total__build=build)
            assert found["jobs_total clean"] == 2 * rounds
        assert there.program.end() == 0


def test_the_library_tells_what_it_knows(driver_name: str, tmp_path: Path) -> None:
    with site(driver_name, tmp_path, program=MEASURED, workers=2) as there:
        pids = there.until_workers(2)
        there.program.kill(SIGKILL, pids[0])
        there.program.expect("started", 3)
        there.until_workers(2)
        there.post("/reload")
        there.until_workers(2)
        service = there.status()["services"][0]["name"]
        found = until(
            there.program, there.path, jobs_total__build=3 * 4
        )  # but for the one that is killed
        assert found["oslo_service_ready"] == 1
        assert found[f"oslo_service_workers {service} ready"] == 2
        assert found[f"oslo_service_workers_wanted {service}"] == 2
        assert found[f"oslo_service_generation {service}"] == 1
        assert found[f"oslo_service_restarts_total unexpected {service}"] == 1
        assert found["oslo_service_reloads_total finished"] == 1
        for name in ("loop_late_seconds", "pool_size thread groups"):
            assert [one for one in found if one.startswith(f"oslo_service_{name}")]
        assert there.program.end() == 0


def overruns(found: dict[str, float]) -> float:
    """Return how often a loop has been late, of which the last call is known, too."""
    last = [one for one in found if one.startswith(f"{LAST_RUN} {DAWDLE}")]
    return found.get(f"oslo_service_loop_overruns_total {DAWDLE}", 0) if last else 0


@one_and_two
def test_what_it_measures_in_workers(
    driver_name: str, workers: int, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with site(
        driver_name,
        tmp_path,
        program=MEASURED,
        workers=workers,
        traits=["busy"],
        gate=str(gate),
    ) as there:
        there.program.expect("started", workers)
        there.until_status(200)
        failures = {"oslo_service_periodic_task_failures_total Chores.drop": workers}
        found = until(there.program, there.path, **failures)
        for task in ("Chores.sweep", "Chores.drop"):
            name = f"oslo_service_periodic_task_duration_seconds_count {task}"
            assert found[name] == workers
        for whose in [""] if workers == 1 else [" 0", " 1"]:
            assert found[f"oslo_service_health_check database{whose}"] == 0
            assert found[f"oslo_service_health_check disk{whose}"] == 1
            assert found[f"oslo_service_health_check_age_seconds disk{whose}"] >= 0
            assert found[f"oslo_service_work tracked{whose}"] == 1
            assert found[f"oslo_service_work_oldest_seconds tracked{whose}"] >= 0
            assert found[f"oslo_service_pool_busy thread groups{whose}"] >= 0
        there.program.until(
            lambda: overruns(scraped(there.path)) >= workers,
            "overruns are counted by the name that the loop has everywhere",
        )
        gate.touch()
        assert there.program.end() == 0


def test_what_a_server_is_at_work_on(driver_name: str, tmp_path: Path) -> None:
    path, gate = tmp_path / "admin.sock", tmp_path / "gate"
    config = write_options(tmp_path / "conf", "oslo_service", admin_socket=path)
    with (
        serving(
            driver_name,
            arguments=config,
            settings={"pool_size": 1},
            gate=str(gate),
        ) as web,
        web.client() as first,
        web.client() as second,
    ):
        first.send(get("/gate"))
        web.program.expect("in the application")
        second.send(get("/gate"))
        found = until(web.program, path, oslo_service_http_queue__web=1)
        assert found["oslo_service_http_requests_in_progress web"] == 1
        assert found["oslo_service_http_connections web"] == 2
        assert found["oslo_service_pool_size web"] == 1
        assert found["oslo_service_pool_busy web"] == 1
        assert found["oslo_service_pool_waiting web"] == 1
        gate.touch()
        assert [one.answer().status for one in (first, second)] == [200, 200]
        found = until(web.program, path, oslo_service_http_requests_total__2xx=2)
        assert found["oslo_service_http_requests_in_progress web"] == 0
        assert found["oslo_service_http_queue web"] == 0
        assert web.program.end() == 0


def test_requests_are_counted(driver_name: str, tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    config = write_options(tmp_path / "conf", "oslo_service", admin_socket=path)
    with serving(driver_name, workers=2, arguments=config) as web:
        with web.client() as client:
            for _ in range(5):
                assert client.ask("/").status == 200
            # Counted when they have been answered.
            found = until(web.program, path, oslo_service_http_requests_total__2xx=5)
        assert found["oslo_service_http_request_duration_seconds_count"] == 5
        connections = [
            value
            for name, value in found.items()
            if name.startswith("oslo_service_http_connections ")
        ]
        assert sum(connections) == 1
        assert web.program.end() == 0


@pytest.mark.parametrize("trait", ["blocks", "exits"])
def test_a_collector_is_not_called_before_anybody_scrapes(
    driver_name: str, trait: str, tmp_path: Path
) -> None:
    with site(
        driver_name,
        tmp_path,
        program=MEASURED,
        workers=2,
        traits=["collects", trait],
        gate=str(tmp_path / "gate"),
    ) as there:
        there.until_workers(2)
        assert there.program.end() == 0


def test_a_collector_that_blocks_holds_up_neither_a_worker_nor_the_end(
    driver_name: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with site(
        driver_name,
        tmp_path,
        program=MEASURED,
        workers=2,
        traits=["collects"],
        gate=str(gate),
    ) as there:
        pids = there.until_workers(2)
        found = until(there.program, there.path, jobs_total__build=6)
        asked = {one for one in found if one.startswith("outside ")}
        assert {int(one.split()[1]) for one in asked} == set(pids), "not of the parent"
        gate.unlink()
        with Client(str(there.path)) as client:
            client.send(get("/metrics"))
            there.program.kill(SIGKILL, pids[0])
            there.program.expect("started", 3)
            assert client.answer().status == 200
        there.until_workers(2)
        assert there.program.end() == 0


@pytest.mark.needs_capability("spawn_workers")
def test_spawned_workers_answer_too(driver_name: str, tmp_path: Path) -> None:
    with site(
        driver_name, tmp_path, program=MEASURED, workers=2, start_method="spawn"
    ) as there:
        there.until_workers(2)
        there.program.until(
            lambda: [one["problem"] for one in there.workers()] == [None, None],
            "both answer",
        )
        until(there.program, there.path, jobs_total__build=6)
        there.program.kill(SIGHUP)
        there.program.expect("started", 4)
        until(there.program, there.path, jobs_total__clean=2, jobs_total__build=12)
        assert there.program.end() == 0
