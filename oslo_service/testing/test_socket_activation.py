# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: a server listens with what systemd passes to it, sd_listen_fds(3)."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator

import pytest
from oslo_config import cfg

from oslo_service import wsgi
from oslo_service.testing.http_client import Client, Site, get, serving
from oslo_service.testing.live import WEB, live

ALL = [("one", {"workers": 1}), ("three", {"workers": 3})]
TAKEN = "which was passed to it"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that listens, as systemd opens one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def another() -> Iterator[socket.socket]:
    """And one more."""
    with socket.create_server(("127.0.0.1", 0)) as another:
        yield another


def at(listening: socket.socket) -> dict[str, object]:
    """Return the settings of a server that listens there."""
    host, port = listening.getsockname()
    return {"host": host, "port": port}


def activated(
    driver: str,
    workers: int,
    asked: socket.socket,
    *passing: socket.socket,
    names: str = "",
) -> contextlib.AbstractContextManager[Site]:
    """Run a server that is to listen like the first, and is passed the others."""
    return serving(
        driver, workers=workers, settings=at(asked), passing=passing, names=names
    )


class TestWhich:
    """A server takes the socket with its name, else the one at its address."""

    scenarios = ALL

    def test_the_one_at_its_address(self, driver_name: str, listening, another) -> None:
        with activated(
            driver_name,
            self.workers,
            listening,
            another,
            listening,
        ) as site:
            assert site.address == listening.getsockname()
            assert site.ask("/").body == b"hello"
            site.program.expect_text(TAKEN)
            assert site.program.end() == 0

    def test_the_one_with_its_name_whatever_its_address(
        self, driver_name: str, listening, another
    ) -> None:
        with activated(
            driver_name,
            self.workers,
            listening,
            listening,
            another,
            names="other:web",
        ) as site:
            assert site.address == another.getsockname()
            assert site.ask("/show").data["SERVER_PORT"] == str(site.address[1])

    def test_of_several_with_its_name_the_one_at_its_address(
        self, driver_name: str, listening, another
    ) -> None:
        with activated(
            driver_name,
            self.workers,
            listening,
            another,
            listening,
            names="web:web",
        ) as site:
            assert site.address == listening.getsockname()

    def test_none_then_it_listens_by_itself_and_says_so(
        self, driver_name: str, listening
    ) -> None:
        with serving(
            driver_name, workers=self.workers, passing=[listening], names="other"
        ) as site:
            assert site.address != listening.getsockname()
            assert site.ask("/").body == b"hello"
            host, port = listening.getsockname()
            site.program.expect_text(f"descriptor 3 (other) at {host}:{port}")

    def test_a_server_that_a_worker_makes_takes_its_copy(
        self, driver_name: str, listening
    ) -> None:
        with serving(
            driver_name,
            "late",
            workers=self.workers,
            settings=at(listening),
            passing=[listening],
        ) as site:
            site.program.expect_text(TAKEN, self.workers)
            assert site.ask("/").body == b"hello"
            site.program.kill(signal.SIGHUP)
            site.program.expect("serving", 2 * self.workers)
            assert site.ask("/").body == b"hello"


def test_one_socket_of_ipv6_does_for_every_address(driver_name: str) -> None:
    with (
        socket.create_server(
            ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True
        ) as listening,
        serving(
            driver_name,
            settings={"host": "", "port": listening.getsockname()[1]},
            passing=[listening],
        ) as site,
    ):
        assert site.address[0] == "::"
        with Client(("127.0.0.1", site.address[1])) as client:
            assert client.ask("/").body == b"hello"


class TestLife:
    """What becomes of the socket."""

    scenarios = ALL

    def test_it_stays_at_a_reload(self, driver_name: str, listening) -> None:
        with activated(
            driver_name,
            self.workers,
            listening,
            listening,
        ) as site:
            for number in (2, 3):
                site.program.kill(signal.SIGHUP)
                site.program.expect("serving", number * self.workers)
                assert site.ask("/").body == b"hello"
            assert site.program.end() == 0

    def test_who_comes_between_two_lives_is_served_in_the_second(
        self, driver_name: str, listening
    ) -> None:
        plan = {"workers": self.workers, "settings": at(listening)}
        with serving(driver_name, **plan, passing=[listening]) as site:
            assert site.program.end() == 0
        with Client(listening.getsockname()) as client:
            client.send(get("/"))
            with serving(driver_name, **plan, passing=[listening]):
                assert client.answer().body == b"hello"

    def test_the_file_of_one_is_left_to_who_made_it(
        self, driver_name: str, tmp_path
    ) -> None:
        path = tmp_path / "web.sock"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()
            with serving(
                driver_name,
                workers=self.workers,
                settings={"socket_family": socket.AF_UNIX, "socket_file": str(path)},
                passing=[listening],
            ) as site:
                site.program.expect_text(TAKEN)
                assert site.ask("/").body == b"hello"
                assert site.program.end() == 0
            assert path.exists()

    def test_programs_that_are_started_inherit_nothing(
        self, driver_name: str, listening, another
    ) -> None:
        with activated(
            driver_name,
            self.workers,
            listening,
            listening,
            another,
            names="web:other",
        ) as site:
            assert site.ask("/legacy").data == [[], []]


class TestRefusals:
    """What cannot be right is refused when the server is made."""

    @pytest.fixture
    def make(self, driver_name, driver, monkeypatch):  # noqa: ARG002
        """Makes a server in a process to which something was passed."""
        conf = cfg.ConfigOpts()
        conf([], project="web", default_config_files=[])
        conf.register_opt(cfg.StrOpt("backend"), group="oslo_service")
        conf.set_override("backend", driver_name, group="oslo_service")

        def make(**variables: str) -> wsgi.Server:
            variables = {"LISTEN_PID": str(os.getpid()), **variables}
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            return wsgi.Server(conf, "web", lambda *_: [], host="127.0.0.1")

        return make

    @pytest.mark.parametrize("text", ["x", "-1", "1.5", "9" * 20])
    def test_a_number_that_is_none(self, make, text) -> None:
        with pytest.raises(wsgi.InvalidInput, match=rf"LISTEN_FDS .* not '{text}'"):
            make(LISTEN_FDS=text)

    def test_a_pid_that_is_none(self, make) -> None:
        with pytest.raises(wsgi.InvalidInput, match=r"LISTEN_PID .* not 'me'"):
            make(LISTEN_PID="me")

    def test_names_for_more_than_there_is(self, make) -> None:
        with pytest.raises(wsgi.InvalidInput, match=r"LISTEN_FDNAMES .* 0 .*'a:b'"):
            make(LISTEN_FDS="0", LISTEN_FDNAMES="a:b")

    @pytest.mark.parametrize("count", ["9999", "9" * 18])
    def test_a_descriptor_that_is_not_open(self, make, count) -> None:
        with pytest.raises(wsgi.InvalidInput, match=rf"LISTEN_FDS={count}.*not open"):
            make(LISTEN_FDS=count)

    def test_what_is_for_another_process_is_nobodys_business(self, make) -> None:
        server = make(LISTEN_PID="1", LISTEN_FDS="9999")
        assert os.environ["LISTEN_FDS"] == "9999"
        server.stop()

    def test_what_has_the_name_and_does_not_listen(self, driver_name: str) -> None:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            live(driver_name, program=WEB, passing=[datagrams], names="web") as program,
        ):
            assert program.wait() == 1
            program.expect_text(
                "descriptor 3, which LISTEN_FDNAMES calls 'web', is not a socket"
            )
