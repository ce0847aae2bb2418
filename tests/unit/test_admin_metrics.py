# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What several processes measure, put together."""

import gc
import random
from collections.abc import Iterator

import prometheus_client
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import parser

from oslo_service.admin.metrics import exposition, layout
from oslo_service.admin.metrics.families import Family
from oslo_service.admin.metrics.gathering import Gatherer
from oslo_service.admin.metrics.layout import Layout
from oslo_service.admin.metrics.merging import Merger

COUNTER = Family("jobs", "counter", "Jobs.")
GAUGE = Family("depth", "gauge", "How deep.")


class Parent:
    """Puts together what it is told, as the endpoint does."""

    def __init__(self) -> None:
        self.merger = Merger()
        self.now = 0.0

    def hear(
        self, pid: int, label: str | None, message: bytes, *, final: bool = False
    ) -> None:
        head, values = layout.unpack(message)
        self.now += 1
        self.merger.measured(
            *(pid, label, head["digest"], head["layout"], values, self.now),
            final=final,
        )

    def tell(self, pid: int, label: str | None, **values: float) -> None:
        """Record some values of some families, by their names."""
        families = [
            Family(one.split("__")[0], kind(one), mode=mode(one)) for one in values
        ]
        keys = [
            (one.name, "_total" if one.type == "counter" else "", "")
            for one in families
        ]
        found = Layout(families, keys)
        self.hear(pid, label, layout.pack(found, values.values(), self.merger.known))

    def text(self) -> str:
        return exposition.text(self.merger.families()).decode()

    def samples(self) -> dict[str, float]:
        """Return what is scraped, as a real parser reads it."""
        return {
            sample.name + labels(sample.labels): sample.value
            for family in parser.text_string_to_metric_families(self.text())
            for sample in family.samples
        }


def labels(found: dict[str, str]) -> str:
    return "".join(f" {name}={value}" for name, value in sorted(found.items()))


def kind(name: str) -> str:
    return "gauge" if "__" in name else "counter"


def mode(name: str) -> str:
    return name.partition("__")[2] or "all"


@pytest.fixture
def parent() -> Parent:
    return Parent()


class TestMerging:
    """Counters are added up, gauges as is declared."""

    def test_counters_are_added_up_and_gauges_have_a_label(self, parent) -> None:
        parent.tell(1, "0", jobs=3, depth__all=7)
        parent.tell(2, "1", jobs=4, depth__all=8)
        assert parent.samples() == {
            "jobs_total": 7,
            "depth worker=0": 7,
            "depth worker=1": 8,
        }

    @pytest.mark.parametrize(
        ("mode", "running", "after"),
        [
            ("sum", 12, 12),
            ("livesum", 12, 9),
            ("min", 3, 3),
            ("livemin", 3, 9),
            ("max", 9, 9),
            ("livemax", 9, 9),
            ("mostrecent", 9, 9),
            ("livemostrecent", 9, 9),
        ],
    )
    def test_a_gauge_is_merged_as_it_declares(
        self, parent, mode, running, after
    ) -> None:
        parent.tell(1, "0", **{f"depth__{mode}": 3})
        parent.tell(2, "1", **{f"depth__{mode}": 9})
        parent.tell(1, "0", **{f"depth__{mode}": 3})  # nothing has changed
        assert parent.samples() == {"depth": running}
        parent.merger.gone(1)
        assert parent.samples() == {"depth": after}

    def test_who_has_workers_has_only_counted(self, parent) -> None:
        parent.tell(1, "", jobs=3, depth__all=7, low__min=0)
        parent.tell(2, "0", jobs=4, depth__all=8, low__min=5)
        assert parent.samples() == {"jobs_total": 7, "depth worker=0": 8, "low": 5}

    def test_a_process_on_its_own_has_no_label(self, parent) -> None:
        parent.tell(1, None, jobs=3, depth__all=7)
        assert parent.samples() == {"jobs_total": 3, "depth": 7}

    def test_what_a_worker_has_counted_stays_when_it_is_gone(self, parent) -> None:
        parent.tell(1, "0", jobs=3, depth__all=7)
        parent.merger.gone(1)
        assert parent.samples() == {"jobs_total": 3}
        parent.tell(2, "0", jobs=1, depth__all=2)
        assert parent.samples() == {"jobs_total": 4, "depth worker=0": 2}

    def test_a_layout_is_told_once(self, parent) -> None:
        found = Layout([COUNTER], [("jobs", "_total", "")])
        first = layout.pack(found, [1.0], parent.merger.known)
        parent.hear(1, "0", first)
        second = layout.pack(found, [2.0], parent.merger.known)
        assert len(second) < len(first)
        parent.hear(2, "1", second)
        assert parent.samples() == {"jobs_total": 3}

    def test_a_thousand_deaths_cost_no_memory_and_no_count(self, parent) -> None:
        counted = 0.0
        for number in range(1000):
            parent.tell(number, "0", jobs=number, depth__all=1, extra__max=number)
            assert parent.samples()["jobs_total"] >= counted
            counted = parent.samples()["jobs_total"]
            parent.merger.gone(number)
            assert parent.samples()["jobs_total"] >= counted
        assert counted == sum(range(1000))
        merger = parent.merger
        assert len(merger.sources) == 0
        assert len(merger.known) == 1
        assert len(merger._left) == 2

    @settings(max_examples=40)
    @given(st.integers(0, 10**6))
    def test_counters_never_fall_whatever_happens(self, seed) -> None:
        dice, parent = random.Random(seed), Parent()
        counted: dict[int, dict[str, float]] = {}
        before: dict[str, float] = {}
        for _ in range(60):
            pid = dice.randint(1, 5)
            if dice.random() < 0.3:
                parent.merger.gone(pid)
                counted.pop(pid, None)
            else:
                mine = counted.setdefault(pid, {})
                for name in dice.sample("abcd", dice.randint(1, 4)):
                    mine[name] = mine.get(name, 0.0) + dice.randint(0, 9)
                parent.tell(pid, str(pid), **mine)
            now = parent.samples()
            assert all(now[name] >= value for name, value in before.items())
            before = now


