# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The server of the back door: it listens, and serves each client in a task.

A process has one for each address, however many launchers ask for it. It serves until
the process ends, to show also what hangs while that stops. It does not cross a fork.
"""

import atexit
import errno
import functools
import logging
import os
from collections.abc import Callable
from typing import Any

from oslo_service._common.fork_safety import PerProcess
from oslo_service.backdoor.address import BackdoorAddress
from oslo_service.backend.base import Driver, Task
from oslo_service.sockets import binding, open_sockets

__all__ = ("BackdoorServer", "close_all", "open_at")

LOG = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_BACKLOG = 8
_OWNER_ONLY = 0o600
# How long no client is accepted after accepting has failed, in seconds.
_PAUSE_AFTER_ERROR = 1.0


class BackdoorServer:
    """Listens, and serves clients, until the process ends.

    :param driver: the driver to run on.
    :param listener: the socket that listens.
    :param serve: serves a client, given its socket, in a task of its own.
    :ivar address: the port, or the path.
    :ivar task: the task that accepts clients, once it is open.
    """

    def __init__(
        self,
        driver: Driver,
        listener: binding.BoundSocket,
        serve: Callable[[Any], object],
    ) -> None:
        self.address: int | str = (
            listener.socket.getsockname()
            if listener.path is not None
            else listener.socket.getsockname()[1]
        )
        self._driver = driver
        self._listener = listener
        self._serve_client = serve
        self._closing = False
        self._clients: set[Any] = set()
        self.task: Task

    def open(self) -> None:
        """Accept clients; non-blocking.

        :raises OSError: the system has no room for another task.
        """
        self._listener.socket.setblocking(False)
        try:
            self.task = self._driver.spawn(self._accept_all, name="back door")
        except RuntimeError as exc:
            self._listener.close()
            raise OSError(errno.EAGAIN, str(exc)) from exc

    def close(self) -> None:
        """Accept no further clients, and remove the file that this process made."""
        self._closing = True
        shut = self._driver.original("socket").SHUT_RDWR
        for socket in (self._listener.socket, *self._clients):
            try:
                socket.shutdown(shut)  # wakes the task that waits for it
            except OSError:
                continue
        self._listener.remove_file()

    def after_fork(self) -> None:
        """Close what is the parent's, in a freshly forked process."""
        for socket in (self._listener.socket, *self._clients):
            socket.close()

    def _accept_all(self) -> None:
        try:
            while not self._closing:
                self._driver.wait_ready([self._listener.socket.fileno()])
                self._accept()
        finally:
            self._listener.close()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.socket.accept()
        except (BlockingIOError, ConnectionError):  # the client has gone
            return
        except OSError as exc:
            if not self._closing:
                LOG.warning("The back door accepts no client for a second: %s", exc)
                self._driver.sleep(_PAUSE_AFTER_ERROR)
            return
        self._clients.add(client)
        try:
            self._driver.spawn(
                functools.partial(self._serve, client), name="back door console"
            )
        except RuntimeError as exc:
            LOG.warning("The back door refuses a client: %s", exc)
            self._close_client(client)

    def _serve(self, client: Any) -> None:
        try:
            client.setblocking(False)
            self._serve_client(client)
        except Exception:
            LOG.exception("A console of the back door failed")
        finally:
            self._close_client(client)

    def _close_client(self, client: Any) -> None:
        self._clients.discard(client)
        client.close()


def _forget_all(servers: dict[BackdoorAddress, BackdoorServer]) -> None:
    while servers:
        servers.popitem()[1].after_fork()


_servers: PerProcess[dict[BackdoorAddress, BackdoorServer]] = PerProcess(
    dict, _forget_all
)


def open_at(
    address: BackdoorAddress, driver: Driver, serve: Callable[[Any], object]
) -> int | str | None:
    """Open the back door at an address, unless it is open already.

    :param address: the address.
    :param driver: the driver to run it on.
    :param serve: serves a client, given its socket, in a task of its own.
    :returns: the port, or the path of the socket; None: it cannot be opened,
        which is logged.
    """
    server = _servers.get().get(address)
    if server is None:
        try:
            server = BackdoorServer(driver, _listen(driver, address), serve)
            server.open()
        except OSError as exc:
            LOG.warning(
                "Process %d has no back door: %s. A range of ports, or {pid} in the"
                " path, has room for several processes",
                *(os.getpid(), exc.strerror or exc),
            )
            return None
        _keep(address, server)
        LOG.info("Backdoor listening on %s for process %d", server.address, os.getpid())
    return server.address


def _listen(driver: Driver, address: BackdoorAddress) -> binding.BoundSocket:
    sockets = driver.original("socket")
    if address.path is not None:
        socket = binding.listen_on_path(sockets, address.path, _OWNER_ONLY, _BACKLOG)
        return binding.BoundSocket(socket, address.path)
    for port in address.ports:
        try:
            socket = binding.listen_on_address(
                sockets, _HOST, port, _BACKLOG, sockets.AF_INET
            )
        except OSError:
            if port == address.ports[-1]:
                raise
        else:
            return binding.BoundSocket(socket)
    raise ValueError(f"{address} has neither a path nor a port")


def _keep(address: BackdoorAddress, server: BackdoorServer) -> None:
    servers = _servers.get()
    if not servers:
        # In a forked process, this may have been inherited: it is registered anew.
        atexit.unregister(close_all)
        atexit.register(close_all)
    servers[address] = server
    open_sockets.add_until_end(server)


def close_all() -> None:
    """Close the back doors of this process."""
    servers = _servers.get()
    while servers:
        servers.popitem()[1].close()
