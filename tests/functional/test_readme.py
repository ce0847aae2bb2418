# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the README shows does what the README says."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from oslo_service.testing.waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 3


@pytest.fixture
def first_service():
    text = (ROOT / "README.rst").read_text(encoding="utf-8")
    block = re.search(r"code-block:: python\n\n((?:    .*\n|\n)+)", text)
    return textwrap.dedent(block[1])


@pytest.fixture
def environment():
    # Unbuffered, the lines of several workers get mixed up.
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OS_OSLO_SERVICE", "PYTHONUNBUFFERED"))
    }


@contextlib.contextmanager
def running(program, environment):
    """Run a program; it is killed where it does not end."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", program],
        env=environment,
        cwd=program.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        guard = threading.Timer(LIMIT, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


PREFIXES = {
    "threading": "",
    "eventlet": "import eventlet\neventlet.monkey_patch()\n",
}


@pytest.mark.parametrize("driver", PREFIXES)
def test_the_first_service_runs_three_workers_until_it_is_told_to_stop(
    first_service, environment, driver, tmp_path
):
    program = tmp_path / "first.py"
    program.write_text(PREFIXES[driver] + first_service, encoding="utf-8")
    with running(program, environment) as process:
        started = [process.stdout.readline() for _ in range(WORKERS)]
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate()
    assert started == ["Hello\n"] * WORKERS, errors
    assert rest == "Goodbye\n", errors
    assert process.returncode == 0, errors


def test_the_first_service_replaces_a_worker_that_is_killed(
    first_service, environment, tmp_path
):
    # What a worker prints does not say which it is: have it say its pid.
    program = tmp_path / "first.py"
    assert '"Hello"' in first_service
    program.write_text(
        "import os\n" + first_service.replace('"Hello"', "os.getpid()"),
        encoding="utf-8",
    )
    with running(program, environment) as process:
        pids = [int(process.stdout.readline()) for _ in range(WORKERS)]
        os.kill(pids[0], signal.SIGKILL)
        pids.append(int(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate()
    assert len(set(pids)) == WORKERS + 1
    assert rest == "Goodbye\n", errors
    assert process.returncode == 0, errors


@pytest.mark.parametrize("driver", PREFIXES)
def test_the_demonstration_shows_what_it_announces(environment, driver, tmp_path):
    demo = ROOT / "examples" / "inventory" / "demo.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", demo, "--backend", driver],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * LIMIT - 10,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "FAILED" not in done.stdout
