# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A client that sends exactly what it is told, and reads exactly one answer."""

import contextlib
import dataclasses
import functools
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from oslo_service.testing.live import WEB, Live, live

__all__ = ("LIMIT", "Answer", "Client", "get", "serving", "sites", "write_options")

#: The most seconds to wait for anything.
LIMIT = 30.0


@dataclasses.dataclass
class Answer:
    """A response.

    :ivar fields: the header fields, by their names in lower case.
    """

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The value of the body, which is JSON."""
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after it."""
        return self.fields.get("connection") == "close"


class Client:
    """A connection to a server.

    :param address: what socket.connect() takes.
    :param buffer: the size of the receive buffer in bytes; 0: that of the system.
    """

    def __init__(self, address: Any, *, buffer: int = 0) -> None:
        kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if not isinstance(address, str) and ":" in address[0]:
            kind = socket.AF_INET6
        self.socket = socket.socket(kind)
        self.socket.settimeout(LIMIT)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        # Not bytes: appending to them copies all of them, which adds up.
        self._data = bytearray()
        try:
            self.socket.connect(address)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def ask(
        self, path: str, *fields: str, method: str = "GET", body: bytes = b""
    ) -> Answer:
        """Send a request, and read the answer."""
        self.send(get(path, *fields, method=method, body=body))
        return self.answer(method)

    def answer(self, method: str = "GET") -> Answer:
        """Read one answer.

        :raises EOFError: the connection ends before that.
        """
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        fields = {}
        for line in lines:
            name, _, value = line.partition(": ")
            fields[name.lower()] = value
        status = int(status_line.split(" ")[1])
        return Answer(status, fields, self._body(status, method, fields))

    def _body(self, status: int, method: str, fields: dict[str, str]) -> bytes:
        if method == "HEAD" or status in (100, 204, 304):
            return b""
        if "content-length" in fields:
            return self.read(int(fields["content-length"]))
        if fields.get("transfer-encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rest()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.read_until(b"\r\n"), 16):
            yield self.read(size)
            assert self.read(2) == b"\r\n"
        assert self.read(2) == b"\r\n"

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes."""
        while len(self._data) < size:
            self._more()
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def read_until(self, end: bytes) -> bytes:
        """Read up to ``end``, and with it."""
        while end not in self._data:
            self._more()
        return self.read(self._data.index(end) + len(end))

    def rest(self) -> bytes:
        """Read to the end of the connection."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()
        return self.read(len(self._data))

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the connection ended after {bytes(self._data[:200])!r}")
        self._data += data

    def ended(self) -> bool:
        """Wait for the end of the connection; return whether nothing came before."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return True


def get(path: str, *fields: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Return a request as bytes.

    :param fields: lines of the head, besides Host and Content-Length.
    """
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def write_options(path: Path, group: str = "DEFAULT", **options: object) -> list[str]:
    """Write a configuration file; return the command line that names it."""
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in options.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["--config-file", str(path)]


class Site:
    """A program that serves HTTP.

    :ivar program: the process.
    :ivar address: the address that it listens on.
    """

    def __init__(self, program: Live, address: Any) -> None:
        self.program = program
        self.address = address

    def client(self, **options: Any) -> Client:
        """Return a new connection."""
        return Client(self.address, **options)

    def ask(self, path: str, *fields: str, **options: Any) -> Answer:
        """Send a request on a connection of its own, and read the answer."""
        with self.client() as client:
            return client.ask(path, "Connection: close", *fields, **options)

    def refuses(self) -> bool:
        """Whether it accepts no connection."""
        try:
            self.client().socket.close()
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        return False

    def cpu_seconds(self) -> float:
        """Return how much CPU time the process has used."""
        stat = Path(f"/proc/{self.program.pid}/stat").read_text(encoding="ascii")
        values = stat.rpartition(")")[2].split()
        return (int(values[11]) + int(values[12])) / 100

    def descriptors(self) -> int:
        """Return how many descriptors the process has."""
        return len(list(Path(f"/proc/{self.program.pid}/fd").iterdir()))

    def until_idle(self) -> None:
        """Wait until it uses no CPU."""
        end = time.monotonic() + LIMIT
        before = -1.0
        while before != (before := self.cpu_seconds()):
            assert time.monotonic() < end, "it never gets idle"
            time.sleep(0.1)


@contextlib.contextmanager
def serving(driver: str, *traits: str, **plan: Any) -> Iterator[Site]:
    """Run the program that serves HTTP; enter when it does.

    :param driver: the name of the driver that it runs on.
    :param traits: what it does otherwise than usual: see :mod:`.programs.web`.
    """
    with live(driver, program=WEB, traits=list(traits), **plan) as program:
        told = program.expect("listening")[0]
        if "bare" not in traits:
            program.expect("serving", plan.get("workers", 1))
        path = told["port"] is None
        address = told["host"] if path else (told["host"], told["port"])
        yield Site(program, address)


@contextlib.contextmanager
def sites() -> Iterator[Callable[..., Site]]:
    """Return a function that starts such a program, once for the same arguments."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def site(driver: str, *traits: str) -> Site:
            return running.enter_context(serving(driver, *traits))

        yield site
