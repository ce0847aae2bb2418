# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: where wsgi.Server listens, and what it writes to its log."""

import contextlib
import errno
import json
import logging
import re
import socket
import stat
import sys
from datetime import datetime
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import wsgi
from oslo_service.serving.epoll_poller import EpollPoller
from oslo_service.testing.http_client import LIMIT, get, serving, write_options


@pytest.fixture
def conf(driver_name: str) -> cfg.ConfigOpts:
    """A configuration that says which driver to use."""
    conf = cfg.ConfigOpts()
    conf([], project="web", default_config_files=[])
    conf.register_opt(cfg.StrOpt("backend"), group="oslo_service")
    conf.set_override("backend", driver_name, group="oslo_service")
    wsgi.register_opts(conf)
    return conf


@pytest.fixture
def make(conf, driver):  # noqa: ARG001 - which servers find selected
    """Makes servers, which are closed in the end."""
    made = []

    def make(**parameters) -> wsgi.Server:
        server = wsgi.Server(
            conf, "web", lambda *_: [], **{"host": "127.0.0.1", **parameters}
        )
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


class TestHabitsOfProjects:
    """What projects' own tests have counted on for years."""

    def test_without_a_host_only_this_machine_is_served(self, make) -> None:
        server = make(host=None)

        assert server.host in {"127.0.0.1", "::1"}
        assert server.port > 0

    def test_the_pool_has_no_places_from_stop_to_start(self, make) -> None:
        server = make(pool_size=7)
        sizes = []
        for step in (lambda: None, server.start, server.stop, server.start):
            step()
            sizes.append(server._pool.size)

        assert sizes == [7, 7, 0, 7]


