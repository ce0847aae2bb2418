# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The unit files that are shipped, run by systemd itself.

By an instance of it such as each user has, with directories of its own: nothing of
the machine's is touched. Where that is not possible, the tests are skipped.
"""

import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oslo_service.testing.http_client import Client
from oslo_service.testing.live import children, die_with_the_tests
from oslo_service.testing.waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "examples" / "systemd"
SYSTEMD = Path("/lib/systemd/systemd")
SERVICES = {"threading": "stock-api.service", "eventlet": "stock-api-eventlet.service"}
# systemd runs only where this directory is: one that no other process sees.
BOOTED = (
    "mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system &&"
    f" exec {SYSTEMD} --user --log-target=console"
)
# What is different here: the place, the user, and the patience.
HERE = """\
[Service]
DynamicUser=no
StateDirectory=
WorkingDirectory={directory}
Environment=OS_STOCK__PORT={port} OS_STOCK__WORKERS=2
Environment=OS_OSLO_SERVICE__WORKER_TIMEOUT=2
WatchdogSec=2
WatchdogSignal=SIGKILL
Restart=always
RestartSec=0
TimeoutStopSec=1
"""


def units():
    """Return the files that any systemd reads: of what is newer, the oldest variant."""
    return [*UNITS.glob("*.socket"), *(UNITS / "252").glob("*.service")]


def without_sandbox(unit):
    """Return a unit that a user's systemd can run: it has nothing to take away."""
    before, _, after = unit.partition("# What it does not need, it cannot do")
    return before + after[after.find("[Install]") :] if after else unit


class Manager:
    """An instance of systemd."""

    def __init__(self, directory):
        self.port = free_port()
        self.log = directory / "log"
        self.units = directory / "units"
        self.write_units(directory)
        runtime = directory / "run"
        runtime.mkdir(mode=0o700)
        (runtime / "systemd").mkdir()
        self.private = runtime / "systemd" / "private"
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(runtime),
            "SYSTEMD_UNIT_PATH": f"{self.units}:",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "sh", "-c", BOOTED],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # It ends what it has started, too.
                preexec_fn=functools.partial(  # noqa: PLW1509 - it takes no lock
                    die_with_the_tests, signal.SIGTERM
                ),
            )

    def write_units(self, directory):
        self.units.mkdir()
        here = HERE.format(directory=directory, port=self.port)
        for path in units():
            text = without_sandbox(path.read_text(encoding="ascii"))
            for there, replacement in (
                ("/opt/stock-api/bin/python", f"{sys.executable} -W ignore"),
                ("/opt/stock-api", str(ROOT / "examples")),
                ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
            ):
                text = text.replace(there, replacement)
            (self.units / path.name).write_text(text, encoding="ascii")
            if path.suffix == ".service":
                additions = self.units / f"{path.name}.d"
                additions.mkdir()
                (additions / "here.conf").write_text(here, encoding="ascii")

    def until(self, condition, what):
        end = time.monotonic() + LIMIT
        while not (result := condition()):
            assert time.monotonic() < end, f"{what}\n{self.log.read_text()}"
            time.sleep(0.02)
        return result

    def control(self, *arguments):
        return subprocess.run(
            ["systemctl", "--user", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        ).stdout.strip()

    def show(self, unit, name):
        return self.control("show", unit, "--value", f"--property={name}")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.process.wait(LIMIT)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def driver_name(driver_name):
    if driver_name not in SERVICES:
        pytest.skip(f"there is no unit file for {driver_name}")
    return driver_name


@pytest.fixture
def manager(tmp_path):
    for name in ("unshare", "systemctl", SYSTEMD):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed: see Debian's package systemd")
    # Two of them, which run units of the same names, have one cgroup for both of them:
    # what one signals, or kills, is the other's, too.
    with Path(__file__).open(encoding="utf-8") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        manager = Manager(tmp_path)
        try:
            manager.until(
                lambda: manager.private.exists() or manager.process.poll() is not None,
                "systemd runs, or ends",
            )
            if manager.process.poll() is not None:
                pytest.skip(f"systemd does not run here: {manager.log.read_text()}")
            yield manager
        finally:
            manager.end()


def test_a_service_lives_as_its_unit_says(driver_name, manager):
    unit = SERVICES[driver_name]

    def status():
        return manager.show(unit, "StatusText")

    # It is up when it says so, and serves with the socket of its unit.
    manager.control("start", unit)
    parent = int(manager.show(unit, "MainPID"))
    assert status() == "2 workers, 0 restarts"
    with Client(("127.0.0.1", manager.port)) as client:
        assert client.ask("/items").status == 200
    # A reload is over when every worker was replaced.
    before = set(children(parent))
    manager.control("reload", unit)
    manager.until(lambda: not before & set(children(parent)), "workers are replaced")
    manager.until(
        lambda: manager.show(unit, "ActiveState") == "active", "systemd is told so"
    )
    # A worker that dies is counted, and the service goes on.
    os.kill(children(parent)[0], signal.SIGKILL)
    manager.until(lambda: status() == "2 workers, 1 restart", "the restart is told")
    # So is one that hangs, as worker_timeout is on.
    os.kill(children(parent)[0], signal.SIGSTOP)
    manager.until(lambda: status() == "2 workers, 2 restarts", "it is replaced")
    # The watchdog is fed; once the parent hangs, it is not.
    fed = manager.show(unit, "WatchdogTimestampMonotonic")
    manager.until(
        lambda: manager.show(unit, "WatchdogTimestampMonotonic") != fed, "it is fed"
    )
    assert manager.show(unit, "NRestarts") == "0"
    os.kill(parent, signal.SIGSTOP)
    manager.until(lambda: manager.show(unit, "NRestarts") == "1", "it is started anew")
    manager.until(lambda: status() == "2 workers, 0 restarts", "it is up again")
    assert int(manager.show(unit, "MainPID")) != parent
    # A stop is in order.
    manager.control("stop", unit)
    assert manager.show(unit, "ExecMainStatus") == "0"
    assert manager.show(unit, "Result") == "success"


def test_a_service_that_drains_is_given_more_time_than_its_unit_says(
    driver_name, manager
):
    unit = SERVICES[driver_name]
    manager.control("start", unit)
    with Client(("127.0.0.1", manager.port)) as client:
        # The body is longer than is read ahead, and does not come to its end.
        client.send(
            b"POST /items HTTP/1.1\r\nHost: test\r\nX-Auth-Token: sesame\r\n"
            b"Content-Length: 10\r\n\r\n{"
        )
        stopping = subprocess.Popen(
            ["systemctl", "--user", "stop", unit], env=manager.environment
        )
        with stopping:
            manager.until(
                lambda: manager.show(unit, "StatusText").startswith("stopping"),
                "it stops",
            )
            begun = time.monotonic()
            manager.until(lambda: time.monotonic() > begun + 2.0, "TimeoutStopSec ends")
            client.send(b'"a": "b"}')
            assert client.answer().status == 400
            assert stopping.wait(LIMIT) == 0
    assert manager.show(unit, "Result") == "success"
