# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The finalization of a worker: as of a program that has begun with the worker.

What its parent has registered for its own end is not the worker's. Only what the
standard library needs for the worker's own executors, processes and finalizers stays.
"""

import atexit
import logging
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from oslo_service._common.careful_log import CarefulLog

__all__ = ("begin", "finish")

LOG = CarefulLog(__name__)

# The modules of executors, each with its registry of threads to join at the end.
_EXECUTORS = {
    "concurrent.futures.thread": "_threads_queues",
    "concurrent.futures.process": "_threads_wakeups",
}


def begin() -> None:
    """Forget what the parent has registered: in a freshly forked worker."""
    atexit._clear()
    _begin_threads()
    _begin_finalizers()
    _begin_multiprocessing()


def _begin_threads() -> None:
    # Called before threads are joined. The registered threads are the parent's.
    calls: list[Any] = getattr(threading, "_threading_atexits", [])
    calls[:] = [one for one in calls if _module_of(one) in _EXECUTORS]
    for name, attribute in _EXECUTORS.items():
        parents = getattr(sys.modules.get(name), attribute, None)
        if parents is not None:
            parents.clear()


def _module_of(call: Any) -> str | None:
    return getattr(getattr(call, "func", call), "__module__", None)


def _begin_finalizers() -> None:
    finalize: Any = weakref.finalize
    for one in list(finalize._registry):
        one.atexit = False
    finalize._registered_with_atexit = False


def _begin_multiprocessing() -> None:
    util: Any = sys.modules.get("multiprocessing.util")
    process: Any = sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return
    process._children.clear()
    util._finalizer_registry.clear()
    atexit.register(util._exit_function)


def finish() -> None:
    """Do what the interpreter does at the end of a program."""
    threads: Any = threading
    for step in (threads._shutdown, atexit._run_exitfuncs, logging.shutdown):
        _do(step)


def _do(step: Callable[[], object]) -> None:
    try:
        step()
    except BaseException:
        LOG.exception("At the end of the worker, this has failed: %r", step)
