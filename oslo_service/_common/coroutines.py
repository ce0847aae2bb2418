# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Functions of users that the library calls: none may be an ``async def``."""

import functools
import inspect
import types

from oslo_service._common import naming

__all__ = ("is_asynchronous", "refuse")

_FUNCTIONS = (types.FunctionType, types.MethodType)
# Of code that runs only where it is awaited.
_ASYNC_FLAGS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def refuse(function: object, what: str) -> None:
    """Refuse a function that is asynchronous: nobody awaits what its call returns.

    :param function: the function; what cannot be called is somebody else's matter.
    :param what: what it is to be, for the message.
    :raises TypeError: it is asynchronous.
    """
    # A look will do for most: each loop and each thread asks, and inspect is slow.
    plain = function.__func__ if type(function) is types.MethodType else function
    if type(plain) is types.FunctionType:  # and no mock that says to be one
        # What has attributes may be marked: inspect.markcoroutinefunction().
        if not (plain.__code__.co_flags & _ASYNC_FLAGS or plain.__dict__):
            return
    if is_asynchronous(function):
        raise TypeError(
            f"{what} is a plain function, and {naming.describe(function)} is async:"
            " nothing of it would run, as nobody awaits it. Have a plain function run"
            " it, such as by asyncio.run()"
        )


def is_asynchronous(function: object) -> bool:
    """Whether what a call of a function returns has to be awaited, or iterated over."""
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
