# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What :class:`oslo_service.wsgi.Server` can be given."""

import os
from typing import Any

from oslo_service._common import coroutines, digits, port_numbers
from oslo_service.backend.exceptions import OsloServiceError

__all__ = (
    "InvalidInput",
    "check_address",
    "check_functions",
    "check_numbers",
    "check_path",
    "check_protocol",
)

# What listen(2) can be given.
_MOST = 2**31 - 1
_OLD_PROTOCOL = "eventlet.wsgi.HttpProtocol"


class InvalidInput(OsloServiceError, ValueError):
    """A parameter of :class:`oslo_service.wsgi.Server` that does not work.

    :param reason: which, and what would do.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_numbers(*, pool_size: object, max_url_len: object, backlog: object) -> None:
    """Check the numbers; the first two may be None.

    :param pool_size: how many calls of the application run at a time.
    :param max_url_len: the longest request target, in bytes.
    :param backlog: how many clients the system keeps waiting, as for listen(2).
    :raises InvalidInput: one is none that works.
    """
    for name, value in (
        ("pool_size", pool_size),
        ("max_url_len", max_url_len),
        ("backlog", backlog),
    ):
        if value is None and name != "backlog":
            continue
        if not _is_number(value, 1, _MOST):
            raise InvalidInput(f"{name} is an integer, 1 or more, not {value!r}")


def check_protocol(protocol: Any) -> None:
    """Check what used to be a class of eventlet's.

    :param protocol: it has no other effect.
    :raises InvalidInput: it is neither None nor what it was by default.
    """
    if protocol is None:
        return
    module = getattr(protocol, "__module__", "")
    if f"{module}.{getattr(protocol, '__name__', '')}" != _OLD_PROTOCOL:
        raise InvalidInput(
            f"protocol is None, not {protocol!r}: the library speaks HTTP by"
            " itself, on every driver alike"
        )


def check_functions(*, app: object, around_request: object) -> None:
    """Check what is called for each request: the second may be None.

    :param app: the WSGI application.
    :param around_request: returns a context manager for an environment.
    :raises InvalidInput: it cannot be called, or one is asynchronous.
    """
    if around_request is not None and not callable(around_request):
        raise InvalidInput(
            "around_request is called with the environment of each request, not"
            f" {around_request!r}"
        )
    for name, value in (("app", app), ("around_request", around_request)):
        try:
            coroutines.refuse(value, name)
        except TypeError as exc:
            raise InvalidInput(str(exc)) from None


def check_address(host: object, port: object) -> None:
    """Check an address of the network.

    :param host: a name or an address; None: this machine.
    :param port: a number, or its digits; 0 takes any free one.
    :raises InvalidInput: it cannot be one.
    """
    if not (host is None or isinstance(host, str)):
        raise InvalidInput(f"host is a name or an address, not {host!r}")
    # getaddrinfo(3) takes the rest modulo 65536.
    number = digits.read(port) if isinstance(port, str) else port
    if port is not None and not _is_number(number, 0, port_numbers.LAST):
        raise InvalidInput(
            f"port is a number from 0 to {port_numbers.LAST}, not {port!r}"
        )


def check_path(path: Any, mode: object) -> str:
    """Check the path of a UNIX socket, and its permissions.

    :param path: the path.
    :param mode: such as ``0o660``; None: what the umask leaves.
    :returns: the path, as text.
    :raises InvalidInput: they cannot be that.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise InvalidInput(f"socket_file is the path of a socket, not {path!r}")
    if mode is not None and not (isinstance(mode, int) and 0 <= mode <= 0o7777):
        raise InvalidInput(f"socket_mode is a mode such as 0o660, not {mode!r}")
    return str(path)


def _is_number(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
