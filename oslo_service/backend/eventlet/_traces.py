# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a program leaves behind with the green thread that it runs in."""

import functools
import weakref
from typing import Any

from eventlet import greenthread
from eventlet.green import threading

__all__ = ("are_left",)

_references = weakref.getweakrefcount


def are_left(green: Any) -> bool:
    """Whether anything may be kept for the current green thread, or in it."""
    # This is asked for each request.
    attributes = green.__dict__
    if _references(green) or len(attributes) != _own_attributes():
        return True
    links = attributes.get("_exit_funcs")
    return bool(links) and (len(links) > 1 or _is_marked(threading.current_thread()))


@functools.cache
def _own_attributes() -> int:
    """Return how many attributes a green thread has by itself."""
    return len(vars(greenthread.GreenThread(None)))


def _is_marked(thread: Any) -> bool:
    """Whether more than a name that Eventlet gives is kept in a thread object.

    Whoever asks for it, as who logs does, gets one, and a link that forgets it.
    """
    own, name = _own_thread()
    return len(vars(thread)) != own or not str(thread.name).startswith(name)


@functools.cache
def _own_thread() -> tuple[int, str]:
    """Return how many attributes a thread object has, and how its name begins."""
    thread = threading._GreenThread(None)
    return len(vars(thread)), thread.name.rpartition("-")[0]
