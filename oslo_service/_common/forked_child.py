# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The end of a process that was forked by what the library has called.

Nothing else of its parent runs there: neither another thread nor what would go on with
the call. When the call has ended, so has the program that the child is.
"""

import functools
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

from oslo_service._common import streams
from oslo_service._common.fork_safety import this_process

__all__ = ("Confined", "end")

# How long to wait for a stream, in seconds.
_PATIENCE = 1.0


class Confined:
    """A context in which a function of the program is called: what it forks ends there.

    :param has_threads: whether the model has any, which the end waits for.
    """

    __slots__ = ("_has_threads", "_process")

    def __init__(self, *, has_threads: bool) -> None:
        self._has_threads = has_threads
        self._process = this_process()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: object
    ) -> None:
        if self._process.left:
            end(error, has_threads=self._has_threads)


def end(error: BaseException | None, *, has_threads: bool = True) -> NoReturn:
    """End this process, which is one, with the status that Python would.

    As children of :mod:`multiprocessing` do, it calls no exit handlers of its parent's.

    :param error: what the call has raised; None: it has returned.
    :param has_threads: whether the model has any, which the end waits for.
    """
    code = error.code if isinstance(error, SystemExit) else error
    status = 1
    try:
        status = _status(code)
        _write(functools.partial(_show, code), has_threads)
        if has_threads:
            _join_threads()
    finally:
        try:
            _write(streams.flush, has_threads)
        finally:
            os._exit(status)


def _status(code: object) -> int:
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def _write(write: Callable[[], object], has_threads: bool) -> None:
    """Write to the streams; where that hangs, go on, as the interpreter's own end does.

    Another thread of the parent's may have had the lock of a stream at the fork: nobody
    gives that back here (``_enter_buffered_busy()`` of CPython).
    """
    if not has_threads:
        write()
        return
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(_PATIENCE)


def _show(code: object) -> None:
    """Write what the interpreter would write of it."""
    if isinstance(code, BaseException):
        traceback.print_exception(code)
    elif code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)  # noqa: T201 - as sys.exit() does


def _join_threads() -> None:
    me = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not me and not thread.daemon:
            thread.join()
