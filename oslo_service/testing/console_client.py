# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A client of the back door, which recognises its prompts."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Any, Self

from oslo_service.testing.live import LIMIT, Live, live

__all__ = ("ConsoleClient", "refused", "with_back_door")

_PROMPT, _MORE = b">>> ", b"... "


class ConsoleClient:
    """A connection to a back door.

    :param where: a port of this host, or the path of a socket.
    """

    def __init__(self, where: int | str) -> None:
        if isinstance(where, int):
            self.socket = socket.create_connection(("127.0.0.1", where), LIMIT)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(LIMIT)
            self.socket.connect(where)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @classmethod
    def inside(cls, where: int | str) -> Self:
        """Connect, and read the greeting; return the client."""
        client = cls(where)
        client.until_prompt()
        return client

    def until_prompt(self) -> str:
        """Read up to the next prompt for a statement; return what came before."""
        found = b""
        while not found.endswith(_PROMPT):
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"the console has ended: {found!r}")
            found += data
        return found.removesuffix(_PROMPT).replace(_MORE, b"").decode()

    def ask(self, *lines: str) -> str:
        """Type the lines of a statement; return what it prints."""
        self.send(*lines)
        return self.until_prompt()

    def stacks(self, arguments: str = "") -> str:
        """Return the stacks of the threads, or greenlets, that tasks run in."""
        shown = self.ask(f"pgt({arguments})")
        return self.ask(f"pnt({arguments})") if "There are none" in shown else shown

    def send(self, *lines: str) -> None:
        """Type lines."""
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())

    def rest(self) -> bytes:
        """Read to the end of the connection; return what came."""
        seen = b""
        with contextlib.suppress(ConnectionError):
            while data := self.socket.recv(65536):
                seen += data
        return seen

    def ended(self) -> bool:
        """Wait for the end of the console.

        :raises TimeoutError: it does not end in time.
        """
        self.rest()
        return True

    def reset(self) -> None:
        """Close the connection by RST, as when a machine fails."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()


def refused(where: int | str) -> bool:
    """Whether nothing listens there."""
    try:
        ConsoleClient(where).socket.close()
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    return False


@contextlib.contextmanager
def with_back_door(
    driver: str, home: Any, option: str, value: object, **plan: Any
) -> Iterator[Live]:
    """Run a program whose configuration file sets an option of the back door."""
    file = home / "back-door.conf"
    file.write_text(f"[DEFAULT]\n{option} = {value}\n")
    with live(driver, arguments=["--config-file", str(file)], **plan) as program:
        yield program
