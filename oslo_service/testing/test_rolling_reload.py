# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: a rolling reload under load, one that succeeds and those that do not."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.http_client import Site, write_options
from oslo_service.testing.live import DAEMON, LIMIT, live
from oslo_service.testing.service_manager import ServiceManager
from oslo_service.testing.test_admin import site
from oslo_service.testing.test_http_lifecycle import Load

pytestmark = pytest.mark.starts_processes

SIGHUP, SIGKILL = signal.SIGHUP, signal.SIGKILL
OPERATED = DAEMON.with_name("operated.py")
WORKERS = 3


class Operated:
    """A program under load, and its configuration file."""

    def __init__(self, site: Site, load: Load, path: Path) -> None:
        self.program = site.program
        self.load = load
        self._path = path
        self.old = self.program.pids("serving")

    def reload(self, text: str) -> None:
        """Have it reload with this in its configuration file."""
        self._path.write_text(text, encoding="ascii")
        self.program.kill(SIGHUP)

    def until_served_by(self, pids: list[int]) -> None:
        """Wait until all of these, and nobody else, answer."""
        self.load.until_answered_by(pids)

    def check(self) -> None:
        """Check that no request was lost."""
        assert self.load.faults == []


@contextlib.contextmanager
def operated(
    driver: str, path: Path, text: str = "[DEFAULT]\nedition = 1\n", **plan: Any
) -> Iterator[Operated]:
    """Run the program, and clients that ask all the time."""
    path.write_text(text, encoding="ascii")
    with live(
        driver,
        program=OPERATED,
        workers=WORKERS,
        restart_method="rolling",
        arguments=["--config-file", str(path)],
        gate=str(path.with_name("gate")),
        **plan,
    ) as program:
        told = program.expect("listening")[0]
        program.expect("serving", WORKERS)
        site = Site(program, (told["host"], told["port"]))
        with Load(site) as load:
            yield Operated(site, load, path)


def test_every_worker_is_replaced_and_no_request_is_lost(
    driver_name: str, tmp_path: Path
) -> None:
    with operated(driver_name, tmp_path / "conf") as one:
        one.reload("[DEFAULT]\nedition = 2\n")
        new = [told["pid"] for told in one.program.expect("serving", 3, edition=2)]
        assert len(one.program.expect("reset", 3, edition=2)) == 3
        one.program.expect("stopped", 3)
        one.until_served_by(new)
        one.check()
        assert one.program.fewest("serving", "stopped", WORKERS) == WORKERS
        # The parent has it, too.
        one.program.kill(SIGKILL, new[0])
        one.program.expect("serving", 4, edition=2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[DEFAULT]\nedition", "stays as it was"),
        ("[DEFAULT]\nnumber = nonsense\n", "number"),
        ("[DEFAULT]\nedition = 2\nstart = raises\n", "start raises as configured"),
        (
            "[DEFAULT]\nedition = 2\nstart = hangs\n[oslo_service]\nstart_timeout=9\n",
            "not ready after 1 s",
        ),
    ],
)
def test_what_does_not_start_changes_nothing(
    driver_name: str, tmp_path: Path, text: str, why: str
) -> None:
    # What is in force until the reload has succeeded.
    limit = 1 if "hangs" in text else 0
    before = f"[DEFAULT]\nedition = 1\n[oslo_service]\nstart_timeout = {limit}\n"
    with operated(driver_name, tmp_path / "conf", before) as one:
        one.reload(text)
        one.program.expect_text(why)
        one.program.until(
            lambda: (
                "The reload failed" in one.program.transcript
                or "stays as it was" in one.program.transcript
            ),
            "it is said",
        )
        one.until_served_by(one.old)
        one.check()
        assert not one.program.events("stopped", edition=1)
        # Whoever comes in the place of one that dies has what that had.
        one.program.kill(SIGKILL, one.old[0])
        one.program.expect("serving", WORKERS + 1, edition=1)


