# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service that the documentation makes from nothing does what it says there."""

import configparser
import re
import shutil
import signal
import socket
import tomllib
from pathlib import Path

import pytest

from oslo_service.testing.http_client import Client, get
from oslo_service.testing.live import Live
from oslo_service.testing.waiting import python_path, run_python

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "uptime"
PAGE = ROOT / "doc" / "source" / "tutorial.rst"


@pytest.fixture
def project(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=ignored)
    return tmp_path


@pytest.fixture
def service(project, driver_name):
    """The service, at a free port, which it looks at as its file says."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = project / "uptime.conf"
    file.write_text(file.read_text().replace("8088", str(port)))
    environment = {
        "PYTHONPATH": python_path(project),
        "OS_OSLO_SERVICE__BACKEND": driver_name,
    }
    program = Live(["-m", "uptime.main", "--config-file", str(file)], environment)
    program.port, program.file = port, file
    program.expect_text(f"listens on 127.0.0.1:{port}")
    yield program
    program.clean_up()


def told(service):
    with Client(("127.0.0.1", service.port)) as client:
        client.send(get("/targets"))
        return client.answer().body.decode()


def test_it_tells_what_the_page_shows_reloads_and_ends(service):
    shown = re.search(r"/targets\n    (\{.*\})\n", PAGE.read_text())[1]
    expected = shown.replace("8088", str(service.port)) + "\n"
    service.until(lambda: told(service) == expected, expected)

    text = service.file.read_text()
    service.file.write_text(re.sub("targets = .*", "targets = 127.0.0.1:2", text))
    service.kill(signal.SIGHUP)
    service.until(lambda: told(service) == '{"127.0.0.1:2": false}\n', "it is reread")

    assert service.end() == 0
    assert "Traceback" not in service.transcript


def test_its_tests_pass_on_each_driver(project):
    drivers = ("threading", "eventlet")
    chosen = [f"--oslo-service-backend={name}" for name in drivers]
    done = run_python(
        *("-W", "ignore", "-m", "pytest", "-v", "-p", "no:cacheprovider"),
        *("-p", "no:hypothesispytest", "-p", "no:xdist", *chosen),
        env={"PYTHONPATH": python_path(project), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=project,
    )

    assert done.returncode == 0, done.stdout
    for name in drivers:
        assert f"test_it_looks_once_per_interval[{name}] PASSED" in done.stdout
    assert "6 passed" in done.stdout


def test_its_unit_starts_the_program_that_the_project_brings():
    metadata = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    unit = configparser.ConfigParser(interpolation=None, delimiters="=")
    unit.optionxform = str
    unit.read(EXAMPLE / "uptime.service")
    program, *arguments = unit["Service"]["ExecStart"].split()

    assert Path(program).name in metadata["project"]["scripts"]
    assert arguments == ["--config-file", "/etc/uptime/uptime.conf"]
    assert unit["Service"]["Type"] == "notify-reload"
