# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Real services of OpenStack on this library: started, reloaded, stopped.

All they need is SQLite and the transport of oslo.messaging that is a memory.
"""

import contextlib
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from oslo_service.testing.live import Live

from environments import make, unpacked
from places import surroundings
from projects import by_name

__all__ = ("show",)

#: The most seconds that any step may take.
LIMIT = 180.0


@dataclass(frozen=True)
class Daemon:
    """A service.

    :ivar project: the project that it belongs to.
    :ivar program: what is started.
    :ivar sync: what makes the database's tables: commands.
    :ivar settings: lines of its configuration file, in the group DEFAULT.
    :ivar registered: asks the database for those that are up.
    :ivar workers: how many processes serve; 1 is without a parent.
    :ivar groups: the other groups of its configuration file.
    :ivar together: whether all workers are registered as one.
    :ivar serving: what its log says of the address at which it answers requests: a
        regular expression with a group; None: it does not.
    """

    project: str
    program: str
    sync: tuple[tuple[str, ...], ...]
    settings: str
    registered: str
    workers: int = 1
    groups: str = ""
    together: bool = False
    serving: str | None = None

    @property
    def processes(self) -> int:
        """How many processes there are in all."""
        return self.workers if self.workers == 1 else 1 + self.workers

    @property
    def registrations(self) -> int:
        """How many of them the database knows."""
        return 1 if self.together else self.workers


_CELL_0 = "sqlite:///{place}/cell_0.sqlite"
DAEMONS = (
    Daemon(
        "cinder",
        "cinder-scheduler",
        sync=(("cinder-manage", "db", "sync"),),
        # Its start() waits a minute for others, of which there are none here.
        settings="state_path = {place}\nscheduler_driver_init_wait_time = 1\n",
        registered="SELECT count(*) FROM services",
    ),
    Daemon(
        "heat",
        "heat-engine",
        sync=(("heat-manage", "db_sync"),),
        settings="num_engine_workers = 2\nenvironment_dir = {place}/empty\n"
        "template_dir = {place}/empty\nplugin_dirs =\n"
        "auth_encryption_key = 0123456789abcdef0123456789abcdef\n",
        registered="SELECT count(*) FROM service WHERE deleted_at IS NULL",
        workers=2,
    ),
    Daemon(
        "watcher",
        "watcher-applier",
        sync=(("watcher-db-manage", "create_schema"),),
        settings="state_path = {place}\n",
        registered="SELECT count(*) FROM services WHERE deleted = 0",
    ),
    Daemon(
        "nova",
        "nova-conductor",
        sync=(
            ("nova-manage", "api_db", "sync"),
            ("nova-manage", "cell_v2", "map_cell0", "--database_connection", _CELL_0),
            ("nova-manage", "db", "sync"),
        ),
        settings="state_path = {place}\n",
        registered="SELECT count(*) FROM services WHERE deleted = 0",
        workers=2,
        # Whom it would ask for resources is not there, and is not asked.
        groups="[conductor]\nworkers = 2\n"
        "[api_database]\nconnection = sqlite:///{place}/api.sqlite\n"
        "[placement]\nauth_type = none\nendpoint_override = http://127.0.0.1:9/\n",
        together=True,
    ),
    Daemon(
        "murano",
        "murano-api",
        sync=(("murano-db-manage", "upgrade"),),
        # It hands the pool of its group to Eventlet's server.
        settings="bind_host = 127.0.0.1\nbind_port = 0\n",
        registered="SELECT count(*) FROM apistats",
        groups="[murano]\napi_workers = 1\n"
        "[paste_deploy]\nconfig_file = {source}/etc/murano/murano-paste.ini\n",
        serving=r"wsgi starting up on (http://\S+)",
    ),
)
_COMMON = """\
[DEFAULT]
host = here
debug = false
transport_url = fake://
{settings}
[database]
connection = sqlite:///{database}

[oslo_concurrency]
lock_path = {place}

