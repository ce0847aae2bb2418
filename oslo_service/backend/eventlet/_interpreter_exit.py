# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The end of an interpreter in which Eventlet has patched threads.

It calls the ``_shutdown()`` of :mod:`threading`, which Eventlet replaces by one that
waits for native threads, and knows nothing of what was registered with the patched
module: executors of :mod:`concurrent.futures` are never told to end, and
multiprocessing waits for their processes for ever. In a process that was forked by a
green thread it waits, besides, for the very thread that it is called in.
"""

import threading
from collections.abc import Callable
from typing import Any

__all__ = ("have_registered_called",)


def have_registered_called() -> None:
    """Have what was registered with threads called at the end; idempotent."""
    threads: Any = threading
    shutdown = threads._shutdown
    own = getattr(shutdown, "__globals__", None)
    if own is not vars(threading) and own is not globals():
        threads._shutdown = _calling_registered_before(shutdown)


def _calling_registered_before(shutdown: Callable[[], object]) -> Callable[[], None]:
    def shut_down() -> None:
        threads: Any = threading
        threads._SHUTTING_DOWN = True  # nothing more can be registered
        calls: list[Callable[[], object]] = threads._threading_atexits
        while calls:
            calls.pop()()
        _forget_main_thread(getattr(shutdown, "__globals__", {}))
        shutdown()

    return shut_down


def _forget_main_thread(module: dict[str, Any]) -> None:
    """Have it not waited for: it is the one that waits."""
    lock = getattr(module.get("_main_thread"), "_tstate_lock", None)
    module.get("_shutdown_locks", set()).discard(lock)
