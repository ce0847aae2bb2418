# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where a class says that it is: in the module that users import it from."""

from typing import Any, TypeVar

__all__ = ("publish", "published_in")

T = TypeVar("T")


def publish(namespace: dict[str, Any]) -> None:
    """Record in what a public module shows that it is of that module.

    Tracebacks, pickles and documentation name it so, wherever in the library it
    is written: it can be moved there, and what was pickled before still loads.

    :param namespace: the module's.
    """
    for name in namespace["__all__"]:
        thing = namespace.get(name)
        if getattr(thing, "__qualname__", None) == name:
            published_in(namespace["__name__"], thing)


def published_in(module: str, thing: T) -> T:
    """Record that a class or a function is of a module; return it.

    What is of a public module already stays there.
    """
    if thing.__module__.count(".") > 1:
        thing.__module__ = module
    return thing