ANSWERS, SPEAKS, ENDS = "answers", "speaks", "ends"
# A worker, and what becomes of it: it answers, or is killed before; it has last
# words, or is killed before.
FATES = [(ANSWERS, SPEAKS, ENDS), (SPEAKS, ENDS), (ANSWERS, ENDS), (ENDS,), (ANSWERS,)]


class TestOrder:
    """What a worker has counted counts once, whenever what it says is taken in."""

    @settings(max_examples=200)
    @given(st.data())
    def test_nothing_is_counted_twice_or_lost(self, data) -> None:
        parent = Parent()
        counted: dict[int, float] = {}
        reported: dict[int, float] = {}
        shown, pid = 0.0, 0
        running: list[int] = []
        for _ in range(data.draw(st.integers(1, 5))):
            for _ in range(data.draw(st.integers(0, 3))):
                pid += 1
                running.append(pid)
                counted[pid] = reported[pid] = 0.0
            parent.merger.asked()
            answers = []
            # What each does, in any order of all of them.
            steps = [
                (one, data.draw(st.sampled_from(FATES), label=f"fate of {one}"))
                for one in running
            ]
            left = {one: list(fate) for one, fate in steps}
            while any(left.values()):
                one = data.draw(st.sampled_from([k for k, v in left.items() if v]))
                counted[one] += 1
                match left[one].pop(0):
                    case "answers":
                        reported[one] = counted[one]
                        answers.append((one, counted[one]))
                    case "speaks":
                        reported[one] = counted[one]
                        self.tell(parent, one, counted[one], final=True)
                    case "ends":
                        running.remove(one)
                        parent.merger.gone(one)
            # Taken in when the question is done: some after the last words, or the end.
            for one, value in data.draw(st.permutations(answers)):
                self.tell(parent, one, value)
            parent.merger.answered()
            found = parent.samples()
            total = found.get("jobs_total", 0.0)
            assert total == sum(reported.values())
            assert total >= shown
            shown = total
            assert len([one for one in found if one.startswith("depth")]) == len(
                running
            )
            assert set(parent.merger.sources) == set(running)

    def test_a_worker_that_ends_when_nobody_asks_is_forgotten(self, parent) -> None:
        self.tell(parent, 1, 3, final=True)
        parent.merger.gone(1)
        assert not parent.merger.sources
        assert parent.samples() == {"jobs_total": 3}

    def tell(
        self, parent: Parent, pid: int, value: float, *, final: bool = False
    ) -> None:
        found = Layout([COUNTER, GAUGE], [("jobs", "_total", ""), ("depth", "", "")])
        parent.hear(pid, str(pid), layout.pack(found, [value, value], []), final=final)


