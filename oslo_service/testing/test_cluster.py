# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what one process of a cluster runs, on a fake one and a manual clock."""

# ruff: noqa: ARG002 - a periodic task is given a context, wanted or not

import contextlib
import functools
import logging
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from oslo_config import cfg

from oslo_service import cluster, events, fixture, loopingcall, periodic_task, service
from oslo_service._common import instruments
from oslo_service.backend.base import Driver
from oslo_service.clustering import lease_reporter
from oslo_service.periodic_task import InvalidPeriodicTaskArg, PeriodicTasks
from oslo_service.supervisor.subscribers import subscribe
from oslo_service.testing.fake_cluster import FakeCluster
from oslo_service.testing.waiting import LIMIT, until, until_set

pytestmark = pytest.mark.usefixtures("driver")

LEASE = 15


@pytest.fixture
def conf() -> cfg.ConfigOpts:
    """A configuration without files."""
    conf = cfg.ConfigOpts()
    conf([], prog="svc", project="clustered", default_config_files=[])
    return conf


@pytest.fixture
def clock(driver: Driver) -> Iterator[fixture.ClockFixture]:  # noqa: ARG001
    """The time of everything in the test."""
    with fixture.ClockFixture(patience=LIMIT) as clock:
        yield clock


@pytest.fixture
def fake(clock: fixture.ClockFixture) -> Iterator[FakeCluster]:  # noqa: ARG001
    """A cluster."""
    with FakeCluster() as fake:
        yield fake


@pytest.fixture
def told() -> Iterator[list[events.Event]]:
    """What has happened."""
    told: list[events.Event] = []
    unsubscribe = subscribe(told.append)
    yield told
    unsubscribe()


def kinds(told: list[events.Event], kind: type[events.Event]) -> list[Any]:
    """Return the events of a kind."""
    return [event for event in told if isinstance(event, kind)]


class Tasks(PeriodicTasks):
    """Notes the due times that it is run for."""

    def __init__(self, conf: cfg.ConfigOpts, start: float) -> None:
        super().__init__(conf)
        self.start = start
        self.skipping: list[float] = []
        self.running: list[float] = []

    @periodic_task.periodic_task(spacing=10, scope="cluster")
    def skip(self, context: Any) -> None:
        """Note it."""
        self.skipping.append(self._due())

    @periodic_task.periodic_task(spacing=60, scope="cluster", missed="run")
    def run(self, context: Any) -> None:
        """Note it."""
        self.running.append(self._due())

    def _due(self) -> float:
        due = cluster.due_time()
        assert due is not None
        return due - self.start


class Processes:
    """Members that run the same tasks."""

    def __init__(
        self, conf: cfg.ConfigOpts, fake: FakeCluster, clock: fixture.ClockFixture
    ) -> None:
        self._conf, self._fake, self._clock = conf, fake, clock
        self._start = fake.time_of_day
        self._loops: list[loopingcall.DynamicLoopingCall] = []

    def begin(self, *names: str) -> list[Tasks]:
        """Begin some, one after the other."""
        return [self._begin(name) for name in names]

    def _begin(self, name: str) -> Tasks:
        with self._fake.member(name):
            tasks = Tasks(self._conf, self._start)
            loop = loopingcall.DynamicLoopingCall(tasks.run_periodic_tasks, None)
            loop.start()
        self._loops.append(loop)
        self._clock.advance(0)
        return tasks

    def end(self) -> None:
        """End the loops."""
        for loop in self._loops:
            loop.stop()
        for loop in self._loops:
            loop.wait()


@pytest.fixture
def processes(
    conf: cfg.ConfigOpts, fake: FakeCluster, clock: fixture.ClockFixture
) -> Iterator[Processes]:
    """Members that run the same tasks."""
    processes = Processes(conf, fake, clock)
    yield processes
    processes.end()


