# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Cleaning up when a native thread ends that has waited for a model's events."""

import os
from collections.abc import Callable

__all__ = ("at_end_of_thread",)


class _EndOfThread:
    """A value of a thread-local: it makes a call when its native thread ends."""

    __slots__ = ("_call", "_pid")

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._pid = os.getpid()

    def __del__(self) -> None:
        # A forked process collects the values of the parent's threads, too.
        if self._pid == os.getpid():
            self._call()


def at_end_of_thread(local: object, call: Callable[[], object]) -> None:
    """Have a call made when this native thread ends, in this process.

    For what a scheduler keeps open for the thread, such as descriptors. If this is
    called again with the same ``local``, only the later call is made.

    :param local: thread-locals of native threads: a :class:`threading.local` that is
        not patched.
    :param call: made in the thread, when nothing of its Python code is left.
    """
    local.oslo_service_end = _EndOfThread(call)  # type: ignore[attr-defined]