class TestGathering:
    """What is measured with prometheus_client in this process."""

    @pytest.fixture
    def registry(self, monkeypatch) -> prometheus_client.CollectorRegistry:
        found = prometheus_client.CollectorRegistry()
        monkeypatch.setattr(prometheus_client, "REGISTRY", found)
        return found

    def gathered(
        self, gatherer: Gatherer, label: str | None = None, *, asks: bool = True
    ) -> dict[str, float]:
        parent = Parent()
        parent.hear(1, label, gatherer.message([], asks=asks))
        return parent.samples()

    @pytest.fixture
    def uncollected(self) -> Iterator[None]:
        """No garbage is collected meanwhile: the client counts that, too."""
        gc.disable()
        yield
        gc.enable()

    @pytest.mark.usefixtures("uncollected")
    def test_it_is_what_the_client_itself_would_tell(self, registry) -> None:
        measure(registry)
        expected = {
            sample.name + labels(sample.labels): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }
        assert self.gathered(Gatherer()) == expected
        assert len(expected) > 30

    @pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3)])
    def test_a_collector_that_fails_is_left_out(self, registry, caplog, error) -> None:
        class Broken:
            def describe(self):
                return []

            def collect(self):
                raise error

        registry.register(Broken())
        measure(registry)
        gatherer = Gatherer()
        assert self.gathered(gatherer)["plain_total"] == 5
        self.gathered(gatherer)
        assert caplog.text.count("Broken are left out") == 1

    def test_what_was_counted_before_the_fork_is_not_counted_again(
        self, registry
    ) -> None:
        counter = prometheus_client.Counter("jobs", "Jobs.", registry=registry)
        gauge = prometheus_client.Gauge("depth", "Depth.", registry=registry)
        counter.inc(5)
        gauge.set(5)
        gatherer = Gatherer()
        gatherer.begin()
        counter.inc(2)
        assert self.gathered(gatherer) == {"jobs_total": 2, "depth": 5}

    def test_what_users_have_written_is_only_called_when_it_is_to_be_asked(
        self, registry
    ) -> None:
        called = []

        class Outside:
            def collect(self):
                called.append(self)
                yield GaugeMetricFamily("outside", "O.", len(called))

        registry.register(Outside())
        asked = prometheus_client.Gauge("asked", "A.", registry=registry)
        asked.set_function(lambda: called.append(asked) or len(called))
        prometheus_client.Counter("jobs", "Jobs.", registry=registry).inc(5)
        gatherer = Gatherer()
        gatherer.begin()
        assert called == []
        assert self.gathered(gatherer, asks=False) == {"jobs_total": 0}
        told = {"jobs_total": 0, "asked": 1, "outside": 2}
        assert self.gathered(gatherer) == told
        assert self.gathered(gatherer, asks=False) == told, "what they have told last"

    def test_several_processes_agree_with_the_clients_own_sums(self, registry) -> None:
        measure(registry)
        parent = Parent()
        for pid in range(4):
            parent.hear(pid, str(pid), Gatherer().message(parent.merger.known))
        found = parent.samples()
        assert found["plain_total"] == 20
        assert found["took_seconds_bucket le=+Inf"] == 8
        assert found["took_seconds_sum"] == pytest.approx(4 * 2.05)
        assert found["level kind=low worker=2"] == 1.5


def measure(registry: prometheus_client.CollectorRegistry) -> None:
    """Measure something of every type."""
    prometheus_client.Counter("plain", "Plain.", registry=registry).inc(5)
    several = prometheus_client.Counter("several", "S.", ["a", "b"], registry=registry)
    several.labels("x", 'quo"te\\ and\nline').inc()
    several.labels("y", "z").inc(2.5)
    gauge = prometheus_client.Gauge("level", "Level.", ["kind"], registry=registry)
    gauge.labels("low").set(1.5)
    gauge.labels("nan").set(float("nan"))
    gauge.remove("nan")
    gauge.labels("inf").set(float("inf"))
    prometheus_client.Gauge("asked", "A.", registry=registry).set_function(lambda: 4)
    histogram = prometheus_client.Histogram(
        "took", "T.", unit="seconds", registry=registry
    )
    histogram.observe(0.05)
    histogram.observe(2)
    prometheus_client.Summary("size", "Size.", unit="bytes", registry=registry).observe(
        9
    )
    prometheus_client.Info("build", "B.", registry=registry).info({"version": "1"})
    prometheus_client.Enum("phase", "P.", states=["on", "off"], registry=registry)
    prometheus_client.GCCollector(registry=registry)
