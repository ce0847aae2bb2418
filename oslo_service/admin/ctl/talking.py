# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One request to the control socket, and its response.

In HTTP/1.0: the response ends where the connection does.
"""

import json
import os
import socket
import stat
from collections.abc import Iterator
from typing import Any

from oslo_service._common import digits

__all__ = ("Response", "Unanswered", "ask", "follow")


class Unanswered(Exception):
    """There is no answer."""


class Response:
    """A response.

    :ivar status: its status code.
    :ivar text: its content.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text

    @property
    def good(self) -> bool:
        """Whether what was asked for is so, or is done."""
        return 200 <= self.status < 300

    @property
    def value(self) -> dict[str, Any]:
        """The value of the content, which is JSON.

        :raises Unanswered: it is not what a service answers.
        """
        try:
            found = json.loads(self.text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.strange()
        return found

    def strange(self) -> Unanswered:
        """Return an error: the content is not what a service says."""
        return Unanswered(f"what answers there is no service: {self.text[:80]!r}")


def ask(
    path: str, method: str, target: str, body: Any = None, patience: float | None = None
) -> Response:
    """Ask the process that listens on a control socket.

    :param path: the path of the socket.
    :param body: the content, to be sent as JSON.
    :param patience: how many seconds to wait for anything; None: for ever.
    :raises Unanswered: there is no answer; the message says why.
    """
    with _connect(path, patience) as connection:
        try:
            connection.sendall(_request(method, target, body))
            data = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError as exc:
            raise Unanswered(_why(path, exc)) from exc
    status, content = _parse(data, path)
    return Response(status, content.decode(errors="replace"))


def follow(path: str, target: str, patience: float) -> Iterator[dict[str, Any]]:
    """Return the events of a stream, as they come.

    :raises Unanswered: there are none; the message says why.
    """
    with _connect(path, patience) as connection:
        try:
            connection.sendall(_request("GET", target, None))
            stream = connection.makefile("rb")
            line = stream.readline()
            connection.settimeout(None)
            if b" 200 " not in line:
                raise Unanswered(f"{path} has no stream of events: {line[:80]!r}")
            for line in stream:
                if line.startswith(b"data: "):
                    yield Response(200, line[6:].decode(errors="replace")).value
        except OSError as exc:
            raise Unanswered(_why(path, exc)) from exc


def _connect(path: str, patience: float | None) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(patience)
    try:
        connection.connect(path)
    except OSError as exc:
        connection.close()
        raise Unanswered(_why(path, exc)) from exc
    return connection


def _request(method: str, target: str, body: Any) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    return (
        f"{method} {target} HTTP/1.0\r\nHost: localhost\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def _parse(data: bytes, path: str) -> tuple[int, bytes]:
    head, mark, content = data.partition(b"\r\n\r\n")
    parts = head.split(None, 2)
    status = digits.read(parts[1].decode("latin-1")) if len(parts) > 1 else None
    if not mark or status is None:
        raise Unanswered(
            f"{path} has answered nothing: its process may have just ended, or have"
            " more clients than it serves at a time"
        )
    return status, content


def _why(path: str, error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"{path} does not answer: its process may be held up"
    if isinstance(error, FileNotFoundError):
        return f"there is no {path}: the service does not run, or has no admin_socket"
    if isinstance(error, ConnectionRefusedError):
        if not _is_socket(path):
            return f"{path} is no socket: name that of the service's admin_socket"
        return f"nobody listens on {path}: the service has ended"
    if isinstance(error, PermissionError):
        return f"{path} is for {_owner(path)} alone: ask as that user"
    return f"{path} cannot be asked: {error.strerror or error}"


def _is_socket(path: str) -> bool:
    """Whether there is one; also one that is gone by now."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 - no pathlib
    except OSError:
        return True


def _owner(path: str) -> str:
    """Return who may ask there."""
    try:
        return f"its owner (user id {os.stat(path).st_uid})"  # noqa: PTH116 - no pathlib
    except OSError:  # nor may its folder be looked into
        return "its owner"
