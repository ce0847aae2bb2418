# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An application's answer, as the bytes that a client gets."""

import logging
from pathlib import Path
from typing import Any

import pytest

from oslo_service.http import environ
from oslo_service.http.access_log import AccessLog
from oslo_service.http.file_wrapper import FileWrapper
from oslo_service.http.gateway import Gateway
from oslo_service.http.request import Request

TEXT = [("Content-Type", "text/plain")]


class Template(str):
    """A format that counts how often it is used."""

    __slots__ = ("count",)

    def __mod__(self, values: object) -> str:
        self.count = getattr(self, "count", 0) + 1
        return str(values)


class Client:
    """Keeps what is sent.

    :param sends: how many bytes of a file the system sends; 0, as with TLS: none.
    """

    remote = ("192.0.2.1", "1234")
    server_environ = environ.of_server("a", "80", tls=False, multiprocess=False)

    def __init__(self, *, sends: int = 0) -> None:
        self._sends = sends
        self.sent = b""
        self.aborted = False

    def send(self, *parts: bytes) -> None:
        """Keep it."""
        self.sent += b"".join(parts)

    send_parts = send

    def will_close(self) -> bool:
        """Whether the connection ends: it does not."""
        return False

    def own_host(self) -> None:
        """Be called what the server listens on."""

    def throttle(self) -> None:
        """Have all the room in the world."""

    def abort(self) -> None:
        """Record it."""
        self.aborted = True

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Read it, in place of the system."""
        path = Path(f"/proc/self/fd/{fd}")
        data = path.read_bytes()[offset:][: min(count, self._sends)]
        self.sent += data
        return len(data)

    @property
    def body(self) -> bytes:
        """What follows the head."""
        return self.sent.partition(b"\r\n\r\n")[2]


def answer(application: Any, client: Client) -> bool:
    """Have a GET answered; return whether the connection ends with that."""
    log = AccessLog(logging.getLogger("gateway"), "%(request_line)s")
    request = Request("GET", "/", "1.1", {})
    return Gateway(application, log, debug=False).answer(request, client, 0.0)


@pytest.mark.parametrize("sends", [0, 2, 100])
class TestFiles:
    """wsgi.file_wrapper, where the system sends nothing, a part, or all of it."""

    @pytest.fixture
    def client(self, sends: int) -> Client:
        return Client(sends=sends)

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "file"
        path.write_bytes(b"abcdef")
        return path

    def test_a_file_is_sent_with_its_length(self, client, path) -> None:
        def application(_environ: Any, start: Any) -> Any:
            start("200 OK", TEXT)
            return FileWrapper(path.open("rb"))

        assert not answer(application, client)
        assert b"Content-Length: 6\r\n" in client.sent
        assert client.body == b"abcdef"

    def test_one_that_is_shorter_than_was_declared_ends_the_connection(
        self, client, path
    ) -> None:
        def application(_environ: Any, start: Any) -> Any:
            start("200 OK", [*TEXT, ("Content-Length", "9")])
            return FileWrapper(path.open("rb"))

        assert answer(application, client)
        assert client.body == b"abcdef"

    def test_one_that_is_longer_is_cut(self, client, path) -> None:
        def application(_environ: Any, start: Any) -> Any:
            start("200 OK", [*TEXT, ("Content-Length", "3")])
            return FileWrapper(path.open("rb"))

        assert not answer(application, client)
        assert client.body == b"abc"

    def test_what_was_written_before_stays_in_front(self, client, path) -> None:
        def application(_environ: Any, start: Any) -> Any:
            start("200 OK", TEXT)(b"first, ")
            return FileWrapper(path.open("rb"))

        assert not answer(application, client)
        assert client.sent.count(b"HTTP/1.1") == 1
        assert client.body == b"7\r\nfirst, \r\n6\r\nabcdef\r\n0\r\n\r\n"

    def test_one_whose_size_says_nothing_is_read_to_its_end(self, client) -> None:
        def application(_environ: Any, start: Any) -> Any:
            start("200 OK", TEXT)
            return FileWrapper(Path("/proc/self/status").open("rb"))

        assert not answer(application, client)
        assert b"\nPid:" in client.body


def test_a_file_that_becomes_shorter_while_it_is_read_is_seen_as_an_abort(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")

    class Shrinking(FileWrapper):
        """Is cut when its size has been seen."""

        def region(self) -> Any:
            seen = super().region()
            path.write_bytes(b"abc")
            return seen

    def application(_environ: Any, start: Any) -> Any:
        start("200 OK", TEXT)
        return Shrinking(path.open("rb"))

    client = Client()
    assert answer(application, client)
    assert client.aborted


def test_what_is_written_after_the_end_is_never_sent() -> None:
    class Late:
        """Writes once more, when it is closed."""

        def __init__(self, write: Any) -> None:
            self._write = write

        def __iter__(self) -> Any:
            return iter([b"on time"])

        def close(self) -> None:
            """Write."""
            self._write(b"too late")

    def application(_environ: Any, start: Any) -> Any:
        return Late(start("200 OK", TEXT))

    client = Client()
    answer(application, client)
    assert client.body == b"7\r\non time\r\n0\r\n\r\n"


@pytest.mark.parametrize(("level", "count"), [(logging.INFO, 1), (logging.WARNING, 0)])
def test_where_the_log_is_off_no_line_is_made(level: int, count: int) -> None:
    def application(_environ: Any, start: Any) -> Any:
        start("200 OK", TEXT)
        return [b"x"]

    logger = logging.getLogger("gateway.access")
    logger.setLevel(level)
    template = Template("%(request_line)s")
    log = AccessLog(logger, template)
    assert log.enabled() is (count > 0)
    Gateway(application, log, debug=False).answer(
        Request("GET", "/", "1.1", {}), Client(), 0.0
    )
    assert getattr(template, "count", 0) == count