{groups}
"""
# What SQLite may tell a process that has read, and would write while another
# does: it does not wait then, and services take it for a failure.
_LOCKED = "database is locked"
_ATTEMPTS = 5
# How many lines of a log are shown where something failed.
_TELLING = 60
_RELOADED = "Option DEFAULT.debug changed from [false] to [true]"


def show() -> bool:
    """Run every service in every way that its project knows; tell if all is well."""
    good = [
        _show(daemon, variant, environment)
        for daemon in DAEMONS
        for variant, environment in by_name(daemon.project).variants.items()
    ]
    return all(good)


def _show(daemon: Daemon, variant: str, environment: Mapping[str, str]) -> bool:
    print(f"{daemon.program}, {variant}, {daemon.workers} serving:", flush=True)
    for _ in range(_ATTEMPTS):
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as place:
                for step in _life(daemon, Path(place), environment):
                    print(f"  {time.monotonic() - started:6.1f} s  {step}", flush=True)
        except AssertionError as exc:
            if _LOCKED in str(exc) and daemon.workers > 1:
                print(f"  SQLite: {_LOCKED}; once more", flush=True)
                continue
            print(f"  FAILED: {_abridged(str(exc))}")
            return False
        return True
    print(f"  FAILED: {_ATTEMPTS} times")
    return False


def _abridged(text: str) -> str:
    """Leave out of a log what is not likely to tell why."""
    lines = [line for line in text.splitlines() if " DEBUG " not in line]
    return "\n".join([*lines[:1], *lines[1:][-_TELLING:]])


def _life(daemon: Daemon, place: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Take a service from nothing to its end; give each step that is done."""
    project = by_name(daemon.project)
    python = make(project, "ours")
    database, file = place / "database.sqlite", place / "service.conf"
    (place / "empty").mkdir()
    text = _COMMON.format(
        settings=daemon.settings.format(place=place),
        groups=daemon.groups.format(place=place, source=unpacked(project)),
        database=database,
        place=place,
    )
    file.write_text(text, "ascii")
    options = ("--config-file", str(file))
    for program, *arguments in daemon.sync:
        line = [program, *options, *(one.format(place=place) for one in arguments)]
        _run(python, line, environment)
    yield "its tables are made"
    with (
        _told(place) as (address, told),
        _started(
            python, daemon, options, {**environment, "NOTIFY_SOCKET": address}
        ) as process,
    ):
        _expect(told, b"READY=1", process)
        yield "it has told the init system that it is ready"
        process.until(
            lambda: _count(database, daemon.registered) == daemon.registrations,
            "it is registered in its database",
        )
        assert len(process.left()) == daemon.processes, process.left()
        yield f"it is registered, and runs in {daemon.processes} processes"
        if daemon.serving is not None:
            yield f"it answers a request with {_ask(process, daemon.serving)}"
        before = set(process.left())
        file.write_text(text.replace("debug = false", "debug = true"), "ascii")
        process.kill(signal.SIGHUP)
        process.expect_text(_RELOADED, daemon.processes)
        assert set(process.left()) == before, "the processes have been replaced"
        yield "SIGHUP: each process has read its configuration again, and stays"
        if daemon.serving is not None:
            yield f"it answers a request with {_ask(process, daemon.serving)}"
        status = process.end()
        assert status == 0, f"its status is {status}\n{process.transcript}"
        assert "Traceback" not in process.transcript, process.transcript
        yield "SIGTERM: status 0, nothing is left, no traceback in its log"


def _ask(process: Live, serving: str) -> int:
    """Send a request to where a service says that it serves; give the status."""
    process.until(lambda: re.search(serving, process.transcript), "it serves")
    (address,) = re.findall(serving, process.transcript)
    try:
        with urllib.request.urlopen(address, timeout=LIMIT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError as exc:
        raise AssertionError(f"{exc}\n{process.transcript}") from None


def _run(python: Path, line: list[str], environment: Mapping[str, str]) -> None:
    program, *arguments = line
    done = subprocess.run(
        [python, python.with_name(program), *arguments],
        capture_output=True,
        text=True,
        env=surroundings(**environment),
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _started(
    python: Path,
    daemon: Daemon,
    options: tuple[str, ...],
    environment: Mapping[str, str],
) -> Iterator[Live]:
    program = str(python.with_name(daemon.program))
    process = Live(
        [program, *options], dict(environment), python=str(python), limit=LIMIT
    )
    try:
        yield process
    finally:
        process.clean_up()


@contextlib.contextmanager
def _told(place: Path) -> Iterator[tuple[str, socket.socket]]:
    """Stand in for systemd, for what services tell it: sd_notify(3)."""
    address = str(place / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(address)
        told.settimeout(LIMIT)
        yield address, told


def _expect(told: socket.socket, message: bytes, process: Live) -> None:
    try:
        while message not in told.recv(4096).splitlines():
            pass
    except TimeoutError:
        raise AssertionError(f"never told: {message!r}\n{process.transcript}") from None


def _count(database: Path, query: str) -> int:
    with contextlib.closing(sqlite3.connect(database, timeout=LIMIT)) as connection:
        (number,) = connection.execute(query).fetchone()
    return int(number)
