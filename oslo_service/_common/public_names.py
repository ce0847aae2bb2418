# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The module that public classes and functions say that they are of."""

from typing import Any, TypeVar

__all__ = ("set_module", "set_modules")

T = TypeVar("T")


def set_modules(namespace: dict[str, Any]) -> None:
    """Make a public module the ``__module__`` of what its ``__all__`` names.

    Tracebacks, pickles and documentation then name the module that users import from,
    wherever in the library a thing is defined: it can be moved, and what was pickled
    before still loads.

    :param namespace: the module's ``globals()``.
    """
    for name in namespace["__all__"]:
        thing = namespace.get(name)
        if getattr(thing, "__qualname__", None) == name:
            set_module(thing, namespace["__name__"])


def set_module(thing: T, module: str) -> T:
    """Set the ``__module__`` of a class or function, unless that is public already.

    :param thing: the class or function.
    :param module: the name of the public module.
    :returns: the class or function.
    """
    if thing.__module__.count(".") > 1:
        thing.__module__ = module
    return thing
