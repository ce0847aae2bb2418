# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The end of a process that was forked inside a task, by what the task calls.

Nothing else of its parent runs there: neither another thread nor what would wait for
the task. When the call has ended, so has the program that the child is.
"""

import os
import sys
import threading
import traceback
from typing import NoReturn

__all__ = ("end",)


def end(error: BaseException | None, *, has_threads: bool) -> NoReturn:
    """End this process, which is one, with the status that Python would.

    As children of :mod:`multiprocessing` do, it calls no exit handlers of its parent's.

    :param error: what the call has raised; None: it has returned.
    :param has_threads: whether the model has any, which the end waits for.
    """
    status = 1
    try:
        status = _show(error)
        if has_threads:
            _join_threads()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                continue
        os._exit(status)


def _show(error: BaseException | None) -> int:
    """Write what the interpreter would write of it, and return the status."""
    code = error.code if isinstance(error, SystemExit) else error
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    if isinstance(code, BaseException):
        traceback.print_exception(code)
    else:
        print(code, file=sys.stderr)  # noqa: T201 - as sys.exit() does
    return 1


def _join_threads() -> None:
    me = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not me and not thread.daemon:
            thread.join()
