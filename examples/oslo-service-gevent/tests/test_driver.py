# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is particular to gevent; the rest is in oslo_service.testing."""

from pathlib import Path

import pytest

from oslo_service.testing.waiting import run_python, run_script
from oslo_service_gevent import GeventDriver

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "oslo_service_gevent"
# Beside this package where both are examples of oslo.service.
DEMO = TOP.parent / "inventory" / "demo.py"


def run(body):
    done = run_script(
        "from oslo_service import backend\n"
        "driver = backend.bootstrap(argv=[])\n"
        "import os, select, socket, subprocess, sys, threading, time\n" + body,
        env={"OS_OSLO_SERVICE__BACKEND": "gevent"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_selected_by_the_option():
    assert run("print(driver.name, backend.get_backend_type())") == "gevent gevent\n"


def test_it_is_a_driver_of_at_most_300_lines():
    lines = sum(len(one.read_text().splitlines()) for one in PACKAGE.glob("*.py"))

    assert lines <= 300


@pytest.mark.parametrize("module", ["socket", "threading", "select", "time", "_thread"])
def test_originals_have_nothing_of_gevent(module):
    found = run(
        f"original = driver.original({module!r})\n"
        "import inspect\n"
        "print([name for name, value in vars(original).items()"
        " if 'gevent' in str(getattr(value, '__module__', ''))])\n"
    )

    assert found == "[]\n"


def test_originals_have_what_gevent_removes():
    assert run("print(hasattr(driver.original('select'), 'epoll'))") == "True\n"


def test_original_threads_are_native():
    assert (
        run(
            "ids = []\n"
            "thread = driver.original('threading').Thread(\n"
            "    target=lambda: ids.append(threading.get_native_id()))\n"
            "thread.start(); thread.join()\n"
            "print(ids != [threading.get_native_id()])\n"
        )
        == "True\n"
    )


def test_original_sockets_make_original_sockets():
    assert (
        run(
            "sockets = driver.original('socket')\n"
            "server = sockets.create_server(('127.0.0.1', 0))\n"
            "client = socket.create_connection(server.getsockname())\n"
            "accepted, _ = server.accept()\n"
            "print(type(accepted) is sockets.socket, type(accepted) is socket.socket)\n"
        )
        == "True False\n"
    )


def test_children_can_be_watched_in_a_forked_worker():
    found = run(
        "import gevent.subprocess\n"
        "driver.spawn(int, name='has a hub').wait()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    child = gevent.subprocess.Popen(['/bin/sh', '-c', 'exit 3'])\n"
        "    os._exit(child.wait(timeout=30))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )

    assert found == "3\n"


def test_it_says_so_where_nothing_is_patched():
    assert "monkey-patched" in GeventDriver().environment_warning()
    assert not GeventDriver().is_prepared()


@pytest.mark.skipif(not DEMO.exists(), reason=f"there is no {DEMO}")
def test_the_example_service_runs_on_it():
    done = run_python("-W", "ignore", str(DEMO), "--backend", "gevent")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Running on the driver 'gevent'" in done.stdout
