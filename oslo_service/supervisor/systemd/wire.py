# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The wire of sd_notify(3): datagrams to the manager of this process."""

# The bare class below socket.socket: Eventlet does not patch it, and its calls
# neither wait nor switch.
import _socket
import contextlib
import os

__all__ = ("VARIABLE", "forget", "is_wanted", "send", "socket_address")

#: The variable of the environment that says where to send to.
VARIABLE = "NOTIFY_SOCKET"


def is_wanted() -> bool:
    """Whether a manager of this process asked to be told anything."""
    return bool(os.environ.get(VARIABLE))


def forget() -> None:
    """Send nothing from now on: this process has a parent, and that one does."""
    os.environ.pop(VARIABLE, None)


def socket_address(address: str) -> str:
    """Return what the system calls an address: ``@`` is the abstract namespace.

    unix(7).
    """
    return "\0" + address[1:] if address.startswith("@") else address


def send(address: str, message: str) -> None:
    """Send a datagram; never blocks.

    :param address: the path of a socket, or ``@`` and an abstract name.
    :param message: assignments, one a line.
    :raises BlockingIOError: the receiver's queue is full.
    :raises OSError: nobody listens there.
    """
    sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    with contextlib.closing(sender):
        sender.setblocking(False)
        sender.sendto(message.encode(), socket_address(address))
