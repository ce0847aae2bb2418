# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""With the programs of systemd itself, and the unit files that are shipped."""

import configparser
import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from oslo_service.testing.http_client import Client, get
from oslo_service.testing.live import WEB, Live, live
from oslo_service.testing.receiver import Receiver
from oslo_service.testing.waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "examples" / "systemd"
EXAMPLE = ROOT / "examples" / "json_api"
SERVICES = sorted(UNITS.glob("*.service"))


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
    """Read a unit file."""
    parser = configparser.ConfigParser(
        strict=True, interpolation=None, delimiters="=", comment_prefixes="#"
    )
    parser.optionxform = str
    text = path.read_text(encoding="ascii").replace("\\\n", "")
    parser.read_string(text)
    return parser


class TestUnits:
    """The unit files of the examples."""

    def test_there_is_one_for_each_driver(self):
        backends = [unit(path)["Service"]["Environment"] for path in SERVICES]
        assert backends == [
            "OS_OSLO_SERVICE__BACKEND=eventlet",
            "OS_OSLO_SERVICE__BACKEND=threading",
        ]

    @pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
    def test_its_command_serves_with_the_socket_of_its_unit(self, path, tmp_path):
        service = unit(path)["Service"]
        name = unit(UNITS / service["Sockets"])["Socket"]["FileDescriptorName"]
        _, *arguments = shlex.split(service["ExecStart"])
        command = [
            argument.replace("/opt/stock-api/json_api", str(EXAMPLE))
            for argument in arguments
        ]
        variable, _, value = service["Environment"].partition("=")
        with (
            Receiver() as receiver,
            socket.create_server(("127.0.0.1", 0)) as listening,
        ):
            receiver.watch(60)
            program = Live(
                command,
                {
                    **receiver.environment,
                    variable: value,
                    "OS_STOCK__DATABASE": str(tmp_path / "stock.sqlite"),
                },
                passing=[listening],
                names=name,
            )
            try:
                assert receiver.next()[0] == "READY=1"
                program.expect_text(f"on the driver {value!r}")
                with Client(listening.getsockname()) as client:
                    assert client.ask("/items").status == 200
                program.kill(signal.SIGHUP)
                assert receiver.until("RELOADING=1")
                assert receiver.until("READY=1")
                assert program.end() == 0
                assert receiver.until("STOPPING=1")
            finally:
                program.clean_up()

    def test_systemd_finds_nothing_wrong_with_them(self, tmp_path):
        analyze = tool("systemd-analyze")
        version = subprocess.run(
            [analyze, "--version"], capture_output=True, text=True, check=True
        )
        too_old = int(version.stdout.split()[1].partition(".")[0]) < 253
        for path in UNITS.iterdir():
            text = path.read_text(encoding="ascii")
            # What is to be installed there is not; this is as good a program.
            text = text.replace("/opt/stock-api/bin/python", sys.executable)
            (tmp_path / path.name).write_text(text, encoding="ascii")
            if too_old and path.suffix == ".service":
                addition = tmp_path / f"{path.name}.d"
                addition.mkdir()
                shutil.copy(UNITS / "older-systemd.conf", addition)
                text = text.replace("Type=notify-reload\n", "")
                (tmp_path / path.name).write_text(text, encoding="ascii")
        names = [*(path.name for path in SERVICES), "stock-api.socket"]
        done = subprocess.run(
            [analyze, "verify", "--man=no", *(str(tmp_path / name) for name in names)],
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        # It has something to say of the units of the machine, too.
        ours = [
            line
            for line in done.stderr.splitlines()
            if re.search(r"stock-api|older-systemd", line)
        ]
        assert ours == []
