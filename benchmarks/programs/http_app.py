# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The application that every server of the comparison serves."""

import time

__all__ = ("application",)

_TYPE = ("Content-Type", "text/plain")
_HELLO = b"Hello, world!"
_LARGE = b"x" * 65536
_HUGE = b"x" * 1_000_000
_CPU, _SLEEP, _QUICK, _SLOW = 0.005, 0.005, 0.0001, 0.05


def _large():
    return _LARGE


def _huge():
    return _HUGE


def _sleep():
    time.sleep(_SLEEP)
    return _HELLO


def _compute():
    end = time.thread_time() + _CPU
    while time.thread_time() < end:
        pass
    return _HELLO


def _quick():
    time.sleep(_QUICK)
    return _HELLO


def _slow():
    time.sleep(_SLOW)
    return _HELLO


_PATHS = {
    "/large": _large,
    "/huge": _huge,
    "/sleep": _sleep,
    "/compute": _compute,
    "/quick": _quick,
    "/slow": _slow,
}


def application(environ, start_response):
    """Do what the path says; say hello at any other."""
    make = _PATHS.get(environ["PATH_INFO"])
    body = _HELLO if make is None else make()
    start_response("200 OK", [_TYPE, ("Content-Length", str(len(body)))])
    return [body]
