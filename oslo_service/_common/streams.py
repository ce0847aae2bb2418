# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The standard streams, which may be closed, or absent; and those of log handlers."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ("flush", "renew")


def flush() -> None:
    """Flush what has been printed; a stream that cannot be is passed over."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            continue


def renew() -> None:
    """Give the streams new buffers, in a process that has just been forked.

    A thread that wrote at that moment, and is not here, had the lock of the old one:
    whoever writes would wait for ever. What that thread was writing is its own
    process's.
    """
    for stream in _known():
        buffer = getattr(stream, "buffer", None)
        if isinstance(buffer, io.BufferedWriter):
            with contextlib.suppress(OSError, ValueError):
                # In place, as others have the stream: the lock is made anew, too.
                buffer.__init__(buffer.raw)  # type: ignore[misc]


def _known() -> Iterator[Any]:
    yield from (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    for reference in getattr(logging, "_handlerList", ()):
        yield getattr(reference(), "stream", None)
