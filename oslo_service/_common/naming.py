# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How functions, services, addresses and numbers of things are written in logs."""

__all__ = ("address", "counted", "describe")


def counted(number: int, what: str) -> str:
    """Return how many there are of what, in the singular if that is one."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def describe(thing: object) -> str:
    """Return the qualified name of a function, or of an object's class.

    Looks at what the object is, not at what it answers: a ``__getattr__`` may
    answer anything.
    """
    is_partial = type(thing).__name__ == "partial"
    function = getattr(thing, "func", thing) if is_partial else thing
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        function = type(function)
        name = function.__qualname__
    return f"{function.__module__}.{name}"


def address(host: str, port: int | None) -> str:
    """Return an address as people write it: ``HOST:PORT``, ``[HOST]:PORT`` of IPv6.

    :param port: None: ``host`` is a path, and returned as it is.
    """
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
