# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the library measures itself, where somebody wants to know."""

import threading
from collections.abc import Iterator

import pytest
from oslo_config import cfg
from prometheus_client.openmetrics import parser

from oslo_service import periodic_task
from oslo_service._common import instruments
from oslo_service._common.instruments import Measure, Meters, Reading
from oslo_service.admin.metrics import exposition
from oslo_service.admin.metrics.gathering import Gatherer
from oslo_service.admin.metrics.merging import Merger
from oslo_service.groups.members import MembersByProcess
from oslo_service.loops.schedules import FixedInterval
from oslo_service.serving import metering

JOBS = Measure("jobs", "Jobs.")
TOOK = Measure("took_seconds", "How long.")


@pytest.fixture
def meters() -> Iterator[Meters]:
    """Those of a process in which somebody wants to know."""
    instruments.begin()
    found = instruments.meters()
    assert found is not None
    yield found
    instruments._meters.set(None)


def exported() -> dict[str, float]:
    """Return what would be scraped of this process alone."""
    layout, values = Gatherer(library=True).gather()
    merger = Merger()
    merger.measured(1, None, layout.digest, layout.text, values, 1.0)
    text = exposition.text(merger.families()).decode()
    return {
        " ".join(
            [sample.name.removeprefix("oslo_service_"), *sample.labels.values()]
        ): (sample.value)
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


class TestMeters:
    """They count what has happened, from every thread."""

    def test_nobody_has_any_unless_somebody_wants_to_know(self) -> None:
        assert instruments.meters() is None
        assert metering.meter() is None

    def test_nothing_that_threads_count_is_lost(self, meters) -> None:
        def count() -> None:
            for _ in range(2000):
                meters.count(JOBS, (("kind", "x"),))
                meters.took(TOOK, 0.02)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = exported()
        assert found["jobs_total x"] == 8000
        assert found["took_seconds_count"] == 8000
        assert found["took_seconds_sum"] == pytest.approx(160)
        assert found["took_seconds_bucket 0.01"] == 0
        assert found["took_seconds_bucket 0.025"] == 8000
        assert found["took_seconds_bucket +Inf"] == 8000


class TestSubjects:
    """Who measures what."""

    def test_periodic_tasks_are_timed_and_their_failures_counted(self, meters) -> None:
        class Tasks(periodic_task.PeriodicTasks):
            @periodic_task.periodic_task(run_immediately=True, spacing=1)
            def good(self, context):
                pass

            @periodic_task.periodic_task(run_immediately=True, spacing=1)
            def bad(self, context):
                raise RuntimeError("bad")

        Tasks(cfg.ConfigOpts()).run_periodic_tasks(None)
        found = exported()
        assert found["periodic_task_failures_total Tasks.bad"] == 1
        assert "periodic_task_failures_total Tasks.good" not in found
        assert found["periodic_task_duration_seconds_count Tasks.good"] == 1
        assert found["periodic_task_duration_seconds_count Tasks.bad"] == 1

    def test_overruns_are_counted_for_ever(self, meters) -> None:
        schedule = FixedInterval(1.0, "Looping call of a dict", dict)
        schedule.begin(0.0)
        assert schedule.delay(None, 0.5) == 0.5
        assert schedule.delay(None, 5.0) == 0.0
        assert schedule.delay(None, 9.0) == 0.0
        assert schedule.delay(None, 9.5) == 0.5
        assert exported()["loop_overruns_total builtins.dict"] == 2

    def test_requests_are_counted_by_the_class_of_their_status(self, meters) -> None:
        meter = metering.meter()
        assert meter is not None
        for status in ("200 OK", "204 No Content", "500 Oh", ""):
            meter(status, 0.2)
        found = exported()
        assert found["http_requests_total 2xx"] == 2
        assert found["http_requests_total 5xx"] == 1
        assert found["http_requests_total none"] == 1
        assert found["http_request_duration_seconds_count"] == 4

    def test_groups_are_a_pool(self, meters) -> None:
        before = exported().get("pool_size thread groups", 0)
        group = MembersByProcess(7)
        slots = group.here().slots
        assert slots.take()
        found = exported()
        assert found["pool_size thread groups"] == before + 7
        assert found["pool_busy thread groups"] >= 1
        slots.release()


def test_what_several_say_is_added_up_and_who_is_gone_says_nothing() -> None:
    class Server:
        def readings(self) -> list[Reading]:
            return [Reading(JOBS, (("server", "a test's"),), 2)]

    def said() -> list[float]:
        labels = (("server", "a test's"),)
        return [one.value for one in instruments.readings() if one.labels == labels]

    servers = [Server(), Server()]
    for server in servers:
        instruments.add(server)
    assert said() == [4]
    del server, servers
    assert said() == []