class TestTasks:
    """A due time is run by one process of the group."""

    def test_by_one_of_three_and_by_the_same_while_that_lives(
        self, processes, clock
    ) -> None:
        one, two, three = processes.begin("one", "two", "three")
        clock.advance(65)
        assert one.skipping == [10, 20, 30, 40, 50, 60]
        assert two.skipping == three.skipping == []

    def test_it_is_told_for_which_due_time(self, processes, clock) -> None:
        (one,) = processes.begin("one")
        assert cluster.due_time() is None
        clock.advance(10)
        assert one.skipping == [10]
        assert cluster.due_time() is None

    def test_where_one_was_killed_another_goes_on_a_lease_later(
        self, processes, clock, fake
    ) -> None:
        one, two = processes.begin("one", "two")
        clock.advance(31)
        fake.member("one").kill()
        clock.advance(LEASE + 1 + 10)
        assert one.skipping == [10, 20, 30]
        assert two.skipping[0] in (40, 50)

    def test_where_one_has_ended_in_order_another_goes_on_at_once(
        self, processes, clock, fake
    ) -> None:
        _, two = processes.begin("one", "two")
        clock.advance(31)
        fake.member("one").leave()
        clock.advance(10)
        assert two.skipping == [40]

    def test_who_is_cut_off_begins_nothing_when_its_lease_is_over(
        self, processes, clock, fake
    ) -> None:
        one, two = processes.begin("one", "two")
        clock.advance(31)
        fake.member("one").cut_off()
        clock.advance(60)
        assert all(due <= 30 + LEASE for due in one.skipping)
        assert not set(one.skipping) & set(two.skipping)
        assert two.skipping[-3:] == [70, 80, 90]

    def test_a_successor_runs_none_before_its_takeover_and_the_skew(
        self, processes, clock, fake
    ) -> None:
        fake.member("one").take("svc")
        (two,) = processes.begin("two")
        clock.advance(19.2)
        fake.member("one").give_back("svc")
        clock.advance(5)
        assert two.skipping == []
        clock.advance(6)
        assert two.skipping == [30]

    def test_the_latest_before_a_takeover_is_run_where_that_is_wanted(
        self, processes, clock, fake
    ) -> None:
        fake.member("one").take("svc")
        (two,) = processes.begin("two")
        clock.advance(100)
        assert two.running == []
        fake.member("one").give_back("svc")
        clock.advance(2)
        assert two.running == [60]
        clock.advance(60)
        assert two.running == [60, 120]

    def test_the_latest_before_the_end_of_an_outage_is_run(
        self, processes, clock, fake
    ) -> None:
        (one,) = processes.begin("one")
        clock.advance(5)
        assert one.running == [0]
        fake.reachable = False
        clock.advance(190)
        assert one.running == [0]
        fake.reachable = True
        clock.advance(5)
        assert one.running == [0, 180]

    def test_an_outage_shorter_than_a_lease_is_nothing(
        self, processes, clock, fake, told
    ) -> None:
        one, two = processes.begin("one", "two")
        clock.advance(18)
        fake.reachable = False
        clock.advance(LEASE / 2)
        fake.reachable = True
        clock.advance(30)
        assert one.skipping == [10, 20, 30, 40, 50]
        assert two.skipping == []
        assert not kinds(told, events.LeadershipLost)
        assert len(kinds(told, events.ClusterUnreachable)) == 2
        assert len(kinds(told, events.ClusterReachable)) == 2

    def test_everything_else_runs_on_while_the_cluster_is_out_of_reach(
        self, conf, fake, clock
    ) -> None:
        class Both(PeriodicTasks):
            ran = 0

            @periodic_task.periodic_task(spacing=10, scope="cluster")
            def shared(self, context: Any) -> None:
                raise AssertionError("it has no cluster")

            @periodic_task.periodic_task(spacing=10)
            def own(self, context: Any) -> None:
                self.ran += 1

        fake.reachable = False
        with fake.member("one"):
            both = Both(conf)
            loop = loopingcall.DynamicLoopingCall(both.run_periodic_tasks, None, True)
            loop.start()
        clock.advance(35)
        assert both.ran == 3
        loop.stop()

    def test_a_server_that_has_forgotten_its_locks_is_believed(
        self, processes, clock, fake, told
    ) -> None:
        one, _ = processes.begin("one", "two")
        clock.advance(31)
        fake.forget()
        clock.advance(4)
        lost = kinds(told, events.LeadershipLost)
        assert [event.member for event in lost] == ["one"]
        assert one.skipping == [10, 20, 30]
        assert fake.holder("svc") is not None

    def test_a_task_that_takes_longer_than_the_lease_keeps_it(
        self, conf, clock, fake, driver
    ) -> None:
        release, begun = driver.event(), driver.event()

        class Long(PeriodicTasks):
            @periodic_task.periodic_task(spacing=10, scope="cluster")
            def long(self, context: Any) -> None:
                begun.set()
                release.wait(LIMIT)

        with fake.member("one"):
            tasks = Long(conf)
            tasks.run_periodic_tasks(None)
            clock.advance(10)
            task = driver.spawn(
                contextvars_of(lambda: tasks.run_periodic_tasks(None)), name="long"
            )
            until_set(begun, "it runs")
            clock.advance(3 * LEASE)
            assert fake.holder("svc") == "one"
            release.set()
            task.wait(LIMIT)

    def test_it_is_run_side_by_side_with_others_too(self, conf, clock, fake) -> None:
        with fake.member("one"):
            tasks = Tasks(conf, fake.time_of_day)
            tasks.run_periodic_tasks_in_parallel(None)
            clock.advance(10)
            tasks.run_periodic_tasks_in_parallel(None)
            assert tasks.skipping == [10]
            tasks.run_periodic_tasks_in_parallel(None)
            assert tasks.skipping == [10]
            with pytest.raises(ValueError, match="skip, run"):
                tasks.run_periodic_tasks_in_parallel(None, processes=1)

    def test_two_objects_of_a_process_do_not_run_a_due_time_twice(
        self, conf, clock, fake
    ) -> None:
        with fake.member("one"):
            both = [Tasks(conf, fake.time_of_day) for _ in range(2)]
            for tasks in both:
                tasks.run_periodic_tasks(None)
            clock.advance(10)
            for tasks in both:
                tasks.run_periodic_tasks(None)
        assert [len(tasks.skipping) for tasks in both] == [1, 0]


