# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Loops to measure: the library's, and bare threads that do the same."""

import threading
import time

from harness.inside import role, select

__all__ = ("looper",)


class _Bare:
    """A thread that calls a function, by way of a timed wait.

    It aims at absolute times, as a looping call does.
    """

    def __init__(self, call):
        self._call = call
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._interval = self._delay = 0

    def start(self, interval, delay=0):
        self._interval, self._delay = interval, delay
        self._thread.start()

    def stop(self):
        self._stopped.set()

    def wait(self):
        self._thread.join()

    def _loop(self):
        self._stopped.wait(self._delay)
        due = time.monotonic()
        while not self._stopped.is_set():
            self._call()
            due += self._interval
            self._stopped.wait(max(0, due - time.monotonic()))


class _BareUnpaced(_Bare):
    """A thread that calls a function without a pause, until told to stop."""

    def _loop(self):
        while not self._stopped.wait(self._interval):
            self._call()


def looper(*, paced=True):
    """Return the class of loops: made with a function, ``start(interval, delay)``.

    :param paced: whether a bare thread aims at absolute times.
    """
    if role() == "floor":
        return _Bare if paced else _BareUnpaced
    select(role())
    from oslo_service import loopingcall

    return loopingcall.FixedIntervalLoopingCall