def test_what_was_replaced_gets_back_what_it_had(
    driver_name: str, tmp_path: Path
) -> None:
    with operated(driver_name, tmp_path / "conf") as one:
        one.reload("[DEFAULT]\nedition = 2\nstart = second raises\n")
        one.program.expect_text("The reload failed")
        (tried,) = one.program.expect("serving", 1, edition=2)
        one.program.expect("stopped", pid=tried["pid"])
        back = one.program.expect("serving", WORKERS + 1, edition=1)[-1]
        (replaced,) = one.program.expect("stopped", edition=1)
        one.until_served_by([back["pid"], *(set(one.old) - {replaced["pid"]})])
        one.check()
        assert one.program.fewest("serving", "stopped", WORKERS) == WORKERS
        assert not one.program.events("reset", edition=1)


def test_why_it_has_failed_is_told_to_systemd(driver_name: str, tmp_path: Path) -> None:
    with (
        ServiceManager() as receiver,
        operated(
            driver_name, tmp_path / "conf", environment=receiver.environment
        ) as one,
    ):
        receiver.until("READY=1")
        one.reload("[DEFAULT]\nstart = raises\n")
        receiver.until("RELOADING=1")
        told = receiver.until("READY=1")
        (status,) = [line for line in told if line.startswith("STATUS=")]
        assert f"{WORKERS} workers" in status
        assert "start raises as configured" in status
        one.reload("[DEFAULT]\nedition = 3\n")
        receiver.until("RELOADING=1")
        told = receiver.until("READY=1")
        assert "configured" not in "".join(told)


def test_a_mended_configuration_is_taken_up(driver_name: str, tmp_path: Path) -> None:
    with operated(driver_name, tmp_path / "conf") as one:
        one.reload("[DEFAULT]\nstart = raises\n")
        one.program.expect_text("The reload failed")
        one.reload("[DEFAULT]\nedition = 3\n")
        one.program.expect("serving", 3, edition=3)
        one.program.expect("stopped", 3)
        one.check()


def test_in_one_process_it_is_a_reload_and_that_is_said_once(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", plain=1)
    with live(driver_name, restart_method="rolling", arguments=config) as program:
        program.expect("started")
        program.expect("waiting")
        for edition in (2, 3):
            write_options(tmp_path / "conf", plain=edition)
            program.kill(SIGHUP)
            program.expect("start", plain=edition)
            program.expect("started", edition)
        assert program.end() == 0
        assert program.transcript.count("restart_method='rolling' is 'reload'") == 1


def test_who_orders_it_is_told_why_it_has_failed_when_it_is_taken_back(
    driver_name: str, tmp_path: Path
) -> None:
    with site(
        driver_name,
        tmp_path,
        workers=2,
        traits=["second failing at 9"],
        restart_method="rolling",
        gate=str(tmp_path / "first"),
    ) as there:
        there.until_status(200)
        before = there.until_workers(2)
        with there.config.open("a", encoding="ascii") as file:
            file.write("[DEFAULT]\nplain = 9\n")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "oslo_service", "ctl"),
                *("--socket", str(there.path), "reload"),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 1, done
        assert "start fails at 9, as asked" in done.stdout + done.stderr
        serving = [one for one in there.workers() if one["state"] == "ready"]
        assert [one["generation"] for one in serving] == [0, 0]
        assert there.until_workers(2)[1] == before[1]
        assert len(there.program.events("start", plain=0)) == 3
        assert there.ask("/ready").status == 200
        assert there.program.end() == 0


@pytest.mark.needs_capability("spawn_workers")
def test_workers_that_are_spawned_are_handed_the_values(
    driver_name: str, tmp_path: Path
) -> None:
    config = write_options(tmp_path / "conf", plain=1)
    with live(
        driver_name,
        workers=2,
        traits=["failing at 9"],
        restart_method="rolling",
        start_method="spawn",
        arguments=config,
    ) as program:
        program.expect("waiting")
        program.expect("started", 2)
        write_options(tmp_path / "conf", plain=2)
        program.kill(SIGHUP)
        new = program.expect("start", 2, plain=2)
        program.expect("started", 4)
        program.stopped(2)  # so that the parent has adopted it
        write_options(tmp_path / "conf", plain=9)
        program.kill(SIGHUP)
        program.expect_text("The reload failed")
        program.kill(SIGKILL, new[0]["pid"])
        program.expect("start", 3, plain=2)
        program.expect("started", 5)
        assert program.end() == 0
