# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Telling systemd that the service is ready, and waiting until one is: sd_notify(3).

Launchers tell systemd all that it wants to know of a service, on their own.
These functions are for programs that have none, and for those that start a
service and wait for it.

``python -m oslo_service.systemd`` says that the service is ready, in the name
of a script; its exit status is 1 where that could not be said. With a number of
seconds, it listens at ``$NOTIFY_SOCKET`` until a service says so; its exit status
is what :func:`onready` gives.
"""

import logging
import os
import socket
import sys
from pathlib import Path

from oslo_service._common import closed_streams, times
from oslo_service.supervisor.systemd import wire

__all__ = ("notify", "notify_once", "onready")

LOG = logging.getLogger(__name__)

_READY = "READY=1"
_USAGE = "usage: python -m oslo_service.systemd [SECONDS]"
# The longest message that systemd takes, in bytes.
_LONGEST = 4096


def notify(*further: str) -> bool:
    """Tell systemd that the service is ready, where it asked to be told.

    Never blocks. What cannot be sent is logged.

    :param further: what to say besides, in the same message: assignments such
        as ``STATUS=warming up``.
    :returns: False: systemd wants to be told, and could not be.
    """
    address = os.environ.get(wire.VARIABLE)
    if not address:
        return True
    try:
        wire.send(address, "\n".join((_READY, *further)))
    except OSError:
        LOG.exception("systemd cannot be told at %s=%r", wire.VARIABLE, address)
        return False
    return True


def notify_once(*further: str) -> bool:
    """Tell systemd that the service is ready, and forget where it listens.

    Neither this process nor those that it starts afterwards tell it again.

    :param further: see :func:`notify`.
    :returns: see :func:`notify`.
    """
    sent = notify(*further)
    os.environ.pop(wire.VARIABLE, None)
    return sent


def onready(notify_socket: str, timeout: float | None) -> int:
    """Wait, in the place of systemd, until a service says that it is ready.

    :param notify_socket: where to listen: a path where nothing is yet, or
        ``@`` and a name in the abstract namespace, unix(7). The service gets it
        as ``NOTIFY_SOCKET``.
    :param timeout: seconds; None waits without limit, 0 only looks.
    :returns: 0: it is ready; 1: the first that it said was something else; 2:
        it said nothing in time.
    :raises ValueError: ``timeout`` is negative, or no number.
    :raises OSError: it is not possible to listen there; names the address.
    """
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout is None or 0 seconds or more, not {timeout!r}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(None if timeout is None else times.bounded(timeout))
        try:
            receiver.bind(wire.socket_address(notify_socket))
        except OSError as exc:
            reason = f"cannot listen on {notify_socket}: {exc.strerror or exc}"
            raise OSError(exc.errno, reason) from exc
        try:
            message = receiver.recv(_LONGEST)
        except (TimeoutError, BlockingIOError):
            return 2
        finally:
            if not notify_socket.startswith("@"):
                Path(notify_socket).unlink(missing_ok=True)
    return 0 if _READY.encode() in message.splitlines() else 1


def _main(arguments: list[str]) -> int:
    """Tell, or wait to be told; give the exit status."""
    if not arguments:
        return 0 if notify() else 1
    try:
        (text,) = arguments
        timeout = float(text)
    except ValueError:
        given = " ".join(arguments)
        return _refuse(f"SECONDS is a number, not {given!r}")
    address = os.environ.get(wire.VARIABLE)
    if not address:
        # Whoever sets no address has nothing to wait for.
        return 0
    try:
        return onready(address, timeout)
    except (ValueError, OSError) as exc:
        return _refuse(str(exc))


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{_USAGE}\n{reason}\n")
    return 1


if __name__ == "__main__":
    closed_streams.replace()
    sys.exit(_main(sys.argv[1:]))
