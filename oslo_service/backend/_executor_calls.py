# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The calls that executors make: their frames tell since when they run."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from oslo_service._common import clock

__all__ = ("dated", "make_call")

E = TypeVar("E", bound=type[Any])


def make_call(
    call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Make a call."""
    began = clock.now()  # noqa: F841 - looked for in this frame, when somebody asks
    return call(*args, **kwargs)


@functools.cache
def dated(kind: E) -> E:
    """Return a kind of executor whose calls are made by :func:`make_call`.

    :param kind: a class of executors.
    """

    class Dated(kind):  # type: ignore[misc, valid-type]
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            return super().submit(make_call, fn, args, kwargs)

    Dated.__name__, Dated.__qualname__ = kind.__name__, kind.__qualname__
    Dated.__module__, Dated.__doc__ = kind.__module__, kind.__doc__
    return Dated  # type: ignore[return-value]
