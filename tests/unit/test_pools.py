# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The pool of a thread group, on Eventlet: a green pool."""

import pytest

from oslo_service.testing.waiting import run_script

PROGRAM = """
import eventlet
eventlet.monkey_patch()
import eventlet.wsgi
import greenlet, http.client, threading
from oslo_service import backend, threadgroup
backend.init_backend("eventlet")
group = threadgroup.ThreadGroup(3)
pool = group.pool
assert isinstance(pool, eventlet.GreenPool)
"""


def run(code: str) -> str:
    done = run_script(PROGRAM + code)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_an_eventlet_server_serves_in_it() -> None:
    run(
        "listener = eventlet.listen(('127.0.0.1', 0))\n"
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [str(len(group.threads)).encode()]\n"
        "group.add_thread(\n"
        "    eventlet.wsgi.server, listener, application, custom_pool=pool)\n"
        "for _ in range(5):\n"
        "    client = http.client.HTTPConnection(*listener.getsockname(), timeout=50)\n"
        "    client.request('GET', '/', headers={'Connection': 'close'})\n"
        "    assert client.getresponse().read() == b'2'\n"
        "    client.close()\n"
        "group.stop()\ngroup.wait()\nassert pool.running() == 0\n"
    )


def test_it_gives_green_threads() -> None:
    run(
        "def call(*args, **kwargs):\n"
        "    seen.append(greenlet.getcurrent())\n"
        "    return args, kwargs\n"
        "seen, linked = [], []\n"
        "green = pool.spawn(call, 1, b=2)\n"
        "green.link(lambda gone, extra: linked.append((gone, extra)), 3)\n"
        "assert isinstance(green, eventlet.greenthread.GreenThread)\n"
        "assert green.wait() == ((1,), {'b': 2})\n"
        "assert seen == [green] and linked == [(green, 3)]\n"
        "assert list(pool.imap(str, range(9))) == list('012345678')\n"
        "assert group.threads == []\n"
    )


def test_what_the_call_raises_is_raised_by_wait() -> None:
    run(
        "green = pool.spawn(int, 'x')\n"
        "try:\n    green.wait()\n"
        "except ValueError:\n    pass\n"
        "else:\n    raise AssertionError\n"
        "pool.waitall()\nassert pool.free() == 3\n"
    )


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("end", ["green.kill()", "group.stop()"])
def test_one_that_is_killed_gives_its_place_back(end: str, *, begun: bool) -> None:
    said = run(
        "green = pool.spawn(eventlet.sleep, 3600)\n"
        f"if {begun}: eventlet.sleep(0)\n"
        f"{end}\n"
        "pool.waitall()\ngroup.wait()\n"
        "assert group.threads == [] and pool.free() == 3\n"
        "eventlet.sleep(0)\nassert green.dead\n"
    )
    assert "Traceback" not in said, said
