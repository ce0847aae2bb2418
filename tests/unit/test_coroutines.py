# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which functions count as asynchronous."""

import functools
import inspect
from collections.abc import AsyncIterator
from unittest import mock

import pytest

from oslo_service._common import coroutines


async def poll(*_: object) -> None: ...


async def stream(*_: object) -> AsyncIterator[int]:
    yield 1


class Poller:
    async def __call__(self) -> None: ...

    async def poll(self) -> None: ...

    @staticmethod
    async def static() -> None: ...


def marked() -> None: ...


if hasattr(inspect, "markcoroutinefunction"):  # from Python 3.12 on
    inspect.markcoroutinefunction(marked)
else:
    marked = poll


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (poll, "test_coroutines.poll"),
        (stream, "test_coroutines.stream"),
        (Poller().poll, "test_coroutines.Poller.poll"),
        (Poller.static, "test_coroutines.Poller.static"),
        (Poller(), "test_coroutines.Poller"),
        (functools.partial(poll, 1), "test_coroutines.poll"),
        (functools.partial(Poller()), "test_coroutines.Poller"),
        (marked, f"test_coroutines.{marked.__name__}"),
        (mock.AsyncMock(), "unittest.mock.AsyncMock"),
    ],
)
def test_what_returns_what_is_to_be_awaited_does(function: object, name: str) -> None:
    with pytest.raises(TypeError) as raised:
        coroutines.refuse(function, "a subscriber")
    said = str(raised.value)
    assert said.startswith("a subscriber is a plain function, and ")
    assert f"{name} is async: nothing of it would run" in said


@functools.wraps(poll)
def plain(*_: object) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        *(plain, print, None, 7, Poller, mock.Mock(), mock.MagicMock()),
        *(functools.partial(plain), mock.Mock(spec=plain), [].append, lambda: poll()),
    ],
)
def test_others_do_not(function: object) -> None:
    coroutines.refuse(function, "a subscriber")
