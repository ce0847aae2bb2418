# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what a service depends on is recorded, told and asked."""

import asyncio
import signal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from oslo_service import health
from oslo_service._common import clock
from oslo_service.backend.base import Driver
from oslo_service.monitoring import health_checks
from oslo_service.supervisor.exchange import to_parent
from oslo_service.testing.live import DAEMON, Live, live
from oslo_service.testing.waiting import ended

ASKED = DAEMON.with_name("asked.py")


@pytest.fixture(autouse=True)
def nothing_known() -> Any:
    """Begin, and end, without any value."""
    health_checks._values.get().clear()
    yield
    health_checks._values.get().clear()


class DBError(Exception):
    """What a database raises."""


class TestRecording:
    """What the code of a service says, and what it sees."""

    def test_a_report_counts_until_the_next(self, driver: Driver) -> None:
        ended(driver.spawn(self.report, name="report"), "it is reported")
        (found,) = health_checks.of_process()
        assert (found.name, found.ok, found.detail) == ("database", False, "gone")
        assert found.ttl == 7
        assert found.status(found.at + 7) == "fail"
        assert found.status(found.at + 7.1) == "warn"

    @staticmethod
    def report() -> None:
        health.report("database", True)
        health.report("database", False, "gone", ttl=7)

    def test_the_log_and_the_parent_hear_of_changes_only(
        self, driver: Driver, caplog: pytest.LogCaptureFixture
    ) -> None:
        del driver
        caplog.set_level("INFO", "oslo_service.health")
        with mock.patch.object(to_parent, "tell") as told:
            for ok in (True, True, False, False, True):
                health.report("database", ok, "cut off")
            assert [call.args[1]["ok"] for call in told.mock_calls] == [
                *(True, False, True)
            ]
        assert caplog.messages == [
            "The check database fails: cut off",
            "The check database passes again",
        ]

    def test_what_changes_all_the_time_is_not_told_all_the_time(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del driver
        now = 1000.0
        monkeypatch.setattr(clock, "now", lambda: now)
        with mock.patch.object(to_parent, "tell") as told:
            for _ in range(500):
                health.report("database", True)
                health.report("database", False)
            assert 2 <= told.call_count <= 10
            now += 1
            health.report("database", False)
            assert told.mock_calls[-1].args[1]["ok"] is False

    def test_a_value_may_count_for_ever(self, driver: Driver) -> None:
        del driver
        health.report("licence", True, ttl=0)
        (found,) = health_checks.of_process()
        assert found.status(found.at + 1e9) == "pass"

    def test_what_the_code_sees_is_recorded(self, driver: Driver) -> None:
        del driver

        @health.watch("database", DBError, ttl=9)
        def load(error: Exception | None = None) -> str:
            if error is not None:
                raise error
            return "loaded"

        with pytest.raises(ValueError, match="else"):
            load(ValueError("something else"))
        assert health_checks.of_process() == []
        assert load() == "loaded"
        assert [(one.ok, one.ttl) for one in health_checks.of_process()] == [(True, 9)]
        with pytest.raises(DBError):
            load(DBError("cut off"))
        (found,) = health_checks.of_process()
        assert (found.ok, found.detail) == (False, "DBError: cut off")
        with pytest.raises(ValueError, match="else"):
            load(ValueError("something else"))
        assert not health_checks.of_process()[0].ok

    def test_any_exception_counts_where_none_is_named(self, driver: Driver) -> None:
        del driver
        with pytest.raises(ValueError, match="any"), health.watch("database"):
            raise ValueError("any")
        assert not health_checks.of_process()[0].ok
        with pytest.raises(KeyboardInterrupt), health.watch("keyboard"):
            raise KeyboardInterrupt
        assert [one.name for one in health_checks.of_process()] == ["database"]

    def test_a_coroutine_is_watched_to_its_end(self) -> None:
        @health.watch("database", DBError)
        async def load(*, fail: bool) -> int:
            await asyncio.sleep(0)
            if fail:
                raise DBError
            return 7

        assert asyncio.run(load(fail=False)) == 7
        assert health_checks.of_process()[0].ok
        with pytest.raises(DBError):
            asyncio.run(load(fail=True))
        assert not health_checks.of_process()[0].ok

    def test_what_makes_no_sense_is_refused(self) -> None:
        with pytest.raises(TypeError, match="name of a check"):
            health.report(7, True)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="classes of exceptions"):
            health.watch("database", "DBError")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="number of seconds"):
            health.report("database", True, ttl="7")  # type: ignore[arg-type]
        for ttl in (-1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="0 or more, and finite"):
                health.watch("database", ttl=ttl)


