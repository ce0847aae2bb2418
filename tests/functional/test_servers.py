# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The servers for tests of a cluster start, end, and are never left behind."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from oslo_service.testing.live import is_alive
from oslo_service.testing.servers import SERVERS, Redis

PATIENCE = 30.0

pytestmark = pytest.mark.starts_processes


@pytest.fixture(params=list(SERVERS))
def kind(request):
    kind = SERVERS[request.param]
    if kind.program_missing():
        pytest.skip(kind.program_missing())
    return kind


def serves(server):
    try:
        return server.is_ready()
    except OSError:
        return False


def test_it_serves_until_it_is_stopped_and_again_at_the_same_port(kind, tmp_path):
    with kind(tmp_path) as server:
        assert serves(server)
        port = server.port
        server.stop()
        assert not serves(server)

        server.start()

        assert serves(server)
        assert server.port == port
        assert server.url == f"{kind.scheme}://127.0.0.1:{port}"
    assert not serves(server)


def test_it_dies_with_who_has_started_it(kind, tmp_path):
    text = (
        "import pathlib, sys, time\n"
        "from oslo_service.testing.servers import SERVERS\n"
        f"server = SERVERS['{_name(kind)}'](pathlib.Path(sys.argv[1])).start()\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", text, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        pid = int(starter.stdout.readline())
        assert is_alive(pid)
        starter.send_signal(signal.SIGKILL)

    until = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.02)


def _name(kind):
    return next(name for name, one in SERVERS.items() if one is kind)


def test_one_that_cannot_serve_says_why(tmp_path):
    if Redis.program_missing():
        pytest.skip(Redis.program_missing())
    with pytest.raises(RuntimeError, match="no_such_option"):
        Wrong(tmp_path).start()


class Wrong(Redis):
    def command(self):
        return [*super().command(), "--no_such_option", "1"]


def test_a_port_that_another_has_taken_meanwhile_is_no_obstacle(tmp_path):
    if Redis.program_missing():
        pytest.skip(Redis.program_missing())
    server = Redis(tmp_path)
    with socket.create_server(("127.0.0.1", server.port)), server:
        assert serves(server)


def test_where_it_is_not_installed_the_reason_names_the_package(monkeypatch):
    monkeypatch.setattr(Redis, "program", "no-such-program")

    assert Redis.obstacle() == "Debian's redis-server is not installed"
