# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: wsgi.Server answers requests as HTTP/1.1 and PEP 3333 have it."""

import contextlib
import hashlib
from pathlib import Path

import pytest

from oslo_service.testing import _drivers
from oslo_service.testing.http_client import Client, Site, get, sites

pytestmark = pytest.mark.starts_processes

CHUNKED = "Transfer-Encoding: chunked"
CLOSE = "Connection: close"
# It has a size, and sendfile(2) refuses it: EINVAL.
UNSENDABLE = Path("/proc/config.gz")


@pytest.fixture(scope="module", name="sites", params=["epoll", "portable"])
def running_sites(request):
    """The programs that serve, by driver: one each is enough.

    Once as on Linux, once as where there is no epoll.
    """
    with sites() as site:
        yield lambda driver, *traits: site(driver, request.param, *traits)


@pytest.fixture
def site(sites, driver_name):
    """The program that serves on this driver."""
    return sites(driver_name)


@pytest.fixture
def client(site):
    """A connection to it."""
    with site.client() as client:
        yield client
        # Whatever the test did: the server goes on.
        assert site.ask("/").body == b"hello"


class TestRequests:
    """What the application is told, and what the client gets."""

    def test_get(self, client: Client) -> None:
        answer = client.ask("/")
        assert (answer.status, answer.body) == (200, b"hello")
        assert answer.fields["content-length"] == "5"
        assert "date" in answer.fields
        assert not answer.closes

    def test_the_environment_is_what_the_request_says(self, client: Client) -> None:
        environ = client.ask("/a%20b/%C3%A9?q=%20", "X-One: 1", "X-One: 2").data
        assert environ["REQUEST_METHOD"] == "GET"
        assert environ["SCRIPT_NAME"] == ""
        assert environ["PATH_INFO"] == "/a b/\xc3\xa9"
        assert environ["RAW_PATH_INFO"] == "/a%20b/%C3%A9"
        assert environ["QUERY_STRING"] == "q=%20"
        assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        assert environ["HTTP_HOST"] == "test"
        assert environ["HTTP_X_ONE"] == "1,2"
        assert environ["REMOTE_ADDR"] == "127.0.0.1"
        assert environ["SERVER_NAME"] == "127.0.0.1"
        assert environ["SERVER_PORT"] == str(client.socket.getpeername()[1])
        assert environ["wsgi.url_scheme"] == "http"
        assert "CONTENT_LENGTH" not in environ

    def test_an_underscore_never_passes_for_a_dash(self, client: Client) -> None:
        environ = client.ask("/show", "X_Role: admin", "X-Role: none").data
        assert environ["HTTP_X_ROLE"] == "none"

    def test_post_with_a_length(self, client: Client) -> None:
        assert client.ask("/echo", method="POST", body=b"abc").body == b"abc"
        assert client.ask("/").body == b"hello"

    def test_post_in_chunks_with_trailers(self, client: Client) -> None:
        client.send(get("/echo", CHUNKED, method="POST"))
        client.send(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Role: admin\r\n\r\n")
        assert client.answer().body == b"abcde"
        assert "HTTP_X_ROLE" not in client.ask("/show").data

    @pytest.mark.parametrize("pieces", [b"a\nb\nc", b"a\n" * 100_000])
    def test_the_body_has_lines(self, client: Client, pieces: bytes) -> None:
        count = b"%d" % len(pieces.splitlines())
        assert client.ask("/lines", method="POST", body=pieces).body == count

    def test_head_has_the_fields_and_no_body(self, client: Client) -> None:
        answer = client.ask("/", method="HEAD")
        assert answer.fields["content-length"] == "5"
        assert client.ask("/").body == b"hello"

    def test_expect_100_continue(self, client: Client) -> None:
        head = get("/echo", "Expect: 100-continue", "Content-Length: 3", method="POST")
        client.send(head)
        assert client.answer().status == 100
        client.send(b"abc")
        assert client.answer().body == b"abc"

    def test_a_large_body_is_asked_for_when_it_is_read(self, client: Client) -> None:
        size = 1_000_000
        fields = ("Expect: 100-continue", f"Content-Length: {size}")
        client.send(get("/measure", *fields, method="POST"))
        assert client.answer().status == 100
        client.send(b"x" * size)
        assert client.answer().data["length"] == size
        client.send(get("/unread", *fields, method="POST"))
        refused = client.answer()
        assert refused.status == 403
        assert refused.closes

    def test_a_body_is_not_asked_for_within_a_response(self, client: Client) -> None:
        size = 100_000
        fields = ("Expect: 100-continue", f"Content-Length: {size}")
        client.send(get("/early", *fields, method="POST"))
        head = client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        client.send(b"x" * size)
        assert b"100 Continue" not in client.rest()

    def test_pipelined_requests_are_answered_in_order(self, client: Client) -> None:
        client.send(
            get("/echo", method="POST", body=b"one")
            + get("/fail-not?2")
            + get("/echo", CHUNKED, method="POST")
            + b"5\r\nthree\r\n0\r\n\r\n"
            + get("/", CLOSE)
            + get("/never")
        )
        assert client.answer().body == b"one"
        assert client.answer().data["QUERY_STRING"] == "2"
        assert client.answer().body == b"three"
        last = client.answer()
        assert last.body == b"hello"
        assert last.closes
        assert client.ended()

    def test_http_1_0_ends_the_connection(self, client: Client) -> None:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = client.answer()
        assert answer.body == b"hello"
        assert answer.closes
        assert client.ended()

    def test_http_1_0_may_ask_to_keep_it(self, client: Client) -> None:
        for _ in range(2):
            client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert client.answer().fields["connection"] == "keep-alive"

    def test_a_stream_to_http_1_0_ends_with_the_connection(self, client) -> None:
        client.send(b"GET /stream?3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = client.answer()
        assert answer.closes
        assert len(answer.body) == 3072

    def test_absolute_form(self, client: Client) -> None:
        client.send(b"GET http://other:80/a?b HTTP/1.1\r\nHost: test\r\n\r\n")
        environ = client.answer().data
        assert environ["PATH_INFO"] == "/a"
        assert environ["HTTP_HOST"] == "other:80"

    def test_a_method_that_is_not_known_is_a_501(self, client: Client) -> None:
        client.send(get("/") + get("/", method="BREW"))
        assert client.answer().body == b"hello"
        refused = client.answer()
        assert refused.status == 501
        assert refused.closes

    def test_options_of_the_server(self, client: Client) -> None:
        assert client.ask("*", method="OPTIONS").data["PATH_INFO"] == ""

    def test_a_wish_for_another_protocol_is_ignored(self, client: Client) -> None:
        wish = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
        client.send(get("/echo", *wish, method="POST", body=b"abc") + get("/"))
        assert client.answer().body == b"abc"
        assert client.answer().body == b"hello"

    def test_what_is_left_of_a_body_is_skipped(self, client: Client) -> None:
        client.send(get("/unread", method="POST", body=b"z" * 200_000) + get("/"))
        assert client.answer().body == b"unread"
        assert client.answer().body == b"hello"


class TestResponses:
    """How the body of a response ends."""

    def test_a_stream_is_chunked(self, client: Client) -> None:
        answer = client.ask("/stream?100")
        assert answer.fields["transfer-encoding"] == "chunked"
        assert len(answer.body) == 102_400
        assert client.ask("/").body == b"hello"

    def test_a_large_one_in_one_piece(self, client: Client) -> None:
        assert len(client.ask("/whole?5000").body) == 5_120_000

    def test_write(self, client: Client) -> None:
        assert client.ask("/write").body == b"written, returned"

    @pytest.mark.parametrize("kind", ["bytearray", "memoryview"])
    def test_what_can_be_used_as_bytes(self, client: Client, kind: str) -> None:
        assert client.ask(f"/bytes-like?{kind}").body == b"written, returned"

    def test_a_status_without_a_phrase_has_its_space(self, client: Client) -> None:
        client.send(get("/bare-status"))
        assert client.read_until(b"\r\n") == b"HTTP/1.1 200 \r\n"
        assert client.read_until(b"bare").endswith(b"bare")

    def test_a_file_is_sent_from_where_it_stands(self, client: Client) -> None:
        answer = client.ask("/file?3000")
        assert answer.fields["content-length"] == str(3000 * 1024 - 512)
        assert len(answer.body) == 3000 * 1024 - 512
        assert client.ask("/").body == b"hello"

    @pytest.mark.parametrize("kind", ["buffered", "unbuffered", "named", "spooled"])
    def test_the_system_sends_it_by_itself(self, client: Client, kind: str) -> None:
        assert client.ask(f"/unread-file?{kind}").body == b"x" * 300 * 1024
        assert client.ask("/how-far").body == b"0"

    @pytest.mark.parametrize(
        "kind",
        [
            "gzip",
            "bz2",
            "lzma",
            "buffered gzip",
            "limited",
            "shouting",
            "replaced",
        ],
    )
    def test_one_that_reads_otherwise_is_read(self, client: Client, kind: str) -> None:
        content = b"".join(b"line %d\n" % number for number in range(20_000))
        if kind == "limited":
            content = content[:1000]
        elif "gzip" not in kind and kind not in {"bz2", "lzma"}:
            content = content.upper()
        answer = client.ask(f"/changing-file?{kind.replace(' ', '%20')}")
        assert answer.body == content
        assert client.ask("/").body == b"hello"

    @pytest.mark.parametrize("how", ["", "read"])
    def test_a_part_of_it_is_no_fault(self, site, client: Client, how: str) -> None:
        answer = client.ask(f"/part-of-file?{how}")
        assert answer.body == (bytes(range(256)) * 5)[256:1256]
        assert client.ask("/").body == b"hello"
        assert f"/part-of-file?{how} HTTP/1.1: the body" not in site.program.transcript

    @pytest.mark.skipif(
        not UNSENDABLE.exists(), reason=f"this kernel does not have {UNSENDABLE}"
    )
    def test_one_that_the_system_cannot_send_is_read(self, client: Client) -> None:
        answer = client.ask(f"/existing-file?{UNSENDABLE}")
        assert answer.body == UNSENDABLE.read_bytes()
        assert client.ask("/").body == b"hello"

    def test_no_content(self, client: Client) -> None:
        answer = client.ask("/empty")
        assert answer.status == 204
        assert "content-length" not in answer.fields
        assert client.ask("/").body == b"hello"

    def test_a_stream_takes_constant_memory(self, client: Client) -> None:
        before = int(client.ask("/peak").body)
        client.send(get("/stream?300000", CLOSE))
        client.read_until(b"\r\n\r\n")
        received = 0
        while data := client.socket.recv(1 << 20):
            received += len(data)
        assert received > 300_000 * 1024 - (1 << 20)
        with Client(client.socket.getpeername()) as other:
            assert int(other.ask("/peak").body) - before < 20_000

    def test_so_does_one_that_is_not_read(self, site: Site) -> None:
        before = int(site.ask("/peak").body)
        with site.client(buffer=4096) as client:
            client.send(get("/stream?300000"))
            client.read(1000)
            site.until_idle()
            assert int(site.ask("/peak").body) - before < 20_000

    def test_an_upload_takes_constant_memory(self, client: Client) -> None:
        size, piece = 300_000 * 1024, b"u" * (1 << 20)
        before = int(client.ask("/peak").body)
        client.send(get("/measure", f"Content-Length: {size}", method="POST"))
        digest = hashlib.sha256()
        left = size
        while left:
            data = piece[:left]
            digest.update(data)
            client.send(data)
            left -= len(data)
        answer = client.answer().data
        assert answer["length"] == size
        assert answer["digest"] == digest.hexdigest()
        assert answer["peak"] - before < 20_000

    def test_a_reader_that_is_slow_slows_the_generator(self, site) -> None:
        with site.client(buffer=4096) as client:
            client.send(get("/flood"))
            client.read(1000)
        site.program.expect("flood is over")
        assert site.ask("/").body == b"hello"


class TestFaults:
    """Applications that do not do what they should."""

    @pytest.mark.parametrize(
        "path",
        ["fail-before", "exit", "no-start", "two-starts", "bad-status", "text", "hop"],
    )
    def test_a_failure_before_the_first_byte_is_a_500(self, client, path) -> None:
        answer = client.ask(f"/{path}")
        assert answer.status == 500
        assert answer.body == b""

    @pytest.mark.parametrize("query", ["", "101"])
    def test_a_websocket_that_cannot_be_is_a_501(self, client, query: str) -> None:
        wish = ("Connection: Upgrade", "Upgrade: websocket")
        assert client.ask(f"/websocket?{query}", *wish).status == 501

    def test_one_after_it_is_seen_as_an_abort(self, client: Client) -> None:
        client.send(get("/fail-after"))
        with pytest.raises((EOFError, ConnectionResetError)):
            client.answer()

    def test_where_the_end_is_the_connections_too(self, client: Client) -> None:
        client.send(b"GET /fail-after HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.answer()

    def test_a_second_status_is_legal_with_exc_info(self, client: Client) -> None:
        answer = client.ask("/second-start")
        assert (answer.status, answer.body) == (503, b"sorry")

    @pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\r", "a\0b"])
    def test_response_splitting_is_refused(self, client: Client, text: str) -> None:
        answer = client.ask(f"/split?{text.encode().hex()}")
        assert answer.status == 500
        assert "x-evil" not in answer.fields

    def test_a_close_that_fails_changes_nothing(self, site, client: Client) -> None:
        assert client.ask("/bad-close").body == b"closing"
        assert client.ask("/").body == b"hello"
        assert site.program.expect("closed")

    def test_too_much_is_cut(self, site: Site, client: Client) -> None:
        assert client.ask("/too-much").body == b"123"
        assert client.ask("/").body == b"hello"
        site.program.expect_text("the body is longer than its Content-Length")

    @pytest.mark.parametrize(
        ("method", "query"), [("HEAD", ""), ("GET", "204"), ("GET", "200&70000")]
    )
    def test_what_cannot_be_sent_is_not_asked_for(
        self, site: Site, client: Client, method: str, query: str
    ) -> None:
        over = len(site.program.events("flood is over"))
        answer = client.ask(f"/flood?{query}", method=method)
        assert len(answer.body) == (70_000 if "&" in query else 0)
        assert client.ask("/").body == b"hello"
        assert site.program.expect("flood is over", over + 1)

    def test_too_little_ends_the_connection(self, site: Site, client: Client) -> None:
        client.send(get("/too-little") + get("/"))
        with pytest.raises(EOFError):
            client.answer()
        site.program.expect_text("3 bytes were sent, and Content-Length is 9")

    def test_a_client_that_leaves_in_a_body_is_no_failure(self, site: Site) -> None:
        with site.client() as client:
            client.send(get("/measure", "Content-Length: 999999", method="POST"))
            client.send(b"x" * 100_000)
        site.program.expect_text("POST /measure HTTP/1.1: the client")
        assert site.ask("/").body == b"hello"

    def test_tracebacks_are_for_the_log(self, site: Site, client: Client) -> None:
        assert b"Traceback" not in client.ask("/fail-before").body
        site.program.expect_text("RuntimeError: it fails as asked")


class TestValidation:
    """What the standard library's validator finds."""

    @pytest.mark.parametrize(
        ("path", "body"),
        [("/", b""), ("/echo", b"abc"), ("/stream?5", b""), ("/write", b"")],
    )
    def test_it_is_content(self, sites, driver_name, path, body) -> None:
        method = "POST" if body else "GET"
        answer = sites(driver_name, "validated").ask(path, method=method, body=body)
        assert answer.status == 200

    def test_with_a_chunked_body_and_the_server_as_target(
        self, sites, driver_name: str
    ) -> None:
        with sites(driver_name, "validated").client() as client:
            client.send(get("/echo", CHUNKED, method="POST"))
            client.send(b"3\r\nabc\r\n0\r\n\r\n")
            assert client.answer().body == b"abc"
            assert client.ask("*", method="OPTIONS").status == 200


class TestTraces:
    """What an application leaves behind is not for others."""

    def test_each_request_sees_a_fresh_copy_of_the_servers_context(
        self, site: Site, client: Client
    ) -> None:
        for said in ("one", "two", "three"):
            for asked in (client, site):
                found = asked.ask(f"/leave?{said}").data
                assert found["variable"] == "the server's"

    @pytest.mark.parametrize("where", ["local", "thread", "named"])
    def test_where_tasks_take_turns_nothing_of_another_connection_is_seen(
        self, site: Site, client: Client, driver_name: str, where: str
    ) -> None:
        if _drivers.capabilities(driver_name).parallel:
            pytest.skip("there, they live as long as the thread")
        untouched = {"variable": "the server's", "local": "nothing"}
        for turn in range(3):
            client.ask(f"/leave?{where}{turn}")
            assert site.ask("/leave").data == {
                **untouched,
                "thread": "nothing",
                "named": False,
            }

    def test_nor_where_requests_come_in_a_row(self, site, driver_name: str) -> None:
        if _drivers.capabilities(driver_name).parallel:
            pytest.skip("there, they live as long as the thread")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(site.client()) for _ in range(10)]
            for client in clients:
                client.send(get("/leave?local") * 3 + get("/"))
            for client in clients:
                first = client.answer().data
                assert first["local"] == "nothing"
                assert [client.answer().status for _ in range(3)] == [200] * 3


class TestAroundRequests:
    """What is entered before each request, and left after it."""

    @pytest.fixture
    def site(self, sites, driver_name):
        return sites(driver_name, "cleaned")

    def test_it_removes_what_the_next_one_is_not_to_see(self, site, client) -> None:
        for asked in (client, site, client):
            assert asked.ask("/leave?local").data["local"] == "nothing"

    def test_it_is_in_the_thread_of_the_request_until_the_end(
        self, site, client: Client
    ) -> None:
        client.ask("/stream?2")
        [entered] = site.program.expect("entered", path="/stream")
        [left] = site.program.expect("left", path="/stream")
        assert left["thread"] == entered["thread"]

    @pytest.mark.parametrize("path", ["/no-entry", "/fail-before", "/exit"])
    def test_a_failure_in_it_or_below_is_a_500(self, client, path: str) -> None:
        assert client.ask(path).status == 500

    def test_so_is_one_that_it_suppresses(self, site, client: Client) -> None:
        assert client.ask("/fail-before?suppress").status == 500
        site.program.expect_text("a failure was suppressed")
