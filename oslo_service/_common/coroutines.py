# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Functions of users that the library calls: none may be an ``async def``."""

import functools
import inspect
import types

from oslo_service._common import naming

__all__ = ("refuse",)

_FUNCTIONS = (types.FunctionType, types.MethodType)


def refuse(function: object, what: str) -> None:
    """Refuse a function that is asynchronous: nobody awaits what its call returns.

    :param function: the function; what cannot be called is somebody else's matter.
    :param what: what it is to be, for the message.
    :raises TypeError: it is asynchronous.
    """
    if _is_asynchronous(function):
        raise TypeError(
            f"{what} is a plain function, and {naming.describe(function)} is async:"
            " nothing of it would run, as nobody awaits it. Have a plain function run"
            " it, such as by asyncio.run()"
        )


def _is_asynchronous(function: object) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    if _is_async(function):
        return True
    if isinstance(function, _FUNCTIONS):
        return False
    # An object is called by what its class has.
    return _is_async(getattr(type(function), "__call__", None))  # noqa: B004


def _is_async(function: object) -> bool:
    try:
        return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(
            function
        )
    except TypeError:  # a mock that is specified as a function
        return False
