# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The back door of a process: it listens, and lets clients in.

A process has one for each place, however many launchers ask for it, until it
ends: what hangs while it stops is worth a look, too. It does not cross a fork.
"""

import atexit
import errno
import functools
import logging
import os
from collections.abc import Callable
from typing import Any

from oslo_service.backdoor.places import Place
from oslo_service.backend.base import Driver, Task
from oslo_service.sockets import binding, open_sockets

__all__ = ("Door", "close_all", "open_at")

LOG = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_BACKLOG = 8
_OWNER_ONLY = 0o600
# How long nobody is let in after that has failed, in seconds.
_RESPITE = 1.0


class Door:
    """A place where this process listens for those who want to look into it.

    :param driver: what to run on.
    :param listener: the socket.
    :param serve: serves a client, whose socket it is given, in a task of its own.
    :ivar where: the port, or the path.
    """

    def __init__(
        self,
        driver: Driver,
        listener: binding.BoundSocket,
        serve: Callable[[Any], object],
    ) -> None:
        self.where: int | str = (
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
        """Let clients in; does not wait.

        :raises OSError: there is no room for another task.
        """
        self._listener.socket.setblocking(False)
        try:
            self.task = self._driver.spawn(self._accept_all, name="back door")
        except RuntimeError as exc:
            self._listener.close()
            raise OSError(errno.EAGAIN, str(exc)) from exc

    def close(self) -> None:
        """Let nobody in any more, and remove the file that this process made."""
        self._closing = True
        shut = self._driver.original("socket").SHUT_RDWR
        for socket in (self._listener.socket, *self._clients):
            try:
                socket.shutdown(shut)  # wakes the task that waits for it
            except OSError:
                continue
        self._listener.remove_file()

    def abandon(self) -> None:
        """Leave it to the parent, in a freshly forked process."""
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
        except (BlockingIOError, ConnectionError):  # who knocked has gone
            return
        except OSError as exc:
            if not self._closing:
                LOG.warning("The back door lets nobody in for a second: %s", exc)
                self._driver.sleep(_RESPITE)
            return
        self._clients.add(client)
        try:
            self._driver.spawn(
                functools.partial(self._serve, client), name="back door console"
            )
        except RuntimeError as exc:
            LOG.warning("The back door turns somebody away: %s", exc)
            self._dismiss(client)

    def _serve(self, client: Any) -> None:
        try:
            client.setblocking(False)
            self._serve_client(client)
        except Exception:
            LOG.exception("A console of the back door failed")
        finally:
            self._dismiss(client)

    def _dismiss(self, client: Any) -> None:
        self._clients.discard(client)
        client.close()


_doors: dict[Place, Door] = {}
_watches_forks = False


def open_at(
    place: Place, driver: Driver, serve: Callable[[Any], object]
) -> int | str | None:
    """Open the back door at a place, unless it is open already.

    :param serve: serves a client, whose socket it is given, in a task of its own.
    :returns: the port, or the path of the socket; None: it cannot be opened,
        which is logged.
    """
    door = _doors.get(place)
    if door is None:
        try:
            door = Door(driver, _listen(driver, place), serve)
            door.open()
        except OSError as exc:
            LOG.warning(
                "Process %d has no back door: %s. A range of ports, or {pid} in the"
                " path, has room for several processes",
                *(os.getpid(), exc.strerror or exc),
            )
            return None
        _keep(place, door)
        LOG.info("Backdoor listening on %s for process %d", door.where, os.getpid())
    return door.where


def _listen(driver: Driver, place: Place) -> binding.BoundSocket:
    sockets = driver.original("socket")
    if place.path is not None:
        socket = binding.listen_on_path(sockets, place.path, _OWNER_ONLY, _BACKLOG)
        return binding.BoundSocket(socket, place.path)
    for port in place.ports:
        try:
            socket = binding.listen_on_address(
                sockets, _HOST, port, _BACKLOG, sockets.AF_INET
            )
        except OSError:
            if port == place.ports[-1]:
                raise
        else:
            return binding.BoundSocket(socket)
    raise ValueError(f"{place} is nowhere")


def _keep(place: Place, door: Door) -> None:
    global _watches_forks
    if not _watches_forks:
        _watches_forks = True
        os.register_at_fork(after_in_child=_abandon_all)
    if not _doors:
        # Not what is inherited in a fork, where others are registered.
        atexit.unregister(close_all)
        atexit.register(close_all)
    _doors[place] = door
    open_sockets.add_last(door)


def close_all() -> None:
    """Close the back doors of this process."""
    while _doors:
        _doors.popitem()[1].close()


def _abandon_all() -> None:
    while _doors:
        _doors.popitem()[1].abandon()
