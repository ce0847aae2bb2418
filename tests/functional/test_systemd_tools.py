# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""With the programs of systemd itself, and the unit files that are shipped."""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import opts
from oslo_service.testing.http_client import Client, get
from oslo_service.testing.live import WEB, Live, live
from oslo_service.testing.service_manager import ServiceManager
from oslo_service.testing.waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "examples" / "systemd"
EXAMPLE = ROOT / "examples" / "json_api"
SERVICES = sorted(UNITS.rglob("*.service"))
SOCKET = "stock-api.socket"
BACKEND = "OS_OSLO_SERVICE__BACKEND"


def name_of(path):
    """Name a unit in the name of a test."""
    return f"{path.parent.name}-{path.stem}"


def tool(name):
    """Return a program of systemd's."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: it is in Debian's package systemd")
    return path


class TestNotify:
    """systemd-notify(1) and ours understand each other."""

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [(["--ready"], 0), (["--ready", "--status=4 workers"], 0), (["X_NO=1"], 1)],
    )
    def test_ours_hears_what_theirs_says(self, arguments, status, tmp_path):
        program = tool("systemd-notify")
        path = tmp_path / "notify"
        environment = {**os.environ, "NOTIFY_SOCKET": str(path)}
        waiter = subprocess.Popen(
            [sys.executable, "-m", "oslo_service.systemd", str(LIMIT)],
            env=environment,
        )
        with waiter:
            while waiter.poll() is None and not path.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    waiter.wait(0.01)
            told = subprocess.run(
                [program, "--no-block", *arguments],
                env=environment,
                timeout=LIMIT,
                check=False,
            )
            assert told.returncode == 0
            assert waiter.wait(LIMIT) == status


class TestSocketActivation:
    """systemd-socket-activate(1) passes sockets on to a server of ours."""

    @pytest.mark.parametrize("workers", [1, 2])
    @pytest.mark.parametrize("name", [None, "web"])
    def test_the_client_that_has_it_started_is_served(
        self, driver_name, workers, name, tmp_path
    ):
        path = str(tmp_path / "web.sock")
        named = [] if name is None else [f"--fdname={name}"]
        # What has the name may be anywhere; else it is the address that counts.
        settings = (
            {"port": 0}
            if name
            else {"socket_family": socket.AF_UNIX, "socket_file": path}
        )
        activate = [tool("systemd-socket-activate"), f"--listen={path}", *named]
        with live(
            driver_name,
            program=WEB,
            before=[*activate, *(f"--setenv={one}" for one in os.environ)],
            workers=workers,
            settings=settings,
        ) as program:
            program.expect_text("Listening on")
            with Client(path) as client:
                client.send(get("/"))
                assert client.answer().body == b"hello"
            assert program.expect("listening")[0]["host"] == path
            program.expect_text("which was passed to it")
            assert program.end() == 0
            assert Path(path).exists()


def unit(path):
    """Read a unit file: what each key of each section has, in the file's order."""
    sections = {}
    section = {}
    for line in path.read_text(encoding="ascii").replace("\\\n", "").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return sections


def environment(service):
    """Return what the section [Service] sets."""
    words = [word for line in service["Environment"] for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


def version():
    """Return that of systemd's programs."""
    said = subprocess.run(
        [tool("systemd-analyze"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(said.stdout.split()[1].partition(".")[0])


def wanted(path):
    """Return which version of systemd a unit is for."""
    return int(path.parent.name) if path.parent.name.isdigit() else 254


class TestUnits:
    """The unit files of the examples."""

    def test_there_is_one_for_each_driver_and_version(self):
        found = {
            (wanted(path), environment(unit(path)["Service"])[BACKEND])
            for path in SERVICES
        }
        backends = ("eventlet", "threading")
        assert found == {
            (number, name) for number in (252, 253, 254) for name in backends
        }

    @pytest.mark.parametrize("path", SERVICES, ids=name_of)
    def test_it_says_no_more_than_its_version_of_systemd_knows(self, path):
        service = unit(path)["Service"]
        notify = "notify" if wanted(path) < 253 else "notify-reload"
        assert service["Type"] == [notify]
        assert ("ExecReload" in service) is (wanted(path) < 253)
        assert ("RestartSteps" in service) is (wanted(path) >= 254)

    @pytest.mark.parametrize("path", SERVICES, ids=name_of)
    def test_its_options_are_some_and_those_that_are_advised(self, path):
        conf = cfg.ConfigOpts()
        opts.register_service_opts(conf)
        prefix = "OS_OSLO_SERVICE__"
        for name, value in environment(unit(path)["Service"]).items():
            option = name.removeprefix(prefix).lower()
            conf.set_override(option, value, group="oslo_service")
        assert conf.oslo_service.restart_limit == 5
        assert conf.oslo_service.restart_window == 30
        assert conf.oslo_service.worker_timeout > 0

    @pytest.mark.parametrize("path", SERVICES, ids=name_of)
    def test_its_command_serves_with_the_socket_of_its_unit(self, path, tmp_path):
        service = unit(path)["Service"]
        socket_unit = unit(UNITS / service["Sockets"][0])["Socket"]
        (name,) = socket_unit["FileDescriptorName"]
        _, *arguments = shlex.split(service["ExecStart"][0])
        command = [
            argument.replace("/opt/stock-api/json_api", str(EXAMPLE))
            for argument in arguments
        ]
        variables = environment(service)
        with (
            ServiceManager() as receiver,
            socket.create_server(("127.0.0.1", 0)) as listening,
        ):
            receiver.watch(60)
            program = Live(
                command,
                {
                    **receiver.environment,
                    **variables,
                    "OS_STOCK__DATABASE": str(tmp_path / "stock.sqlite"),
                },
                passing=[listening],
                names=name,
            )
            try:
                assert receiver.next()[0] == "READY=1"
                program.expect_text(f"on the driver {variables[BACKEND]!r}")
                with Client(listening.getsockname()) as client:
                    assert client.ask("/items").status == 200
                program.kill(signal.SIGHUP)
                assert receiver.until("RELOADING=1")
                assert receiver.until("READY=1")
                assert program.end() == 0
                assert receiver.until("STOPPING=1")
            finally:
                program.clean_up()

    @pytest.mark.parametrize("path", SERVICES, ids=name_of)
    def test_systemd_finds_nothing_wrong_with_it(self, path, tmp_path):
        analyze = tool("systemd-analyze")
        if version() < wanted(path):
            pytest.skip(f"systemd is older than {wanted(path)}")
        for one in (*path.parent.glob("*.service"), UNITS / SOCKET):
            text = one.read_text(encoding="ascii")
            # What is to be installed there is not; this is as good a program.
            text = text.replace("/opt/stock-api/bin/python", sys.executable)
            (tmp_path / one.name).write_text(text, encoding="ascii")
        done = subprocess.run(
            [
                *(analyze, "verify", "--man=no"),
                *(str(tmp_path / name) for name in (path.name, SOCKET)),
            ],
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        # It has something to say of the units of the machine, too.
        ours = [line for line in done.stderr.splitlines() if "stock-api" in line]
        assert ours == []

    @pytest.mark.parametrize("path", SERVICES, ids=name_of)
    def test_it_may_do_little_but_what_it_has_to(self, path):
        arguments = ("security", "--no-pager", "--offline=true", "--threshold=25")
        done = subprocess.run(
            [tool("systemd-analyze"), *arguments, str(path)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        if version() < 250:
            pytest.skip("systemd-analyze cannot look at files")
        assert done.returncode == 0, done.stdout
        assert "Overall exposure level" in done.stdout
