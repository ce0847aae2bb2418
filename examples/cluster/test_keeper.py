# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of the keeper, in a cluster inside this process, on a clock of the test's."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from keeper import GROUP, OPTIONS, Keeper
from oslo_config import cfg

from oslo_service import fixture, loopingcall
from oslo_service.testing.fake_cluster import FakeCluster

pytestmark = pytest.mark.usefixtures("oslo_service_driver")


@pytest.fixture
def conf(tmp_path: Path) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf.register_opts(OPTIONS, GROUP)
    conf([], prog="keeper", default_config_files=[])
    conf.set_override("folder", str(tmp_path), GROUP)
    return conf


@pytest.fixture
def clock() -> Iterator[fixture.ClockFixture]:
    with fixture.ClockFixture() as clock:
        yield clock


@pytest.fixture
def fake(clock: fixture.ClockFixture) -> Iterator[FakeCluster]:
    with FakeCluster() as fake:
        yield fake


@pytest.fixture
def start(conf: cfg.ConfigOpts, fake: FakeCluster) -> Iterator[Callable[[str], None]]:
    loops = []

    def start(name: str) -> None:
        """Start what a process of the service does."""
        with fake.member(name):
            loop = loopingcall.DynamicLoopingCall(Keeper(conf).run_periodic_tasks, None)
            loop.start()
        loops.append(loop)

    yield start
    for loop in loops:
        loop.stop()


def upload(folder: Path, name: str, at: float) -> Path:
    path = folder / f"{name}.upload"
    path.touch()
    os.utime(path, (at, at))
    return path


def test_old_uploads_are_removed(start, fake, clock, tmp_path) -> None:
    now = fake.time_of_day
    old = upload(tmp_path, "old", now - 100)
    fresh = upload(tmp_path, "fresh", now)
    start("one")
    clock.advance(2)
    assert not old.exists()
    assert fresh.exists()


def test_another_process_goes_on_when_one_is_killed(
    start, fake, clock, tmp_path
) -> None:
    start("one")
    clock.advance(0)
    start("two")
    clock.advance(2)
    fake.member("one").kill()
    old = upload(tmp_path, "old", fake.time_of_day - 100)
    clock.advance(5)
    assert old.exists()
    clock.advance(15)
    assert not old.exists()


def test_the_report_that_was_missed_is_written_when_the_server_is_back(
    start, fake, clock, tmp_path
) -> None:
    start("one")
    clock.advance(6)
    fake.reachable = False
    clock.advance(60)
    (tmp_path / "report").unlink()
    upload(tmp_path, "one", fake.time_of_day)
    fake.reachable = True
    clock.advance(2)
    assert (tmp_path / "report").read_text(encoding="ascii").endswith(" 1\n")
