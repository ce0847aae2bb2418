# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What several processes measure, put together: facts in, families out.

What a worker has counted stays when it is gone, as a sum of all that are: there is
as much to keep after a thousand deaths as after one.

All that a process tells is known to be its own, and takes the place of what it has
told before. So it is added to that sum only when nothing of it can come any more: an
answer to a scrape is taken in when that is done, which may be after its end.
"""

import operator
from collections.abc import Callable, Hashable, Sequence

from oslo_service._common.records import State
from oslo_service.admin.metrics.families import COUNTED, MOST_RECENT, Family
from oslo_service.admin.metrics.layout import Key, Layout

__all__ = ("Merger", "Source")

_LIVE = "live"
_FOLD: dict[str, Callable[[float, float], float]] = {
    COUNTED: operator.add,
    "sum": operator.add,
    "min": min,
    "max": max,
}


class Source(State):
    """A process, and what it has measured by the last time that it was asked.

    :ivar label: the label of its gauges; None: they have none, as there is no other
        process; empty: they are left out, as workers have them.
    :ivar changed_at: of series of which the last change counts: when that was.
    :ivar final: whether the process told these values at its end.
    """

    label: str | None
    layout: Layout
    values: Sequence[float]
    changed_at: dict[int, float]
    final: bool = False


class Merger:
    """The values of all processes.

    :ivar sources: the processes that run, by identity.
    """

    def __init__(self) -> None:
        self.sources: dict[Hashable, Source] = {}
        # The processes that have ended while answers are awaited, which may be theirs;
        # None: no answers are awaited.
        self._ended: set[Hashable] | None = None
        self._layouts: dict[str, Layout] = {}
        self._families: dict[str, Family] = {}
        # The values that ended processes have left; and, where the last change counts,
        # when that was.
        self._left: dict[Key, float] = {}
        self._left_at: dict[Key, float] = {}

    # Facts

    @property
    def known(self) -> list[str]:
        """The digests of the layouts that no process needs to send again."""
        return list(self._layouts)

    def asked(self) -> None:
        """Record that processes are asked: until :meth:`answered`, any may answer."""
        self._ended = set()

    def answered(self) -> None:
        """Record that all answers that count have been taken in."""
        ended, self._ended = self._ended or set(), None
        for process in ended:
            self.gone(process)

    def measured(
        self,
        process: Hashable,
        label: str | None,
        digest: str,
        text: str,
        values: Sequence[float],
        now: float,
        *,
        final: bool = False,
    ) -> None:
        """Record what a process has measured, in place of what was recorded of it.

        :param process: identifies the process.
        :param label: see :class:`Source`.
        :param digest: the digest of the layout of its values.
        :param text: the text of the layout, where it was not known; else empty.
        :param values: the values, in the order of the layout.
        :param now: the time, in seconds.
        :param final: whether it told these at its end: what comes later is older.
        """
        before = self.sources.get(process)
        if before is not None and before.final and not final:
            return
        layout = self._layouts.get(digest)
        if layout is None:
            if not text:
                return  # it was forgotten meanwhile: next time it is told again
            layout = self._layouts[digest] = Layout.read(text)
            self._families |= {one.name: one for one in layout.families}
        changed = _changes(before, layout, values, now)
        self.sources[process] = Source(label, layout, values, changed, final)

    def gone(self, process: Hashable) -> None:
        """Record that a process has ended: what it has counted stays.

        Nothing more comes of it, except an answer that is awaited.
        """
        if self._ended is not None:
            self._ended.add(process)
            return
        source = self.sources.pop(process, None)
        if source is not None:
            for at, (key, mode) in enumerate(
                zip(source.layout.keys, source.layout.modes, strict=True)
            ):
                self._keep(key, mode, source.values[at], source.changed_at.get(at, 0.0))
        used = {one.layout.digest for one in self.sources.values()}
        # Layouts of ended processes go, but for the last: the next may well have it.
        spare = [one for one in self._layouts if one not in used][:-1]
        for digest in spare:
            del self._layouts[digest]

    def _keep(self, key: Key, mode: str, value: float, at: float) -> None:
        if mode == MOST_RECENT:
            if at >= self._left_at.get(key, 0.0):
                self._left[key], self._left_at[key] = value, at
        elif mode in _FOLD:
            known = self._left.get(key)
            self._left[key] = value if known is None else _FOLD[mode](known, value)

    # What follows from them

    def families(self) -> list[tuple[Family, list[tuple[str, str, float]]]]:
        """Return each family, with the suffix, labels and value of its samples."""
        merged, latest = dict(self._left), dict(self._left_at)
        layouts = {id(one.layout): one.layout for one in self.sources.values()}
        for layout in layouts.values():
            own = [one for one in self.sources.values() if one.layout is layout]
            _merge(layout, own, merged, latest)
        found: dict[str, list[tuple[str, str, float]]] = {}
        for (name, suffix, labels), value in merged.items():
            found.setdefault(name, []).append((suffix, labels, value))
        return [(self._families[name], samples) for name, samples in found.items()]


def _merge(
    layout: Layout,
    sources: list[Source],
    merged: dict[Key, float],
    latest: dict[Key, float],
) -> None:
    """Add the values of processes that have the same layout."""
    keys = layout.keys
    columns = list(zip(*(one.values for one in sources), strict=True))
    for at in layout.summed:
        key = keys[at]
        merged[key] = merged.get(key, 0.0) + sum(columns[at])
    # A process with an empty label has no gauges.
    for one in sources:
        if one.label != "":
            _fold(layout, one, merged, latest)
            for key, at in zip(
                layout.labelled(one.label), layout.separate, strict=True
            ):
                merged[key] = one.values[at]


def _fold(
    layout: Layout, source: Source, merged: dict[Key, float], latest: dict[Key, float]
) -> None:
    """Add the values of a process that are neither added up nor kept apart."""
    for at in layout.folded:
        key, value = layout.keys[at], source.values[at]
        mode = layout.modes[at].removeprefix(_LIVE)
        if mode == MOST_RECENT:
            since = source.changed_at[at]
            if since >= latest.get(key, 0.0):
                merged[key], latest[key] = value, since
        else:
            merged[key] = _FOLD[mode](merged[key], value) if key in merged else value


def _changes(
    before: Source | None, layout: Layout, values: Sequence[float], now: float
) -> dict[int, float]:
    """Return since when each value is what it is, where the last change counts."""
    found = {}
    for at in layout.recent:
        same = (
            before is not None
            and before.layout is layout
            and before.values[at] == values[at]
        )
        found[at] = before.changed_at[at] if same and before is not None else now
    return found