class TestParameters:
    """What does not work is refused when the server is made."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("backlog", 0),
            ("backlog", "many"),
            ("backlog", 2**31),
            ("host", 5),
            ("port", 70000),
            ("port", -1),
            ("port", "http"),
            ("port", True),
            ("pool_size", 0),
            ("pool_size", -1),
            ("max_url_len", -1),
            ("protocol", object),
            ("socket_family", 12345),
            ("around_request", 5),
        ],
    )
    def test_bad_ones_are_named(self, make, name, value) -> None:
        with pytest.raises(wsgi.InvalidInput, match=name):
            make(**{name: value})

    def test_a_path_needs_a_name(self, make) -> None:
        with pytest.raises(wsgi.InvalidInput, match="socket_file"):
            make(socket_family=socket.AF_UNIX)

    def test_a_mode_is_a_number(self, make, tmp_path) -> None:
        with pytest.raises(wsgi.InvalidInput, match="socket_mode"):
            make(
                socket_family=socket.AF_UNIX,
                socket_file=str(tmp_path / "s"),
                socket_mode="rw",
            )

    @pytest.mark.parametrize("text", ["%(nothing)s", "%d", "%(client_ip)"])
    def test_a_bad_log_format_is_named(self, conf, make, text) -> None:
        conf.set_override("wsgi_log_format", text)
        with pytest.raises(wsgi.InvalidInput, match=r"wsgi_log_format.*client_ip"):
            make()

    def test_tls_needs_a_certificate(self, make) -> None:
        with pytest.raises(wsgi.InvalidInput, match="cert_file"):
            make(use_ssl=True)

    def test_what_works_can_be_seen(self, make) -> None:
        server = make(pool_size=7)
        assert server.host == "127.0.0.1"
        assert server.socket.getsockname() == ("127.0.0.1", server.port)
        assert server.pool_size == 7
        assert make().pool_size == 100

    def test_a_port_in_use_is_named(self, make) -> None:
        port = make().port
        with pytest.raises(OSError, match=rf"127.0.0.1:{port}: Address already"):
            make(port=port)

    def test_an_unknown_host_is_named(self, make) -> None:
        with pytest.raises(OSError, match=r"no\.such\.host\.invalid"):
            make(host="no.such.host.invalid")

    def test_a_path_that_is_too_long_is_named(self, make, tmp_path) -> None:
        path = str(tmp_path / ("x" * 200))
        with pytest.raises(OSError, match=r"xxx: .*too long"):
            make(socket_family=socket.AF_UNIX, socket_file=path)

    def test_without_a_host_there_is_one(self, make) -> None:
        assert make(host=None).port

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it")
    def test_the_backlog_is_the_kernels(self, make) -> None:
        info = make(backlog=77).socket.getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, 192
        )
        # tcpi_sacked, in linux/tcp.h: of a listening socket, its backlog.
        assert int.from_bytes(info[28:32], sys.byteorder) == 77

    def test_the_idle_time_is_the_kernels_too(self, conf, make) -> None:
        conf.set_override("tcp_keepidle", 77)
        server = make()
        idle = server.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        assert idle == 77
        assert server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    def test_the_size_of_the_pool_is_the_options(self, conf, make) -> None:
        conf.set_override("wsgi_default_pool_size", 3)
        assert make().pool_size == 3

    def test_ipv6(self, make) -> None:
        server = make(host="::1")
        assert server.socket.family == socket.AF_INET6
        assert server.host == "::1"


class TestPaths:
    """UNIX sockets."""

    def test_they_are_served_and_removed(self, driver_name, tmp_path) -> None:
        path = tmp_path / "web.sock"
        settings = {
            "socket_family": socket.AF_UNIX,
            "socket_file": str(path),
            "socket_mode": 0o620,
        }
        with serving(driver_name, workers=2, settings=settings) as site:
            assert stat.S_IMODE(path.stat().st_mode) == 0o620
            environ = site.ask("/show").data
            assert environ["REMOTE_ADDR"] == "unix"
            assert site.program.end() == 0
            assert not path.exists()

    def test_a_file_that_nobody_listens_on_is_replaced(self, make, tmp_path) -> None:
        path = str(tmp_path / "web.sock")
        with socket.socket(socket.AF_UNIX) as abandoned:
            abandoned.bind(path)
        server = make(socket_family=socket.AF_UNIX, socket_file=path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        assert server.host == path

    def test_one_that_somebody_listens_on_is_not(self, make, tmp_path) -> None:
        path = str(tmp_path / "web.sock")
        make(socket_family=socket.AF_UNIX, socket_file=path)
        with pytest.raises(OSError, match=r"web\.sock: Address already in use"):
            make(socket_family=socket.AF_UNIX, socket_file=path)
        assert Path(path).exists()

    def test_what_is_no_socket_is_left_alone(self, make, tmp_path) -> None:
        path = tmp_path / "web.sock"
        path.write_text("precious", encoding="ascii")
        with pytest.raises(OSError, match=r"web\.sock"):
            make(socket_family=socket.AF_UNIX, socket_file=str(path))
        assert path.read_text(encoding="ascii") == "precious"


class TestProgram:
    """What a program sees."""

    def test_ipv6_is_served(self, driver_name: str) -> None:
        with serving(driver_name, settings={"host": "::1"}) as site:
            environ = site.ask("/show").data
            assert environ["REMOTE_ADDR"] == "::1"
            assert environ["SERVER_NAME"] == "::1"

    @pytest.mark.parametrize(
        ("host", "reached"),
        [("0.0.0.0", "127.0.0.2"), ("::", "::1")],  # noqa: S104
    )
    def test_without_a_host_it_is_called_what_it_is_reached_at(
        self, driver_name: str, host: str, reached: str
    ) -> None:
        with serving(driver_name, settings={"host": host}) as site:
            site.address = (reached, site.address[1])
            with site.client() as client:
                client.send(b"GET /show HTTP/1.0\r\n\r\n")
                assert client.answer().data["SERVER_NAME"] == reached
            assert site.ask("/show").data["SERVER_NAME"] == host

    def test_a_subclass_may_set_options_of_the_socket(self, driver_name) -> None:
        with serving(driver_name, "marked") as site:
            assert site.program.expect("socket options", listens=True)
            assert site.ask("/").body == b"hello"

    def test_requests_are_logged_in_the_format_that_is_set(
        self, driver_name: str, tmp_path
    ) -> None:
        arguments = write_options(
            tmp_path / "web.conf",
            wsgi_log_format="<%(client_ip)s|%(request_line)s|%(status_code)s"
            "|%(body_length)s|%(wall_seconds).3f|%(date_time)s>",
        )
        with serving(
            driver_name, arguments=arguments, settings={"logger_name": "access"}
        ) as site:
            site.ask("/whole?2", "X-Forwarded-For: 10.0.0.1, 10.0.0.2")
            site.program.expect_text(
                "10.0.0.1,10.0.0.2,127.0.0.1|GET /whole?2 HTTP/1.1"
            )
            line = re.search(r"INFO \d+ access <.*>", site.program.transcript)
            assert line is not None
            assert re.search(r"\|200\|2048\|\d+\.\d{3}\|.*>", line[0])

    def test_or_as_json(self, driver_name: str, tmp_path) -> None:
        arguments = write_options(tmp_path / "web.conf", wsgi_log_format="json")
        with serving(
            driver_name, arguments=arguments, settings={"logger_name": "access"}
        ) as site:
            paths = ["/whole?2", "/identified?environ", "/identified?field"]
            for path in paths:
                site.ask(path, 'X-Forwarded-For: 10.0.0.1, "\\u0041')
                site.program.expect_text(f"GET {path} HTTP/1.1")
            lines = re.findall(r"INFO \d+ access ({.*})", site.program.transcript)
            entries = [json.loads(line) for line in lines]
        assert [one.pop("request_line") for one in entries] == [
            f"GET {path} HTTP/1.1" for path in paths
        ]
        assert [one.pop("body_length") for one in entries] == [2048, 10, 10]
        assert [one.pop("request_id", None) for one in entries] == [
            None,
            "req-1",
            'req-"2"',
        ]
        for one in entries:
            assert datetime.fromisoformat(one.pop("date_time")).tzinfo
            assert 0 <= one.pop("wall_seconds") < LIMIT
            assert one.pop("client_port").isdecimal()
            assert one == {
                "client_ip": '10.0.0.1,"\\u0041,127.0.0.1',
                "status_code": 200,
            }

    def test_by_default_in_upstreams_words(self, driver_name: str) -> None:
        with serving(driver_name) as site:
            site.ask("/")
            site.program.expect_text('eventlet.wsgi.server 127.0.0.1 "GET / HTTP/1.1"')
            site.program.expect_text("status: 200  len: 5 time: 0.")


def test_where_the_log_is_off_nothing_is_formatted(make, caplog) -> None:
    # Seen by what is formatted: the format is tried out once, when it is made.
    server = make(logger_name="quiet")
    logging.getLogger("quiet").setLevel(logging.WARNING)
    server.start()
    with socket.create_connection((server.host, server.port)) as client:
        client.sendall(get("/"))
    server.stop()
    server.wait()
    assert not [one for one in caplog.records if one.name == "quiet"]


def test_a_client_that_cannot_be_looked_after_is_turned_away(
    make, monkeypatch, caplog
) -> None:
    def fail(*_: object) -> None:
        monkeypatch.undo()
        raise OSError(errno.EPERM, "refused as asked")

    server = make()
    server.start()
    monkeypatch.setattr(EpollPoller, "add", fail)
    first, second = (
        socket.create_connection((server.host, server.port), timeout=10)
        for _ in range(2)
    )
    with first, second:
        second.sendall(b"nonsense\r\n\r\n")
        server.stop()
        assert server._engine.wait(10)
        with contextlib.suppress(ConnectionResetError):
            assert first.recv(1) == b""
        assert b" 400 " in second.recv(1000)
    assert "refused as asked" in caplog.text
