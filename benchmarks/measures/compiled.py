# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""HTTP and HTTPS beside compiled servers, and the least that one in Python does."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.contestants import (
    BJOERN,
    CHEROOT,
    FASTPYSGI,
    FLOOR,
    GRANIAN_10,
    GRANIAN_100,
    GUNICORN_FAST,
    OURS_EVENTLET,
    OURS_THREADING,
    Contestant,
)
from harness.measure import Limit, Measure, Row, at_least, at_most
from measures.http import make_certificate, take_load

__all__ = ("MEASURES",)

_OURS = (OURS_THREADING, OURS_EVENTLET)
_COMPILED = (GRANIAN_10, GRANIAN_100, FASTPYSGI, BJOERN, GUNICORN_FAST)
_EVERYONE = (*_OURS, FLOOR, *_COMPILED)
# fastpysgi and bjoern have no TLS.
_ENCRYPTED = (*_OURS, FLOOR, GRANIAN_10, GRANIAN_100, GUNICORN_FAST, CHEROOT)
_CLOSE = ("-H", "Connection: close")


def _take_encrypted(
    contestant: Contestant, *, path: str, arguments: tuple[str, ...] = ()
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        files = make_certificate(Path(folder))
        return take_load(contestant, path=path, arguments=arguments, files=files)


def _cpu(what: str, limit: Limit, judged: tuple[str, ...] = _OURS) -> Row:
    return Row(f"{what}: CPU a request, us", "cpu", limit, judged)


def _rate(what: str, limit: Limit | None = None) -> Row:
    return Row(f"{what}: requests a second", "rate", limit, _OURS)


_plain: Callable[..., Callable] = functools.partial(functools.partial, take_load)
_tls: Callable[..., Callable] = functools.partial(functools.partial, _take_encrypted)
_THREADING, _EVENTLET = (OURS_THREADING,), (OURS_EVENTLET,)

MEASURES = (
    Measure(
        "compiled-hello",
        _EVERYONE,
        _plain(path="/"),
        (
            _cpu("hello", at_most(0.8, GRANIAN_10), _THREADING),
            _cpu("hello", at_most(0.35, GRANIAN_100), _THREADING),
            _cpu("hello", at_most(0.7, GRANIAN_10), _EVENTLET),
            _cpu("hello", at_most(2, FASTPYSGI)),
            _rate("hello"),
        ),
    ),
    Measure(
        "compiled-fresh",
        _EVERYONE,
        _plain(path="/", arguments=_CLOSE),
        (
            _cpu("a connection each", at_most(1, GRANIAN_10)),
            _rate("a connection each"),
        ),
    ),
    Measure(
        "compiled-large",
        _EVERYONE,
        _plain(path="/large"),
        (_cpu("64 KiB", at_most(1, GRANIAN_10)), _rate("64 KiB")),
    ),
    Measure(
        "compiled-sleep",
        # The others have no more than ten threads.
        (*_OURS, GRANIAN_10, GRANIAN_100),
        _plain(path="/sleep"),
        (
            _cpu("5 ms of sleep", at_most(1, GRANIAN_100), _THREADING),
            Row("5 ms of sleep: requests a second", "rate", at_least(1, GRANIAN_100)),
        ),
    ),
    Measure(
        "https-hello",
        _ENCRYPTED,
        _tls(path="/"),
        (_cpu("TLS, hello", at_most(1.3, GRANIAN_10)), _rate("TLS, hello")),
    ),
    Measure(
        "https-large",
        _ENCRYPTED,
        _tls(path="/large"),
        (_cpu("TLS, 64 KiB", at_most(1.2, GRANIAN_10)), _rate("TLS, 64 KiB")),
    ),
    Measure(
        "https-fresh",
        _ENCRYPTED,
        _tls(path="/", arguments=_CLOSE),
        (
            _cpu("TLS, a connection each", at_most(1.2, GRANIAN_10)),
            _rate("TLS, a connection each", at_least(0.9, GRANIAN_10)),
        ),
    ),
)