def asked(driver: str, *traits: str, **plan: Any) -> Any:
    settings = {"kinds": ["status", "probes"], "seconds": plan.pop("seconds", 20)}
    return live(driver, program=ASKED, settings=settings, traits=traits, **plan)


def ask(program: Live) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the status, and what probes are answered, now."""
    count = len(program.events("probes")) + 1
    program.kill(signal.SIGUSR1)
    (*_, status) = program.expect("status", count)
    (*_, probes) = program.expect("probes", count)
    return status["found"], probes


def ask_until_ready(program: Live) -> tuple[dict[str, Any], dict[str, Any]]:
    """Likewise, once the parent knows that its workers are ready.

    Asked anew then: a status is older than the probes that came with it.
    """
    program.until(lambda: ask(program)[1]["ready"] == 200, "it is ready")
    return ask(program)


class TestProbes:
    """What orchestrators and monitors are answered."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_all_is_well(self, driver_name: str, workers: int) -> None:
        with asked(driver_name, "reports", workers=workers) as program:
            program.expect("started", workers)
            program.until_waiting()
            status, probes = ask_until_ready(program)
            assert [probes[one] for one in ("live", "ready", "health")] == [200] * 3
            assert probes["body"]["status"] == "pass"
            found = probes["body"]["checks"]
            assert found.keys() == {"database", "catalog"}
            assert [one["status"] for one in found["database"]] == ["pass"] * workers
            assert {key for one in found["database"] for key in one} <= {
                "status",
                "time",
                "componentId",
            }
            (service,) = status["services"]
            assert service["here"] is (workers == 1)
            for worker in service["workers"]:
                assert worker["state"] == "ready"
                assert worker["memory"] > 1_000_000
                assert worker["health"]["checks"]["database"] == "pass"
            assert status["driver"]["name"] == driver_name
            assert program.end() == 0

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_reload_does_not_make_it_unready(
        self, driver_name: str, workers: int, tmp_path: Path
    ) -> None:
        gate = tmp_path / "gate"
        with asked(
            driver_name, "slow reset", workers=workers, gate=str(gate)
        ) as program:
            program.expect("started", workers)
            program.until_waiting()
            ask_until_ready(program)
            program.kill(signal.SIGHUP)
            program.expect("resetting", workers)
            status, probes = ask(program)
            assert probes["ready"] == probes["live"] == 200
            assert status["state"] == "reloading"
            gate.touch()
            program.expect("started", 2 * workers)
            program.kill(signal.SIGTERM)
            assert program.wait() == 0

    def test_what_a_worker_has_told_counts_while_it_hangs(
        self, driver_name: str
    ) -> None:
        with asked(driver_name, "reports", "ill", workers=2, seconds=1) as program:
            pids = [one["pid"] for one in program.expect("started", 2)]
            program.until_waiting()
            assert ask_until_ready(program)[1]["health"] == 503
            program.halt(pids[0])
            status, probes = ask(program)
            found = probes["body"]["checks"]["database"]
            assert [one["status"] for one in found] == ["fail"] * 2
            (service,) = status["services"]
            (stopped,) = [one for one in service["workers"] if one["pid"] == pids[0]]
            assert stopped["problem"] == "no answer"
            assert stopped["work"] is None
            assert stopped["health"]["checks"]["database"] == "fail"
            assert probes["live"] == probes["ready"] == 200
            program.kill(signal.SIGKILL, pids[0])
            program.expect("started", 3)
            status, _ = ask(program)
            restarts = {one["slot"]: one["restarts"] for one in workers_of(status)}
            assert {"unexpected": 1} in restarts.values()
            assert status["restarts"] == 1
            assert program.end() == 0


def workers_of(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for service in status["services"] for one in service["workers"]]
