# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Collects measurements from several sources, side by side, once a period."""

import threading
from collections.abc import Callable, Mapping

from oslo_service import loopingcall, threadgroup

Source = Callable[[], float]


class Collector:
    """Asks every source once a period.

    :param sources: what to ask, by name. A source may block.
    :param period: seconds.
    """

    def __init__(self, sources: Mapping[str, Source], period: float) -> None:
        self._sources = sources
        self._period = period
        self._group = threadgroup.ThreadGroup()
        self._loop = loopingcall.FixedIntervalLoopingCall(self._collect)
        self._lock = threading.Lock()
        self._values: dict[str, float] = {}

    @property
    def values(self) -> dict[str, float]:
        """What every source has said last."""
        with self._lock:
            return dict(self._values)

    def start(self) -> None:
        """Begin to collect."""
        self._loop.start(self._period)

    def stop(self) -> None:
        """Collect no more."""
        self._loop.stop()
        self._loop.wait()
        self._group.stop(graceful=True)

    def _collect(self) -> None:
        threads = [
            self._group.add_thread(self._ask, name, source)
            for name, source in self._sources.items()
        ]
        for thread in threads:
            thread.wait()

    def _ask(self, name: str, source: Source) -> None:
        value = source()
        with self._lock:
            self._values[name] = value
