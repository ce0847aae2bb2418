# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a service does at its start where its cluster cannot be joined."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oslo_service.testing import servers
from oslo_service.testing.waiting import LIMIT

pytestmark = pytest.mark.starts_processes

PROGRAM = """
from oslo_service import backend
backend.bootstrap(argv=[])
import logging, os, sys
from oslo_config import cfg
from oslo_service import cluster, periodic_task, service
CONF = cfg.CONF

class Tasks(periodic_task.PeriodicTasks):
    @periodic_task.periodic_task(spacing=0.1, scope="cluster")
    def shared(self, context):
        print("shared", os.getpid(), cluster.due_time(), flush=True)
    @periodic_task.periodic_task(spacing=0.1, run_immediately=True)
    def own(self, context):
        print("own", flush=True)

class Service(service.Service):
    tasks = None
    def start(self):
        self.tasks = self.tasks or Tasks(CONF)
        self.tg.add_dynamic_timer_args(self.tasks.run_periodic_tasks, [None])
        print("started", flush=True)

logging.basicConfig(level=logging.INFO, stream=sys.stdout)
CONF(sys.argv[2:], project="svc", default_config_files=[])
what = Service()
if sys.argv[1] == "tasks":
    what.tasks = Tasks(CONF)
if sys.argv[1] == "single":
    what = cluster.SingleService(what)
workers = 2 if sys.argv[1] == "workers" else None
sys.exit(service.launch(CONF, what, workers=workers).wait())
"""


class Program:
    """A service, by what is set."""

    def __init__(self, folder: Path, driver: str) -> None:
        self._folder, self._driver = folder, driver
        self._started: list[subprocess.Popen[str]] = []

    def start(self, what: str = "tasks", **options: object) -> subprocess.Popen[str]:
        config = self._folder / f"{len(self._started)}.conf"
        lines = [f"{name} = {value}" for name, value in options.items()]
        config.write_text("\n".join(["[oslo_service]", *lines, ""]), encoding="utf-8")
        program = self._folder / "program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", program, what, "--config-file", config],
            env={**os.environ, "OS_OSLO_SERVICE__BACKEND": self._driver},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def fails(self, what: str = "tasks", **options: object) -> str:
        """Return what it says before it ends, as it cannot start."""
        process = self.start(what, **options)
        text, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 1, text
        return text

    def kill(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def program(tmp_path: Path, driver_name: str) -> Iterator[Program]:
    program = Program(tmp_path, driver_name)
    yield program
    program.kill()


@pytest.mark.parametrize("what", ["tasks", "single", "workers"])
def test_a_scheme_that_there_is_not_is_a_failure(program: Program, what: str) -> None:
    text = program.fails(what, cluster_url="nosuch://user:s3cret@host")
    assert "[oslo_service] cluster_url: nosuch: there is no such scheme" in text
    assert "s3cret" not in text


def test_none_where_there_must_be_one_is_a_failure(program: Program) -> None:
    text = program.fails(cluster_required="true")
    assert "[oslo_service] cluster_url is not set, and cluster_required is" in text


def test_a_password_that_is_refused_is_a_failure(
    program: Program, tmp_path: Path
) -> None:
    if missing := servers.Redis.obstacle():
        pytest.skip(missing)
    home = tmp_path / "redis"
    home.mkdir()
    with servers.Redis(home, password="r1ght") as redis:
        for what, url in (
            ("tasks", f"redis://:wr0ng@127.0.0.1:{redis.port}"),
            ("made in start()", f"redis://127.0.0.1:{redis.port}"),
        ):
            text = program.fails(what, cluster_url=url)
            assert "[oslo_service] cluster_url" in text
            assert "refuses the credentials" in text
            assert "wr0ng" not in text
        url = f"redis://:r1ght@127.0.0.1:{redis.port}"
        process = program.start(cluster_url=url, cluster_lease=5)
        assert process.stdout is not None
        assert any("shared" in line for line in process.stdout)


def test_a_server_that_is_not_there_is_waited_for_and_the_rest_runs(
    program: Program, tmp_path: Path
) -> None:
    if missing := servers.Redis.obstacle():
        pytest.skip(missing)
    home = tmp_path / "redis"
    home.mkdir()
    redis = servers.Redis(home)
    process = program.start(
        cluster_url=f"redis://127.0.0.1:{redis.port}", cluster_lease=5
    )
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if line == "own\n" and "started\n" in seen:
            break
    text = "".join(seen)
    assert "The cluster is out of reach" in text
    assert "shared" not in text
    with redis:
        assert any(line.startswith("shared") for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(LIMIT) == 0
