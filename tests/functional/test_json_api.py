# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The example that serves a JSON API answers as the documentation shows."""

import dataclasses
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from oslo_service.testing.live import Live
from oslo_service.testing.waiting import LIMIT

for module in ("httptools", "paste.deploy", "routes", "webob"):
    pytest.importorskip(module)

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "json_api"
PAGE = ROOT / "doc" / "source" / "wsgi.rst"
PROGRAMS = ("curl", "openssl", "stat")

_BLOCK = re.compile(r"^\.\. code-block:: console\n\n((?: {4}.*\n|\n)+)", re.MULTILINE)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_SERVICE = re.compile(r"((?:\w+=\S+ +)*)python main\.py (.*)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Step:
    """A command of the documentation, and what it prints there."""

    command: str
    shown: str

    def is_shown(self, printed):
        pattern = re.escape(self.shown).replace(re.escape("..."), ".*")
        return re.fullmatch(pattern, printed, re.DOTALL) is not None


def steps():
    for block in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        text = textwrap.dedent(block).strip("\n") + "\n"
        found = [Step(*parts) for parts in _COMMAND.findall(text)]
        assert text.count("\n$ ") + 1 == len(found), text
        yield from found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


class Reader:
    """Somebody who tries out what the page shows, in a copy of the example."""

    def __init__(self, home, driver):
        self.home = home
        self.driver = driver
        self.service = None
        self.ports = {"8080": free_port(), "8443": free_port()}
        shutil.copytree(EXAMPLE, home, dirs_exist_ok=True)
        for path in home.glob("*.conf"):
            path.write_text(self.with_ports(path.read_text(encoding="utf-8")))

    def with_ports(self, text):
        return re.sub("|".join(self.ports), lambda port: self.ports[port[0]], text)

    def start(self, arguments, settings=""):
        self.end()
        environment = dict(one.split("=", 1) for one in settings.split())
        environment["OS_OSLO_SERVICE__BACKEND"] = self.driver
        self.service = Live(["main.py", *shlex.split(arguments)], environment)
        self.service.expect_text("Serving on ")
        assert f"on the driver '{self.driver}'" in self.service.transcript

    def end(self):
        service, self.service = self.service, None
        if service is None:
            return
        try:
            assert service.end() == 0, service.transcript
            assert "Traceback" not in service.transcript, service.transcript
        finally:
            service.clean_up()

    def run(self, command):
        return subprocess.run(
            self.with_ports(command),
            shell=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        ).stdout.replace("\r\n", "\n")

    def curl(self, arguments):
        return self.run(f"curl -s {arguments}")


@pytest.fixture
def reader(driver_name, tmp_path, monkeypatch):
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    for name in [one for one in os.environ if one.startswith(("OS_", "CURL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)
    reader = Reader(tmp_path, driver_name)
    yield reader
    if reader.service is not None:
        reader.service.clean_up()


def test_the_page_has_lines_for_every_way_to_serve():
    commands = [step.command for step in steps()]

    for part in ("http://", "https://", "--unix-socket", "--cert ", "python main.py"):
        assert any(part in command for command in commands)
    assert sum(command.startswith("curl") for command in commands) > 10


def test_every_command_of_the_page_prints_what_the_page_shows(reader):
    for step in steps():
        service = _SERVICE.fullmatch(step.command)
        if service:
            reader.start(service[2].replace("\\\n", " "), service[1])
            continue
        printed = reader.run(step.command)
        assert step.is_shown(printed), f"$ {step.command}\n{printed}"
    reader.end()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_option_changes_at_sighup_and_no_request_is_lost(
    reader, workers, monkeypatch
):
    monkeypatch.setenv("OS_STOCK__WORKERS", str(workers))
    reader.start("--config-file json_api.conf")
    url = f"http://127.0.0.1:{reader.ports['8080']}/items"
    add = f'-H \'X-Auth-Token: sesame\' -d \'{{"name": "%d", "quantity": 1}}\' {url}'
    assert '"name": "0"' in reader.curl(add % 0)
    over, failures = threading.Event(), []

    def read():
        while not over.is_set():
            if '"items"' not in (printed := reader.curl(f"-S {url}")):
                failures.append(printed)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        with (reader.home / "json_api.conf").open("a") as conf:
            conf.write("read_only = true\n")  # its last group is [stock]
        reader.service.kill(signal.SIGHUP)
        end, number = time.monotonic() + LIMIT, 0
        while "no changes" not in (answer := reader.curl(add % (number := number + 1))):
            assert time.monotonic() < end, answer
            assert '"id"' in answer
    finally:
        over.set()
        reading.join()
    assert failures == []
    reader.end()


def test_the_socket_file_is_removed_at_the_end(reader):
    reader.start("--config-file json_api.conf", "OS_STOCK__SOCKET=stock.sock ")
    assert (reader.home / "stock.sock").is_socket()
    assert "items" in reader.curl("--unix-socket stock.sock http://localhost/items")

    reader.end()

    assert not (reader.home / "stock.sock").exists()


def test_what_is_wrong_with_tls_ends_it_with_an_error_that_names_the_option(reader):
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "main.py"),
            *("--config-file", "json_api.conf", "--config-file", "tls.conf"),
        ],
        env={**os.environ, "OS_OSLO_SERVICE__BACKEND": reader.driver},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )

    assert done.returncode == 1
    assert "[ssl] cert_file is 'server.crt': there is no such file" in done.stderr
