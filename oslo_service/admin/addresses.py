# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The addresses that the endpoint listens on, as the options say."""

from types import ModuleType

from oslo_service._common import naming, port_numbers
from oslo_service._common.records import Record
from oslo_service.sockets import binding

__all__ = ("Address", "parse")

# More than any crowd: a UNIX socket whose backlog is full refuses clients.
_BACKLOG = 1024
_OWNER_ONLY = 0o600


class Address(Record):
    """An address to listen on: a path, or a host and a port.

    :ivar path: the path of a UNIX socket; None: it is a host and a port.
    :ivar host: the host; empty: all of them.
    :ivar mode: the permissions of the file; None: what the umask leaves.
    """

    path: str | None
    host: str = ""
    port: int = 0
    mode: int | None = None

    @classmethod
    def of_socket(cls, path: str) -> "Address":
        """Return the address of a control socket: for its owner alone."""
        return cls(path, mode=_OWNER_ONLY)

    def __str__(self) -> str:
        if self.path is not None:
            return self.path
        return naming.address(self.host or "*", self.port)

    def listen(self, sockets: ModuleType) -> binding.BoundSocket:
        """Listen there.

        A file that nobody listens on is replaced, one that is in use is not.

        :param sockets: the standard library's module, unpatched.
        :returns: the socket that listens.
        :raises OSError: that is not possible; the message names the address.
        """
        if self.path is None:
            socket = binding.listen_on_address(
                sockets, self.host, self.port, _BACKLOG, None
            )
            return binding.BoundSocket(socket)
        socket = binding.listen_on_path(sockets, self.path, self.mode, _BACKLOG)
        return binding.BoundSocket(socket, self.path)


def parse(text: str) -> Address:
    """Return the address that a value of ``admin_address`` names.

    :raises ValueError: it names none; the message says what would do.
    """
    path = text.removeprefix("unix:")
    if path != text or text.startswith("/"):
        if not path:
            raise ValueError(f"{text!r} has no path")
        return Address(path)
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()):
        raise ValueError(
            f"{text!r} is neither HOST:PORT, such as 127.0.0.1:9001 or [::1]:9001, nor"
            " the path of a UNIX socket, such as /run/service/health.sock"
        )
    bracketed = host.startswith("[") and host.endswith("]")
    return Address(None, host[1:-1] if bracketed else host, port_numbers.read(port))
