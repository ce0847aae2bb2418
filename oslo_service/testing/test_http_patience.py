# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: no client holds up another; each has its deadline."""

import contextlib
import resource
import socket
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.http_client import Client, Site, get, serving, write_options

pytestmark = pytest.mark.starts_processes

MEGABYTE = "/whole?1024"


@pytest.fixture
def site(driver_name):
    """A program with one slot for applications."""
    with serving(driver_name, settings={"pool_size": 1}) as site:
        yield site


@pytest.fixture
def hasty(driver_name, tmp_path):
    """One whose clients have a second."""
    arguments = write_options(tmp_path / "web.conf", client_socket_timeout=1)
    with serving(driver_name, arguments=arguments) as site:
        yield site


@contextlib.contextmanager
def clients(site: Site, count: int, data: bytes, **options):
    """Connect so many clients that send something, and nothing more."""
    with contextlib.ExitStack() as stack:
        connected = []
        for _ in range(count):
            client = stack.enter_context(site.client(**options))
            client.send(data)
            connected.append(client)
        yield connected


@contextlib.contextmanager
def sending_without_end(site: Site, data: bytes):
    """Have a client that sends, and reads, as much as it can."""
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), site.client() as client:
                threading.Thread(target=read, args=(client,)).start()
                while not over.is_set():
                    client.send(data)

    def read(client: Client) -> None:
        with contextlib.suppress(OSError):
            while client.socket.recv(1 << 20):
                pass

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class TestSlowClients:
    """With one slot, those who dawdle take none."""

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"GET / HT",
            get("/", "X: y")[:-2],
            get("/echo", "Content-Length: 60000", method="POST") + b"x" * 1000,
            get("/echo", "Transfer-Encoding: chunked", method="POST") + b"5\r\nab",
        ],
        ids=["nothing", "a method", "a head", "a body", "a chunk"],
    )
    def test_others_are_served_meanwhile(self, site: Site, data: bytes) -> None:
        with clients(site, 20, data):
            for _ in range(3):
                assert site.ask("/").body == b"hello"

    def test_those_who_do_not_read_either(self, site: Site) -> None:
        with clients(site, 20, get(MEGABYTE), buffer=4096) as slow:
            for _ in range(3):
                assert site.ask("/").body == b"hello"
            # What they were to get is still there.
            answer = slow[0].answer()
            assert len(answer.body) == 1 << 20

    def test_they_are_served_when_they_go_on(self, site: Site) -> None:
        head = get("/echo", "Content-Length: 3", method="POST")
        with clients(site, 5, head) as slow:
            assert site.ask("/").body == b"hello"
            for client in slow:
                client.send(b"abc")
                assert client.answer().body == b"abc"

    def test_who_waits_for_a_place_gets_one(self, driver_name, tmp_path) -> None:
        gate = tmp_path / "gate"
        with (
            serving(driver_name, settings={"pool_size": 1}, gate=str(gate)) as site,
            contextlib.ExitStack() as stack,
        ):
            first = stack.enter_context(site.client())
            first.send(get("/gate"))
            site.program.expect("in the application")
            others = [stack.enter_context(site.client()) for _ in range(5)]
            for client in others:
                client.send(get("/pid"))
            # Malformed ones need no slot.
            assert site.ask("bad").status == 400
            gate.touch()
            assert first.answer().body == b"through the gate"
            for client in others:
                assert client.answer().status == 200

    def test_who_says_something_while_it_waits_for_a_place_takes_no_other(
        self, driver_name, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with (
            serving(driver_name, settings={"pool_size": 1}, gate=str(gate)) as site,
            site.client() as first,
            site.client() as restless,
            site.client() as last,
        ):
            first.send(get("/gate"))
            site.program.expect("in the application")
            restless.send(get("/pid"))
            for _ in range(3):
                # The answer to somebody else: what was sent before has been seen.
                assert site.ask("bad").status == 400
                restless.send(b"\r\n")
            assert site.ask("bad").status == 400
            last.send(get("/pid"))
            assert site.ask("bad").status == 400
            gate.touch()
            for client in (first, restless, last):
                assert client.answer().status == 200

    def test_who_sends_many_requests_at_once_lets_others_in_between(
        self, driver_name, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with (
            serving(driver_name, settings={"pool_size": 1}, gate=str(gate)) as site,
            site.client() as greedy,
            site.client() as other,
        ):
            greedy.send(get("/gate") + get("/count") * 100)
            site.program.expect("in the application")
            other.send(get("/count"))
            assert site.ask("bad").status == 400
            gate.touch()
            assert int(other.answer().body) < 50
            greedy.answer()
            counts = [int(greedy.answer().body) for _ in range(100)]
            assert counts == sorted(counts)

    @pytest.mark.parametrize("how", ["parameter", "option"])
    def test_there_are_no_more_places_than_that(
        self, driver_name, tmp_path, how
    ) -> None:
        gate = tmp_path / "gate"
        size = 1 if how == "option" else 2
        plan: dict[str, Any] = {}
        plan["arguments"] = write_options(tmp_path / "c", wsgi_default_pool_size=1)
        if how == "parameter":
            plan["settings"] = {"pool_size": size}
        with (
            serving(driver_name, gate=str(gate), **plan) as site,
            clients(site, 4, get("/gate")) as waiting,
        ):
            site.program.expect("in the application", size)
            # The answer to somebody else: what was sent before has been seen.
            assert site.ask("bad").status == 400
            assert len(site.program.events("in the application")) == size
            gate.touch()
            for client in waiting:
                assert client.answer().status == 200

    def test_one_that_blocks_does_not_hold_up_others(
        self, driver_name, tmp_path
    ) -> None:
        gate = tmp_path / "gate"
        with (
            serving(driver_name, settings={"pool_size": 3}, gate=str(gate)) as site,
            contextlib.ExitStack() as stack,
        ):
            blocked = [stack.enter_context(site.client()) for _ in range(2)]
            for client in blocked:
                client.send(get("/gate"))
            site.program.expect("in the application", 2)
            for _ in range(20):
                assert site.ask("/").body == b"hello"
            gate.touch()
            for client in blocked:
                assert client.answer().status == 200


class TestCrowds:
    """Many of them, and one slot."""

    def test_who_dawdles_who_is_silent_and_who_is_deaf(self, site: Site) -> None:
        request = get("/")
        with (
            clients(site, 200, request[:1]) as slow,
            clients(site, 50, b"") as silent,
            clients(site, 50, get(MEGABYTE), buffer=4096) as deaf,
        ):
            for byte in (request[1:2], request[2:3], request[3:4]):
                for client in slow:
                    client.send(byte)
                assert site.ask("/").body == b"hello"
            # Nobody has been forgotten.
            for client in slow:
                client.send(request[4:])
            for client in silent:
                client.send(request)
            for client in (*slow, *silent):
                assert client.answer().body == b"hello"
            for client in deaf:
                assert len(client.answer().body) == 1 << 20

    @pytest.mark.parametrize(
        "data",
        [b"nonsense\r\n\r\n" + b"x" * (1 << 20), get("/") * 20_000],
        ids=["what nobody wants", "requests"],
    )
    def test_who_never_stops_sending(self, site: Site, data: bytes) -> None:
        with sending_without_end(site, data), sending_without_end(site, data):
            times = []
            for _ in range(9):
                begin = time.monotonic()
                assert site.ask("/").body == b"hello"
                times.append(time.monotonic() - begin)
            # Where they have to wait until all is read, these are seconds.
            assert statistics.median(times) < 0.5

    @pytest.mark.usefixtures("descriptors")
    def test_two_thousand_that_are_idle(self, driver_name: str) -> None:
        with (
            serving(driver_name, settings={"pool_size": 1}) as site,
            clients(site, 2000, get("/")) as idle,
        ):
            for client in idle:
                assert client.answer().body == b"hello"
            assert site.ask("/").body == b"hello"
            for client in (idle[0], idle[1000], idle[-1]):
                assert client.ask("/").body == b"hello"
            threads = f"/proc/{site.program.pid}/task"
            assert len(list(Path(threads).iterdir())) < 10
            assert site.program.end() == 0
            assert all(client.ended() for client in idle)

    @pytest.fixture
    def descriptors(self):
        """Enough for the test, and for the program, which inherits them."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limits[1] < 4096:
            pytest.skip("this takes more descriptors than are allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, limits[1]))
        yield
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


class TestLastResponses:
    """After which the connection ends, with a client that takes its time."""

    # Something is behind the last request, so that the server waits for the end.
    LAST = get("/whole?100", "Connection: close") + b"GET"

    def test_who_has_said_all_still_gets_all(self, site: Site) -> None:
        before = site.descriptors()
        with site.client(buffer=4096) as client:
            client.send(self.LAST)
            client.socket.shutdown(socket.SHUT_WR)
            # The server is done with it: everything is up to the kernel.
            site.program.expect_text("GET /whole?100")
            site.program.until(lambda: site.descriptors() == before, "a close")
            assert len(client.rest()) > 100 * 1024

    def test_it_is_not_waited_for_longer_than_a_moment(self, site: Site) -> None:
        before = site.descriptors()
        with site.client(buffer=4096) as client:
            client.send(self.LAST.replace(b"?100", b"?20000"))
            assert len(client.rest()) > 20000 * 1024
            site.program.until(lambda: site.descriptors() == before, "a close")


@pytest.mark.parametrize("data", ["401", "413"])
def test_who_is_refused_in_the_middle_of_an_upload_gets_the_answer(
    site: Site, data: str
) -> None:
    head = get("/unread", f"Content-Length: {10**7}", method="POST")
    if data == "413":
        head = get("/", f"Content-Length: {10**30}", method="POST")
    with site.client() as client:
        client.send(head + b"x" * 70_000)
        # Longer than a server stays that waits for a second in all.
        for _ in range(10):
            time.sleep(0.2)
            client.send(b"x" * 1000)
        answer = client.answer()
        assert answer.status == (403 if data == "401" else 413)
        assert answer.closes
        assert client.ended()


class TestLongRequests:
    """request_timeout and slow_request."""

    @pytest.fixture
    def serve(self, driver_name, tmp_path):
        """Serves with one slot, a gate, and these options."""

        @contextlib.contextmanager
        def serve(**options):
            arguments = write_options(tmp_path / "c", "oslo_service", **options)
            gate = tmp_path / "gate"
            plan = {"settings": {"pool_size": 1}, "gate": str(gate)}
            with serving(driver_name, arguments=arguments, **plan) as site:
                yield site, gate

        return serve

    def test_one_that_takes_too_long_is_a_503(self, serve) -> None:
        with serve(request_timeout=0.5) as (site, gate), site.client() as client:
            client.send(get("/gate") + get("/"))
            answer = client.answer()
            assert (answer.status, answer.body, answer.closes) == (503, b"", True)
            # It is not left open until the application ends.
            assert client.ended()
            site.program.expect_text("has been answered with 503")
            site.program.expect_text("in gate\n")
            gate.touch()
            # It has kept the place until now, and gives it back.
            assert site.ask("/").body == b"hello"
            site.program.expect_text('"GET /gate HTTP/1.1" status: 503')
            assert "the application failed" not in site.program.transcript

    def test_who_waits_for_the_place_is_not_counted(self, serve) -> None:
        with serve(request_timeout=0.5) as (site, gate), site.client() as first:
            first.send(get("/gate"))
            site.program.expect("in the application")
            with site.client() as second:
                second.send(get("/"))
                assert first.answer().status == 503
                gate.touch()
                assert second.answer().body == b"hello"

    def test_where_something_was_sent_it_goes_on(self, serve) -> None:
        with serve(request_timeout=0.5) as (site, gate), site.client() as client:
            client.send(get("/half-gate"))
            site.program.expect_text("GET /half-gate HTTP/1.1 of")
            gate.touch()
            assert client.answer().body == b"half through the gate"
            assert client.ask("/").body == b"hello"

    def test_head_is_answered_without_content(self, serve) -> None:
        with serve(request_timeout=0.5) as (site, gate), site.client() as client:
            client.send(get("/gate", method="HEAD"))
            assert client.answer("HEAD").status == 503
            assert client.ended()
            gate.touch()

    def test_one_that_waits_for_its_body_is_meant_too(self, serve) -> None:
        with serve(request_timeout=0.5) as (site, _), site.client() as client:
            head = get("/measure", "Content-Length: 100000", method="POST")
            client.send(head + b"x" * 70_000)
            assert client.answer().status == 503
            client.send(b"x")
            assert site.ask("/").body == b"hello"
            site.program.expect_text("/measure HTTP/1.1: the request took too long")

    def test_a_slow_one_is_logged_once_while_it_runs(self, serve) -> None:
        with serve(slow_request=0.3) as (site, gate), site.client() as client:
            client.send(get("/gate"))
            site.program.expect_text("GET /gate HTTP/1.1 of")
            site.program.expect_text("in gate\n")
            gate.touch()
            assert client.answer().body == b"through the gate"
            assert client.ask("/").body == b"hello"
            assert site.program.transcript.count("is with the application") == 1

    def test_by_default_they_take_what_time_they_take(self, site: Site) -> None:
        assert site.ask("/").body == b"hello"
        assert "is with the application" not in site.program.transcript


class TestDeadlines:
    """client_socket_timeout."""

    def test_an_idle_client_is_left_silently(self, hasty: Site) -> None:
        with hasty.client() as fresh, hasty.client() as used:
            assert used.ask("/").body == b"hello"
            assert fresh.ended()
            assert used.ended()

    def test_a_head_that_does_not_arrive_is_a_408(self, hasty: Site) -> None:
        with hasty.client() as client:
            client.send(b"GET / HT")
            assert client.answer().status == 408
            assert client.ended()

    def test_its_deadline_is_absolute(self, hasty: Site) -> None:
        with hasty.client() as client:
            client.socket.settimeout(0.1)
            end = time.monotonic() + 20
            client.send(b"GET / HTTP/1.1\r\nX: ")
            while True:
                assert time.monotonic() < end
                client.send(b"y")
                with contextlib.suppress(TimeoutError):
                    assert client.answer().status == 408
                    break

    @pytest.mark.parametrize("size", [10, 100_000])
    def test_a_body_that_does_not_arrive_is_a_408(self, hasty, size) -> None:
        with hasty.client() as client:
            field = f"Content-Length: {size + 1}"
            client.send(get("/measure", field, method="POST") + b"x" * size)
            answer = client.answer()
            assert answer.status == 408
            assert answer.closes

    def test_a_client_that_does_not_read_is_left(self, hasty: Site) -> None:
        with hasty.client(buffer=4096) as client:
            client.send(get("/flood"))
            client.read(1000)
            hasty.program.expect("flood is over")
        assert hasty.ask("/").body == b"hello"

    @pytest.mark.parametrize("seconds", [9999999, 9999999999, 10**400])
    def test_a_time_that_stands_for_none_is_legal(
        self, driver_name: str, tmp_path: Path, seconds: int
    ) -> None:
        arguments = write_options(tmp_path / "web.conf", client_socket_timeout=seconds)
        with (
            serving(driver_name, arguments=arguments) as site,
            site.client() as idle,
        ):
            assert idle.ask("/").body == b"hello"
            assert site.ask("/").body == b"hello"
            assert site.program.end() == 0
            assert "OverflowError" not in site.program.transcript

    def test_an_application_may_take_longer(self, driver_name, tmp_path) -> None:
        arguments = write_options(tmp_path / "web.conf", client_socket_timeout=1)
        gate = tmp_path / "gate"
        with (
            serving(driver_name, arguments=arguments, gate=str(gate)) as site,
            site.client() as client,
            site.client() as idle,
        ):
            client.send(get("/gate"))
            site.program.expect("in the application")
            # A second and more, by the server's own clock.
            assert idle.ended()
            gate.touch()
            assert client.answer().body == b"through the gate"


class TestLimits:
    """What is too long, too much or malformed."""

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (get("/" + "x" * 3000), 414),
            (get("/", "X: " + "y" * 3000), 431),
            (get("/", *(f"X-{n}: y" for n in range(200))), 431),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET /\r\n\r\n", 400),
            (get("/", "Content-Length: +5", method="POST"), 400),
            (get("/", f"Content-Length: {10**30}", method="POST"), 413),
            (get("/", "Expect: miracles"), 417),
            (get("/", "Transfer-Encoding: gzip, chunked", method="POST"), 501),
        ],
    )
    def test_they_are_refused(self, driver_name, tmp_path, data, status) -> None:
        arguments = write_options(tmp_path / "web.conf", max_header_line=1000)
        with (
            serving(
                driver_name, arguments=arguments, settings={"max_url_len": 2000}
            ) as site,
            site.client() as client,
        ):
            client.send(data)
            answer = client.answer()
            assert (answer.status, answer.body) == (status, b"")
            assert answer.closes
            assert site.ask("/" + "x" * 1900).status == 200

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (get("/" + "a" * 100_000), 414),
            (get("/", "X: " + "a" * 100_000), 431),
            (get("/", "a" * 100_000 + ": x"), 431),
            (get("/", method="A" * 100_000), 400),
            (get("/", *(f"X-{number}: y" for number in range(10_000))), 431),
            (
                get("/echo", "Transfer-Encoding: chunked", method="POST")
                + b"1;"
                + b"a" * 100_000
                + b"\r\nx\r\n0\r\n\r\n",
                400,
            ),
        ],
        ids=["target", "value", "name", "method", "many fields", "chunk extension"],
    )
    def test_who_sends_very_long_lines_gets_the_answer(self, site, data, status):
        with site.client() as client:
            client.send(data)
            answer = client.answer()
            assert (answer.status, answer.closes) == (status, True)
            assert client.ended()

    def test_they_may_be_as_large_as_one_likes(self, driver_name, tmp_path) -> None:
        arguments = write_options(tmp_path / "web.conf", max_header_line=400_000)
        with serving(
            driver_name, arguments=arguments, settings={"max_url_len": 400_000}
        ) as site:
            assert site.ask("/?" + "x" * 399_998).status == 200
            assert site.ask("/?" + "x" * 399_999).status == 414
            assert site.ask("/", "X: " + "y" * 399_990).status == 200
            assert site.ask("/", "X: " + "y" * 400_000).status == 431

    def test_tracebacks_are_sent_where_that_is_wanted(
        self, driver_name: str, tmp_path
    ) -> None:
        arguments = write_options(tmp_path / "web.conf", wsgi_server_debug=True)
        with serving(driver_name, arguments=arguments) as site:
            answer = site.ask("/fail-before")
            assert answer.status == 500
            assert b"RuntimeError: it fails as asked" in answer.body
            with site.client() as client:
                client.send(get("/fail-before", "Connection: close", method="HEAD"))
                head = client.rest()
            assert head.startswith(b"HTTP/1.1 500 ")
            assert head.endswith(b"\r\n\r\n")
            assert head.count(b"\r\n\r\n") == 1

    def test_keep_alive_can_be_off(self, driver_name: str, tmp_path) -> None:
        arguments = write_options(tmp_path / "web.conf", wsgi_keep_alive=False)
        with serving(driver_name, arguments=arguments) as site, site.client() as client:
            assert client.ask("/").closes
            assert client.ended()


def test_without_descriptors_it_waits_for_some(driver_name: str) -> None:
    settings = {"descriptors": 64}
    with serving(driver_name, "few descriptors", settings=settings) as site:
        with contextlib.ExitStack() as stack:
            crowd: list[Client] = []
            for _ in range(80):
                client = stack.enter_context(site.client())
                client.send(get("/"))
                crowd.append(client)
            assert crowd[0].answer().body == b"hello"
            site.program.expect_text("accepts nobody for now")
            site.until_idle()
        assert site.ask("/").body == b"hello"
