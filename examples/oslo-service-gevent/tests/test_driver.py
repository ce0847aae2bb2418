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

# The loop of a native thread has libev make its epoll(7) anew, where none may be
# opened, until room() is called. SIGALRM looks whether libev is at that.
SCARCE = """
import gevent, resource, signal
limits = resource.getrlimit(resource.RLIMIT_NOFILE)

def room():
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)

def seen_by_another():
    # libev is told of a descriptor that is closed here, and not in the child.
    reader, writer = os.pipe()
    assert driver.wait_ready([reader], timeout=0.001) == ([], [])
    subprocess.Popen(["cat"], pass_fds=[reader], stdin=subprocess.PIPE, stdout=writer)
    os.close(reader)
    os.write(writer, b"!")

def asked_for():
    gevent.get_hub().loop.reinit()

def look(signum, frame):
    try:
        os.fstat(epoll)
    except OSError:
        signal.setitimer(signal.ITIMER_REAL, 0)
        act()

signal.signal(signal.SIGALRM, look)

def make_scarce(begin, then):
    global epoll, act
    driver.sleep(0.001)  # so that there is a hub, and it watches
    epoll, act = gevent.get_hub().loop.fileno(), then
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    begin()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
"""


def run(body, **env):
    done = run_script(
        "from oslo_service import backend\n"
        "driver = backend.bootstrap(argv=[])\n"
        "import os, select, socket, subprocess, sys, threading, time\n" + body,
        env={"OS_OSLO_SERVICE__BACKEND": "gevent", **env},
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


@pytest.mark.parametrize("begin", ["seen_by_another", "asked_for"])
@pytest.mark.parametrize("waits", ["main()", "native(target=main)"])
def test_a_loop_waits_for_a_descriptor_of_its_own(begin, waits):
    found = run(
        SCARCE + "def native(target):\n"
        "    driver.sleep(0.001)  # the loop of this thread runs, too\n"
        "    thread = driver.original('threading').Thread(target=target)\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "def main():\n"
        "    there_is_room = driver.event()\n"
        "    def give():\n"
        "        room()\n"
        "        there_is_room.set()\n"
        f"    make_scarce({begin}, give)\n"
        "    print(there_is_room.wait(60))\n"
        f"{waits}\n"
    )

    assert found == "True\n"


def test_a_loop_may_watch_more_than_may_be_open():
    found = run(
        SCARCE + "driver.sleep(0.001)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))\n"
        "driver.sleep(0.001)\n"
        "room()\n"
        "print(gevent.get_hub().loop.backend)\n",
        GEVENT_BACKEND="poll",
    )

    assert found == "poll\n"


def test_a_process_that_is_forked_then_waits_for_a_loop_of_its_own():
    found = run(
        SCARCE + "driver.spawn(int, name='uses the hub').wait()\n"
        "here = len(os.listdir('/proc/self/fd')) - 1  # that of the folder\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))\n"
        "    driver.sleep(0.001)\n"
        "    os._exit(7)\n"
        "room()\n"
        "while len(os.listdir(f'/proc/{pid}/fd')) > here - 2:  # of the hub\n"
        "    driver.sleep(0.001)\n"
        "resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )

    assert found == "7\n"


def test_what_a_signal_raises_meanwhile_ends_the_wait():
    found = run(
        SCARCE + "make_scarce(asked_for, lambda: sys.exit('told to'))\n"
        "try:\n"
        "    driver.sleep(60)\n"
        "except SystemExit as exc:\n"
        "    room()\n"
        "    driver.sleep(0.001)\n"
        "    print(exc)\n"
    )

    assert found == "told to\n"


def test_what_else_fails_in_libev_is_raised():
    found = run(
        "import gevent\n"
        "driver.sleep(0.001)  # it watches what it is going to\n"
        "os.close(gevent.get_hub().loop.fileno())\n"
        "try:\n"
        "    driver.sleep(60)\n"
        "except SystemError as exc:\n"
        "    print(exc)\n"
    )

    assert found == "(libev) epoll_wait: Bad file descriptor\n"


def test_it_says_so_where_nothing_is_patched():
    assert "monkey-patched" in GeventDriver().environment_warning()
    assert not GeventDriver().is_prepared()


@pytest.mark.skipif(not DEMO.exists(), reason=f"there is no {DEMO}")
def test_the_example_service_runs_on_it():
    done = run_python("-W", "ignore", str(DEMO), "--backend", "gevent")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Running on the driver 'gevent'" in done.stdout