def contextvars_of(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return a call in the caller's context."""
    import contextvars

    context = contextvars.copy_context()
    return lambda: context.run(call)


class TestEvents:
    """It is told who leads, and what may have been missed."""

    def test_who_leads_and_who_does_no_more(self, processes, clock, fake, told) -> None:
        processes.begin("one", "two")
        fake.member("one").leave()
        clock.advance(1)
        about = [
            (type(event).__name__, event.name, event.member)
            for event in told
            if isinstance(event, events.LeadershipTaken | events.LeadershipLost)
        ]
        assert about == [
            ("LeadershipTaken", "svc", "one"),
            ("LeadershipLost", "svc", "one"),
            ("LeadershipTaken", "svc", "two"),
        ]

    def test_a_successor_tells_which_due_times_may_have_been_missed(
        self, processes, clock, fake, told
    ) -> None:
        start = fake.time_of_day
        _, two = processes.begin("one", "two")
        clock.advance(32)
        told.clear()
        fake.member("one").kill()
        clock.advance(30)
        (event,) = [
            one
            for one in kinds(told, events.DueTimesMissed)
            if one.task.endswith("Tasks.skip")
        ]
        assert not event.certain
        missed = [due - start for due in event.due_times]
        assert missed[-1] == two.skipping[0] - 10
        assert 30 in missed

    def test_all_of_a_long_outage_are_told(self, processes, clock, fake, told) -> None:
        start = fake.time_of_day
        (one,) = processes.begin("one")
        clock.advance(31)
        fake.reachable = False
        clock.advance(100)
        fake.reachable = True
        told.clear()
        clock.advance(20)
        (event,) = [
            one
            for one in kinds(told, events.DueTimesMissed)
            if one.task.endswith("Tasks.skip")
        ]
        missed = {due - start for due in event.due_times}
        passed = set(range(10, int(one.skipping[-1]), 10))
        expected = passed - set(one.skipping)
        assert expected <= missed
        assert not missed & set(one.skipping)

    def test_what_happens_is_counted_where_somebody_wants_to_know(
        self, processes, clock, fake, monkeypatch
    ) -> None:
        meters = instruments.Meters()
        monkeypatch.setattr(instruments, "meters", lambda: meters)
        processes.begin("one")
        clock.advance(31)
        fake.reachable = False
        clock.advance(30)
        counts = {
            (measure.name, *dict(labels).values()): value
            for (measure, labels), value in meters.counts.items()
            if "Tasks.run" not in dict(labels).get("task", "")
        }
        task = f"{__name__}.Tasks.skip"
        assert counts["cluster_due_times", task, "run"] == 4  # one was due at 40 s
        assert counts["cluster_takeovers", "svc"] == 1
        assert counts["cluster_outages",] == 1
        assert counts["cluster_heartbeats", "confirmed"] == 10
        assert counts["cluster_heartbeats", "failed"] >= 1

    def test_one_that_was_busy_tells_what_it_has_missed_itself(
        self, conf, clock, fake, told
    ) -> None:
        with fake.member("one"):
            tasks = Tasks(conf, fake.time_of_day)
            tasks.run_periodic_tasks(None)
            told.clear()
            clock.advance(40)
            tasks.run_periodic_tasks(None)
        assert tasks.skipping == [40]
        (event,) = kinds(told, events.DueTimesMissed)
        assert event.certain
        assert [due - tasks.start for due in event.due_times] == [10, 20, 30]


class TestDeclaring:
    """What a task can be declared to be."""

    @pytest.mark.parametrize(
        "arguments",
        [
            {"scope": "world"},
            {"scope": "cluster", "missed": "twice"},
            {"missed": "run"},
            {"scope": "cluster", "run_immediately": True},
            {"scope": "host", "run_immediately": True},
        ],
    )
    def test_what_has_no_meaning_is_refused(self, arguments) -> None:
        with pytest.raises(InvalidPeriodicTaskArg, match="task clean"):

            @periodic_task.periodic_task(spacing=10, **arguments)
            def clean(self: Any, context: Any) -> None: ...

    def test_a_task_of_a_process_has_no_due_time(self, conf) -> None:
        found: list[float | None] = []

        class Own(PeriodicTasks):
            @periodic_task.periodic_task(spacing=10, run_immediately=True)
            def own(self, context: Any) -> None:
                found.append(cluster.due_time())

        Own(conf).run_periodic_tasks(None)
        assert found == [None]


class TestWithoutACluster:
    """What is once per cluster is once per host then."""

    def test_a_process_that_is_nobodys_worker_runs_it_and_it_is_said_once(
        self, conf, clock, caplog
    ) -> None:
        from oslo_service.clustering import host

        host._said.set(set())
        caplog.set_level(logging.INFO, "oslo_service.cluster")
        tasks = Tasks(conf, 0.0)
        loop = loopingcall.DynamicLoopingCall(tasks.run_periodic_tasks, None)
        loop.start()
        clock.advance(60)
        loop.stop()
        loop.wait()
        assert len(tasks.skipping) == 6
        said = [one for one in caplog.records if one.name == "oslo_service.cluster"]
        assert [one.levelno for one in said] == [logging.INFO]
        assert "cluster_url" in said[0].getMessage()

    def test_one_that_must_have_one_is_refused(self, conf) -> None:
        from oslo_service import opts

        opts.register_service_opts(conf)
        conf.set_override("cluster_required", True, "oslo_service")
        with pytest.raises(cluster.ClusterOptionError, match="cluster_url"):
            service.ServiceLauncher(conf)
        with pytest.raises(cluster.ClusterOptionError, match="cluster_url"):
            Tasks(conf, 0.0).run_periodic_tasks(None)

    def test_every_key_is_that_of_a_process_that_is_nobodys_worker(self, conf) -> None:
        shards = cluster.partition("volumes", conf)
        assert shards.mine(range(10)) == list(range(10))
        shards.leave()
        leave_the_host()


def leave_the_host() -> None:
    """Have this process be no member any more, and do nothing as one."""
    from oslo_service.clustering import membership

    members = [*membership._members.get().values()]
    membership.retire()
    for one in members:
        assert one._left.wait(LIMIT)
        one.abandon()


class Single(service.ServiceBase):
    """Says what is called."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.said: list[str] = []
        self.driver = driver
        self.end = driver.event()
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin."""
        self.said.append("start")
        self.end.clear()
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """Have it end."""
        self.said.append("stop")
        self.end.set()

    def wait(self) -> None:
        """Wait for the end; it is called again if it returns before stop() does."""
        self.end.wait()
        if self.said[-1] != "ended":
            self.said.append("ended")


class TestSingleService:
    """A service runs in one process of the group."""

    @pytest.fixture
    def pair(
        self, conf: cfg.ConfigOpts, fake: FakeCluster, driver: Driver
    ) -> Iterator[list[tuple[Single, cluster.SingleService]]]:
        """The same service in two processes, of which the first leads."""
        pair = []
        for name in ("one", "two"):
            with fake.member(name):
                inner = Single(driver)
                outer = cluster.SingleService(inner, conf)
                outer.start()
                pair.append((inner, outer))
            if name == "one":
                until(driver, functools.partial(getattr, inner, "said"), "it leads")
        yield pair
        for _, outer in pair:
            outer.stop()

    def test_it_is_started_in_one(self, pair, clock) -> None:
        (one, first), (two, second) = pair
        clock.advance(3 * LEASE)
        assert one.said == ["start"]
        assert two.said == []
        assert first.leads
        assert not second.leads

    def test_where_it_is_stopped_another_has_it_at_once(
        self, pair, clock, driver
    ) -> None:
        (one, first), (two, _) = pair
        first.stop()
        first.wait()
        assert one.said == ["start", "stop", "ended"]
        clock.advance(1)
        until(driver, lambda: two.said == ["start"], "another starts it")

    def test_where_it_may_not_be_held_it_is_stopped_before_the_lease_ends(
        self, pair, clock, driver, fake
    ) -> None:
        (one, _), (two, _) = pair
        clock.advance(3)
        fake.member("one").cut_off()
        clock.advance(2 / 3 * LEASE + 0.1)
        until(driver, lambda: one.said == ["start", "stop", "ended"], "it ends")
        assert two.said == []
        clock.advance(LEASE / 3 + 1)
        until(driver, lambda: two.said == ["start"], "another starts it")

    def test_who_leads_again_starts_it_again(self, pair, clock, driver, fake) -> None:
        (one, _), (two, second) = pair
        fake.member("one").cut_off()
        clock.advance(LEASE + 1)
        until(driver, lambda: two.said == ["start"], "another starts it")
        fake.member("one").reconnect()
        clock.advance(2)
        second.stop()
        second.wait()
        clock.advance(1)
        until(driver, lambda: one.said[3:] == ["start"], "the first starts it again")

    def test_what_it_raises_is_raised_by_wait_and_others_may_lead(
        self, conf, fake, driver, clock
    ) -> None:
        with fake.member("one"):
            inner = Single(driver)
            inner.failure = ValueError("no database")
            outer = cluster.SingleService(inner, conf)
            outer.start()
            with pytest.raises(ValueError, match="no database"):
                outer.wait()
        assert fake.holder("svc.Single") is None

    def test_one_that_was_never_led_ends_at_once(self, pair, driver) -> None:
        (_, _), (two, second) = pair
        second.stop()
        second.wait()
        assert two.said == []

    def test_one_that_is_given_the_lead_while_it_is_stopped_gives_it_back(
        self, conf, fake, driver, clock, monkeypatch
    ) -> None:
        acquire = fake.acquire
        stops: list[cluster.SingleService] = []

        def acquire_while_it_is_stopped(*arguments):
            if stops:
                stops.pop().stop()
            return acquire(*arguments)

        assert fake.member("another").take("svc.Single")
        monkeypatch.setattr(fake, "acquire", acquire_while_it_is_stopped)
        with fake.member("one"):
            inner = Single(driver)
            outer = cluster.SingleService(inner, conf)
            outer.start()
            stops.append(outer)
            fake.member("another").give_back("svc.Single")
            clock.advance(1)
            outer.wait()
        until(driver, lambda: fake.holder("svc.Single") is None, "it is given back")
        assert inner.said == []

    def test_no_parent_waits_for_the_end_of_what_has_ended(
        self, conf, fake, driver, clock, monkeypatch
    ) -> None:
        told: list[str] = []
        parent = types.SimpleNamespace(
            has_parent=lambda: True, tell=lambda what, *_: told.append(what)
        )
        monkeypatch.setattr(lease_reporter, "host", parent)
        keep, ended = fake.keep, driver.event()

        def keep_slowly(*arguments):
            # An answer that comes when the service has ended.
            outer.stop()
            until(driver, lambda: told[-1] == "hold_no_more", "it is told")
            ended.set()
            return keep(*arguments)

        with fake.member("one"):
            inner = Single(driver)
            outer = cluster.SingleService(inner, conf)
            outer.start()
            until(driver, lambda: inner.said == ["start"], "it leads")
            monkeypatch.setattr(fake, "keep", keep_slowly)
            clock.advance(LEASE / 4)
            assert ended.is_set()
            outer.wait()
        assert told[-1] == "hold_no_more"

    def test_it_is_launched_as_any_other(self, conf, driver) -> None:
        inner = Single(driver)
        launcher = service.launch(conf, cluster.SingleService(inner))
        until(driver, lambda: inner.said == ["start"], "it leads")
        launcher.stop()
        assert launcher.wait() == 0
        assert inner.said == ["start", "stop", "ended"]

    def test_what_is_no_service_is_refused(self) -> None:
        with pytest.raises(TypeError, match="ServiceBase"):
            cluster.SingleService(object())  # type: ignore[arg-type]


class TestPartition:
    """Keys are divided among the members."""

    @pytest.fixture(autouse=True)
    def hash_ring(self) -> None:
        """Skip where there is none: it comes with the extra ``cluster``."""
        pytest.importorskip("tooz")

    KEYS = [f"key {number}" for number in range(200)]

    def begin(
        self, conf: cfg.ConfigOpts, fake: FakeCluster, *names: str
    ) -> list[cluster.Partition]:
        """Return what members see."""
        found = []
        for name in names:
            with fake.member(name):
                shards = cluster.partition("volumes", conf)
                shards.join()
                found.append(shards)
        return found

    def mine(self, fake: FakeCluster, name: str, shards: Any) -> list[str]:
        """Return a member's keys."""
        with fake.member(name):
            found: list[str] = shards.mine(self.KEYS)
            return found

    def test_each_key_is_one_members(self, conf, fake, clock) -> None:
        names = ("one", "two", "three")
        shards = dict(zip(names, self.begin(conf, fake, *names), strict=True))
        clock.advance(5)
        found = [self.mine(fake, name, shards[name]) for name in names]
        assert sorted(key for keys in found for key in keys) == sorted(self.KEYS)
        assert all(found)
        with fake.member("one"):
            assert shards["one"].owns(found[0][0])
            assert not shards["one"].owns(found[1][0])

    def test_who_has_left_in_order_has_none_and_the_others_have_all(
        self, conf, fake, clock
    ) -> None:
        one, two = self.begin(conf, fake, "one", "two")
        clock.advance(5)
        fake.member("one").leave()
        clock.advance(4)
        assert self.mine(fake, "two", two) == self.KEYS
        assert self.mine(fake, "one", one) == []

    def test_who_is_killed_has_them_until_its_lease_ends(
        self, conf, fake, clock
    ) -> None:
        _, two = self.begin(conf, fake, "one", "two")
        clock.advance(5)
        fake.member("one").kill()
        clock.advance(LEASE / 2)
        assert len(self.mine(fake, "two", two)) < len(self.KEYS)
        clock.advance(LEASE / 2 + 4)
        assert self.mine(fake, "two", two) == self.KEYS

    def test_who_is_cut_off_has_none_when_its_lease_is_over(
        self, conf, fake, clock
    ) -> None:
        one, two = self.begin(conf, fake, "one", "two")
        clock.advance(5)
        fake.member("one").cut_off()
        clock.advance(LEASE + 4)
        assert self.mine(fake, "one", one) == []
        assert self.mine(fake, "two", two) == self.KEYS
        fake.member("one").reconnect()
        clock.advance(8)
        assert 0 < len(self.mine(fake, "one", one)) < len(self.KEYS)

    def test_a_member_that_the_server_has_forgotten_joins_again(
        self, conf, fake, clock
    ) -> None:
        one, two = self.begin(conf, fake, "one", "two")
        clock.advance(5)
        fake.forget()
        clock.advance(8)
        keys = self.mine(fake, "one", one) + self.mine(fake, "two", two)
        assert sorted(keys) == sorted(self.KEYS)

    def test_changes_are_told(self, conf, fake, clock, driver) -> None:
        found: list[frozenset[str]] = []
        with fake.member("one"):
            shards = cluster.partition(
                "volumes", conf, on_change=lambda one: found.append(one.members)
            )
            shards.join()
        until(driver, lambda: found == [{"one"}], "it is told of itself")
        fake.member("peer").join("svc.volumes")
        clock.advance(3)
        until(driver, lambda: found[1:] == [{"one", "peer"}], "it is told of another")
        fake.member("peer").quit("svc.volumes")
        clock.advance(3)
        until(driver, lambda: found[2:] == [{"one"}], "it is told of a leave")

    def test_who_leaves_is_told_no_change_that_would_have_it_join_again(
        self, conf, fake, clock, driver
    ) -> None:
        found: list[list[str]] = []
        (two,) = self.begin(conf, fake, "two")
        with fake.member("one"):
            shards = cluster.partition(
                "volumes", conf, on_change=lambda one: found.append(one.mine(self.KEYS))
            )
            shards.join()
        clock.advance(5)
        until(driver, lambda: found, "it is told of itself")
        with fake.member("one"):
            shards.leave()
        for _ in range(4):
            clock.advance(4)
        assert self.mine(fake, "two", two) == self.KEYS

    def test_bytes_and_what_has_a_text_can_be_keys(self, conf, fake, clock) -> None:
        one, two = self.begin(conf, fake, "one", "two")
        clock.advance(5)
        for key in (b"key", 7, ("a", 1)):
            owners = 0
            for name, shards in (("one", one), ("two", two)):
                with fake.member(name):
                    owners += shards.owns(key)
            assert owners == 1


class TestHostScope:
    """A process that is nobody's worker runs every due time."""

    def test_each_is_run(self, conf, clock) -> None:
        class Host(PeriodicTasks):
            dues: list[float] = []

            @periodic_task.periodic_task(spacing=10, scope="host")
            def note(self, context: Any) -> None:
                due = cluster.due_time()
                assert due is not None
                self.dues.append(due)

        tasks = Host(conf)
        loop = loopingcall.DynamicLoopingCall(tasks.run_periodic_tasks, None)
        loop.start()
        clock.advance(60)
        loop.stop()
        assert len(tasks.dues) == 6
        assert all(due % 10 == 0 for due in tasks.dues)
        assert tasks.dues == sorted(set(tasks.dues))

    def test_what_fails_is_not_run_again(self, conf, clock) -> None:
        class Host(PeriodicTasks):
            runs = 0

            @periodic_task.periodic_task(spacing=10, scope="host")
            def fail(self, context: Any) -> None:
                self.runs += 1
                raise ValueError("once")

        tasks = Host(conf)
        tasks.run_periodic_tasks(None)
        clock.advance(10)
        with contextlib.suppress(ValueError):
            tasks.run_periodic_tasks(None, raise_on_error=True)
        tasks.run_periodic_tasks(None)
        assert tasks.runs == 1


def test_the_clock_of_one_member_can_be_ahead(fake: FakeCluster) -> None:
    one, other = fake.member("one"), fake.member("other")
    one.set_skew(2.0)
    ahead = one.clocks.time_of_day() - other.clocks.time_of_day()
    assert ahead == pytest.approx(2.0)
    assert other.clocks.time_of_day() == fake.time_of_day
