# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers of which one runs a task or a service, and the parent that sees to it."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.live import DAEMON, Live, live

CLUSTERED = DAEMON.with_name("clustered.py")
SIGKILL, SIGSTOP, SIGCONT = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT
LEASE = 2.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def clustered(driver: str, folder: Path, *traits: str, lease: float = LEASE) -> Any:
    """Return a program whose three workers share what it does."""
    return live(
        driver,
        program=CLUSTERED,
        traits=[*traits],
        workers=3,
        gate=str(folder / "gate"),
        settings={"folder": str(folder), "lease": lease},
    )


def due_times(program: Live, scope: str) -> list[float]:
    return [one["due"] for one in program.events("ran", scope=scope)]


class TestTasks:
    """A due time is run by one of the workers."""

    def test_each_by_one_and_none_is_missed_for_a_death(
        self, driver_name: str, folder: Path
    ) -> None:
        with clustered(driver_name, folder) as program:
            program.expect("started", 3)
            program.expect("ran", 5, scope="host")
            program.kill(SIGKILL, program.pids("started")[0])
            program.expect("started", 4)
            program.expect("ran", len(program.events("ran", scope="host")) + 5)
            program.expect("ran", 5, scope="cluster")
            assert program.end() == 0
            for scope in ("host", "cluster"):
                found = Counter(due_times(program, scope))
                assert not [due for due, times in found.items() if times > 1]
            assert program.transcript.count("cluster_url is not set") == 1

    def test_the_parent_tells_what_who_was_paused_or_has_died_had_begun(
        self, driver_name: str, folder: Path
    ) -> None:
        with clustered(driver_name, folder, "cluster", "hangs") as program:
            (paused, *_) = program.expect("hanging")
            program.kill(SIGSTOP, paused["pid"])
            (of_paused, *_) = program.expect("happened", kind="DueTimeInterrupted")
            # Another one takes over, and hangs, too.
            (_, died, *_) = program.expect("hanging", 2)
            program.kill(SIGKILL, died["pid"])
            (_, of_died, *_) = program.expect("happened", 2, kind="DueTimeInterrupted")
            for told, one in ((of_paused, paused), (of_died, died)):
                assert told["pid"] == program.pid
                assert told["of"] == one["pid"]
                assert told["due_time"] == one["due"]
                assert told["task"].endswith("Tasks.of_cluster")
                assert told["paused"] is (one is paused)
            Path(folder / "gate").touch()
            program.until(
                lambda: any(
                    one["pid"] not in (paused["pid"], died["pid"])
                    for one in program.events("ran", scope="cluster")
                ),
                "another goes on",
            )
            latest = max(due_times(program, "cluster"))
            before = len(program.events("ran", scope="cluster", pid=paused["pid"]))
            program.kill(SIGCONT, paused["pid"])
            count = len(program.events("ran", scope="cluster"))
            program.expect("ran", count + 5, scope="cluster")
            begun = program.events("ran", scope="cluster", pid=paused["pid"])[before:]
            assert all(one["due"] > latest for one in begun)
            assert max(Counter(due_times(program, "cluster")).values()) == 1
            assert program.end() == 0


class TestSingleService:
    """A service runs in one worker, and a parent ends one that does not stop."""

    def test_where_a_worker_dies_another_has_it(
        self, driver_name: str, folder: Path
    ) -> None:
        with clustered(driver_name, folder, "single") as program:
            (first, *_) = program.expect("leads")
            program.kill(SIGKILL, first["pid"])
            (_, second, *_) = program.expect("leads", 2)
            assert second["pid"] != first["pid"]
            assert program.end() == 0
            assert program.events("ended", pid=second["pid"])

    def test_it_is_stopped_before_the_lease_ends_and_another_follows(
        self, driver_name: str, folder: Path
    ) -> None:
        with clustered(driver_name, folder, "cluster", "single", lease=6) as program:
            program.expect("leads")
            (folder / "cut").touch()
            program.expect("ended")
            (folder / "cut").unlink()
            program.expect("leads", 2)
            assert not program.events("happened", kind="LeaderKilled")
            assert program.end() == 0

    @pytest.mark.parametrize("traits", [[], ["blocking subscriber"]])
    def test_one_that_does_not_stop_is_killed_by_the_parent(
        self, driver_name: str, folder: Path, traits: list[str]
    ) -> None:
        if traits and driver_name != "threading":
            pytest.skip("a subscriber that blocks lets others run there")
        with clustered(
            driver_name, folder, "cluster", "single", "stubborn", *traits
        ) as program:
            (first, *_) = program.expect("leads")
            if traits:
                program.expect("blocking")
            (folder / "cut").touch()
            program.until(
                lambda: first["pid"] not in program.left(), "the worker is gone"
            )
            assert program.events("stop", pid=first["pid"])
            if not traits:
                (told, *_) = program.expect("happened", kind="LeaderKilled")
                assert told["of"] == first["pid"]
            (folder / "cut").unlink()
            (_, second) = program.expect("leads", 2)[:2]
            (stopped, *_) = program.events("stop", pid=first["pid"])
            assert second["at"] > stopped["at"]

    def test_one_that_does_not_answer_is_killed_by_the_parent(
        self, driver_name: str, folder: Path
    ) -> None:
        with clustered(driver_name, folder, "cluster", "single") as program:
            (first, *_) = program.expect("leads")
            program.kill(SIGSTOP, first["pid"])
            (told, *_) = program.expect("happened", kind="LeaderKilled")
            assert told["of"] == first["pid"]
            program.expect("leads", 2)
            assert program.end() == 0
            assert not program.events("ended", pid=first["pid"])


def test_keys_are_divided_among_workers_without_a_server(
    driver_name: str, folder: Path
) -> None:
    with clustered(driver_name, folder, "sharing") as program:

        def divided(count: int) -> list[dict[str, Any]]:
            """Return the latest that each has said, where they are so many."""
            latest = {one["pid"]: one for one in program.events("shares")}
            found = [one for one in latest.values() if one["members"] == count]
            return found if len(found) == count else []

        program.until(lambda: divided(3), "three share")
        found = divided(3)
        keys = sorted(key for one in found for key in one["keys"])
        assert keys == list(range(100))
        assert all(one["keys"] for one in found)
        assert program.end() == 0
