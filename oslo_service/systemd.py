# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Telling systemd that the service is ready: sd_notify(3)."""

import logging
import os
import socket

__all__ = ("notify", "notify_once")

LOG = logging.getLogger(__name__)

_VARIABLE = "NOTIFY_SOCKET"


def notify() -> None:
    """Tell systemd that the service is ready, where it asked to be told."""
    _send(b"READY=1")


def notify_once() -> None:
    """Tell systemd that the service is ready, and forget where it listens.

    Neither this process nor those that it starts afterwards tell it again.
    """
    _send(b"READY=1")
    os.environ.pop(_VARIABLE, None)


def _send(message: bytes) -> None:
    address = os.environ.get(_VARIABLE)
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace, unix(7)
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(address)
            sock.sendall(message)
        except OSError:
            LOG.exception("systemd cannot be told at %s=%r", _VARIABLE, address)
