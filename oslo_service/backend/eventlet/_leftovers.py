# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a program leaves behind with the green thread that it runs in."""

import functools
import weakref
from typing import Any

import greenlet
from eventlet import greenthread
from eventlet.green import threading

__all__ = ("are_left",)

# How many attributes a green thread has by itself.
_OWN_ATTRIBUTES = len(vars(greenthread.GreenThread(None)))
_references = weakref.getweakrefcount


def are_left() -> bool:
    """Whether anything may be kept for the current green thread, or in it."""
    # This is asked for each request.
    green = greenlet.getcurrent()
    attributes = green.__dict__
    if _references(green) or len(attributes) != _OWN_ATTRIBUTES:
        return True
    links = attributes.get("_exit_funcs")
    return bool(links) and (len(links) > 1 or _is_marked(threading.current_thread()))


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
