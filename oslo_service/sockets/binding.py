# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Listening sockets that are bound here: to an address of the network, or a path."""

import errno
import os
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

from oslo_service._common import naming
from oslo_service._common.fork_safety import OwnLock

__all__ = ("BoundSocket", "listen_on_address", "listen_on_path")


class BoundSocket:
    """A socket that is bound and listens, and the file that it may have.

    :ivar socket: the socket.
    :ivar path: that of its file; None: it has none.
    :ivar name: what listens with it, for the log.
    """

    name = ""

    def __init__(self, socket: Any, path: str | None = None) -> None:
        self.socket = socket
        self.path = path
        self._lock = OwnLock()
        self._pid = os.getpid()

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return bool(self.socket.fileno() < 0)

    def address(self) -> tuple[str, int | None]:
        """Return where it listens: the address and the port; or the path, and None."""
        address = self.socket.getsockname()
        if isinstance(address, tuple):
            return address[0], address[1]
        return os.fsdecode(address), None

    def duplicate(self) -> int | None:
        """Return a new descriptor for the socket; None: it is closed."""
        with self._lock:
            return None if self.closed else os.dup(self.socket.fileno())

    def close(self) -> None:
        """Close it, and remove the file where this process made it."""
        with self._lock:
            self.socket.close()
        self.remove_file()

    def remove_file(self) -> None:
        """Remove the file where this process made it, and where there is one.

        When this returns, it is gone, also where another thread removes it: the
        process may end next.
        """
        if self._pid != os.getpid():
            return
        with self._lock:
            path, self.path = self.path, None
            if path is not None:
                Path(path).unlink(missing_ok=True)


def listen_on_address(
    sockets: ModuleType, host: str | None, port: int, backlog: int, family: int | None
) -> Any:
    """Return a socket that listens on an address of the network.

    :param sockets: the standard library's module ``socket``, unpatched.
    :param host: a name or address; None or empty: all addresses.
    :param port: 0 takes any free one.
    :param backlog: how many clients the system keeps waiting to be accepted.
    :param family: that of the address; None or 0: whatever ``host`` has.
    :raises OSError: that is not possible; the message names the address.
    """
    where = naming.address(host or "*", port)
    try:
        found = sockets.getaddrinfo(
            host or None,
            port,
            family or sockets.AF_UNSPEC,
            sockets.SOCK_STREAM,
            flags=sockets.AI_PASSIVE,
        )
    except OSError as exc:
        raise OSError(exc.errno, f"cannot listen on {where}: {exc.strerror}") from exc
    kind, _, protocol, _, address = found[0]
    socket = sockets.socket(kind, sockets.SOCK_STREAM, protocol)
    try:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        # Inherited by the sockets of clients: small packets are not held back.
        socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        _listen(socket, address, backlog, where)
    except BaseException:
        socket.close()
        raise
    return socket


def listen_on_path(
    sockets: ModuleType, path: str, mode: int | None, backlog: int
) -> Any:
    """Return a UNIX socket that listens; a file that nobody listens on is replaced.

    :param sockets: the standard library's module ``socket``, unpatched.
    :param path: the path of the file.
    :param mode: the permissions of the file; None: what the umask leaves.
    :param backlog: how many clients the system keeps waiting to be accepted.
    :raises OSError: that is not possible; the message names the path.
    """
    socket = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        if _is_stale(sockets, path):
            Path(path).unlink()
        if mode is not None:
            _narrow(socket, mode)
        socket.bind(path)
        if mode is not None:
            Path(path).chmod(mode)  # before anybody can connect
        socket.listen(backlog)
    except OSError as exc:
        socket.close()
        reason = _other_file(path) if exc.errno == errno.EADDRINUSE else None
        # A path that is too long has no strerror.
        reason = reason or exc.strerror or str(exc)
        raise OSError(exc.errno, f"cannot listen on {path}: {reason}") from exc
    return socket


def _other_file(path: str) -> str | None:
    """Describe what is at a path; None: a socket, or nothing."""
    try:
        mode = Path(path).lstat().st_mode
    except OSError:
        return None
    if stat.S_ISSOCK(mode):
        return None
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISLNK, "a symbolic link"))
    kind = next((name for is_it, name in kinds if is_it(mode)), "a file")
    return f"{kind} is there, which is no socket, and is left as it is"


def _listen(socket: Any, address: Any, backlog: int, where: str) -> None:
    try:
        socket.bind(address)
        socket.listen(backlog)
    except OSError as exc:
        raise OSError(exc.errno, f"cannot listen on {where}: {exc.strerror}") from exc


def _narrow(socket: Any, mode: int) -> None:
    """Have the file created with no more than these permissions.

    Linux gives it those of the socket, less the umask. Elsewhere, too, nobody can
    connect before they are set, as nobody listens yet.
    """
    try:
        os.fchmod(socket.fileno(), mode)
    except OSError:
        pass


def _is_stale(sockets: ModuleType, path: str) -> bool:
    """Whether a path is a socket that nobody listens on."""
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return False
    except FileNotFoundError:
        return False
    probe = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        probe.setblocking(False)
        return bool(probe.connect_ex(path) == errno.ECONNREFUSED)
    finally:
        probe.close()
