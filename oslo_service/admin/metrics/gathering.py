# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What this process measures: the library's own, and with prometheus_client.

Nothing is imported for it: who measures something has imported prometheus_client.
"""

import functools
import logging
import sys
from collections.abc import Iterator
from typing import Any

from oslo_service._common.fork_safety import PerProcess
from oslo_service.admin.metrics import in_worker
from oslo_service.admin.metrics.client_metrics import (
    ClientMetrics,
    Found,
    read_collector,
)
from oslo_service.admin.metrics.families import COUNTED, Family
from oslo_service.admin.metrics.layout import Key, Layout, pack

__all__ = ("Gatherer", "of_process")

LOG = logging.getLogger(__name__)

_CLIENT = "prometheus_client"
# The prefix of what a forked process has from the system, not from its parent.
_OF_SYSTEM = "process_"


class Gatherer:
    """Reads all that a process measures, and remembers its series.

    :param library: whether to read what the library itself measures.
    """

    def __init__(self, *, library: bool = False) -> None:
        self._library = library
        self._layout: Layout | None = None
        self._metrics: ClientMetrics | None = None
        self._failed: set[str] = set()
        # What collectors of users have told the last time that they were called.
        self._told: dict[Any, list[Found]] = {}
        # The values of counters when this process was forked: its parent tells those.
        self._baseline: dict[Key, float] = {}

    def message(self, known: list[str], *, asks: bool = True) -> bytes:
        """Return the values as a message for the parent.

        :param known: the digests of the layouts that it knows.
        :param asks: see :meth:`gather`.
        """
        layout, values = self.gather(asks=asks)
        return pack(layout, values, known)

    def gather(self, *, asks: bool = True) -> tuple[Layout, list[float]]:
        """Return all series, and their values.

        :param asks: whether to call what users have written, which may block:
            collectors, and functions that gauges have. Else what those have told last
            counts, if anything.
        """
        families: list[Family] = []
        keys: list[Key] = []
        values: list[float] = []
        for family, of_family, found in self._all(asks=asks):
            families.append(family)
            keys += of_family
            values += found
        layout = self._layout
        if layout is None or layout.keys != keys or layout.families != families:
            layout = self._layout = Layout(families, keys)
        base = self._baseline
        if base:
            values = [
                value - base.get(key, 0.0)
                for key, value in zip(keys, values, strict=True)
            ]
        return layout, values

    def begin(self) -> None:
        """Record what has been counted already: in a process that was just forked.

        Collectors of users are not asked: they tell what they tell in each process.
        """
        layout, values = self.gather(asks=False)
        rows = zip(layout.keys, layout.modes, values, strict=True)
        self._baseline = {
            key: value
            for key, mode, value in rows
            if mode == COUNTED and value and not key[0].startswith(_OF_SYSTEM)
        }

    def _all(self, *, asks: bool) -> Iterator[Found]:
        if self._library:
            yield from self._try(in_worker.families, "oslo.service")
        client: Any = sys.modules.get(_CLIENT)
        if client is None:
            return
        try:
            if self._metrics is None:
                self._metrics = ClientMetrics(client)
            metrics = self._metrics
            collectors = list(client.REGISTRY._collector_to_names)
        except AttributeError:  # another release of it, or it is just being imported
            yield from self._collected([client.REGISTRY], asks=asks)
            return
        metrics.begin()
        others = []
        for one in collectors:
            if isinstance(one, metrics.kind):
                read = functools.partial(metrics.read, one, asks=asks)
                yield from self._try(lambda read=read: [read()], _name(one))
            elif type(one).__module__.startswith(f"{_CLIENT}."):
                yield from self._collect(one)
            else:
                others.append(one)
        yield from self._collected(others, asks=asks)

    def _collected(self, collectors: list[Any], *, asks: bool) -> Iterator[Found]:
        """Return what collectors of users tell, or have told last."""
        if asks:
            self._told = {one: self._collect(one) for one in collectors}
        for one in collectors:
            yield from self._told.get(one, ())

    def _collect(self, collector: Any) -> list[Found]:
        return self._try(lambda: read_collector(collector), _name(collector))

    def _try(self, read: Any, whose: str) -> list[Found]:
        """Return what ``read`` returns; nothing if it fails, which is logged once."""
        try:
            return list(read())
        except (Exception, SystemExit, GeneratorExit):
            if whose not in self._failed:
                self._failed.add(whose)
                LOG.exception("Metrics of %s are left out", whose)
            return []


def _name(collector: Any) -> str:
    return type(collector).__qualname__


_gatherer = PerProcess(lambda: Gatherer(library=True))


def of_process() -> Gatherer:
    """Return the gatherer of this process."""
    return _gatherer.get()
