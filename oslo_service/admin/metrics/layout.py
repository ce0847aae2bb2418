# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process measures, as it goes to its parent: names once, then only values."""

import array
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from oslo_service.admin.metrics.families import (
    COUNTED,
    MOST_RECENT,
    PER_WORKER,
    Family,
    labels_text,
    mode_of,
)

__all__ = ("Key", "Layout", "pack", "unpack")

#: What identifies a series: the name of its family, the suffix of the sample, and the
#: labels as text.
Key = tuple[str, str, str]

_SEPARATE = (PER_WORKER, f"live{PER_WORKER}")


class Layout:
    """The families and series of a process, in the order of their values.

    :ivar digest: what identifies the layout: layouts that differ have different ones.
    :ivar modes: of each series, how the values of several workers become one.
    :ivar summed: the numbers of the series that are added up.
    :ivar separate: the numbers of the series that stay apart.
    :ivar folded: the numbers of all other series.
    :ivar recent: the numbers of the series of which the last change counts.
    """

    def __init__(self, families: Iterable[Family], keys: Iterable[Key]) -> None:
        self.families = list(families)
        self.keys = list(keys)
        by_name = {one.name: one for one in self.families}
        self.modes = [mode_of(by_name[name], suffix) for name, suffix, _ in self.keys]
        self.summed = self._numbers(lambda mode: mode == COUNTED)
        self.separate = self._numbers(lambda mode: mode in _SEPARATE)
        self.folded = self._numbers(lambda mode: mode not in (COUNTED, *_SEPARATE))
        self.recent = self._numbers(lambda mode: mode.endswith(MOST_RECENT))
        self._labelled: dict[str, list[Key]] = {}
        told = [[*vars(one).values()] for one in self.families]
        self.text = json.dumps([told, self.keys])
        self.digest = hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def _numbers(self, wanted: Any) -> list[int]:
        return [at for at, mode in enumerate(self.modes) if wanted(mode)]

    def labelled(self, worker: str | None) -> list[Key]:
        """Return the keys of the series that stay apart, with the label of a worker.

        :param worker: the value of the label; None: there is only one process.
        """
        if worker is None:
            return [self.keys[at] for at in self.separate]
        known = self._labelled.get(worker)
        if known is None:
            known = self._labelled[worker] = [
                (name, suffix, _with_worker(labels, worker))
                for name, suffix, labels in (self.keys[at] for at in self.separate)
            ]
        return known

    @classmethod
    def read(cls, text: str) -> "Layout":
        """Return the layout that has this text."""
        families, keys = json.loads(text)
        return cls(
            [Family(*one) for one in families],
            [(name, suffix, labels) for name, suffix, labels in keys],
        )


def _with_worker(labels: str, worker: str) -> str:
    taken = f",{labels}".find(',worker="') >= 0
    ours = labels_text({"exported_worker" if taken else "worker": worker})
    return f"{labels},{ours}" if labels else ours


def pack(layout: Layout, values: Iterable[float], known: Sequence[str]) -> bytes:
    """Return the values as a message for the parent.

    :param known: the digests of the layouts that the parent knows.
    """
    text = "" if layout.digest in known else layout.text
    head = json.dumps({"digest": layout.digest, "layout": text})
    return head.encode() + b"\n" + array.array("d", values).tobytes()


def unpack(message: bytes) -> tuple[dict[str, Any], "array.array[float]"]:
    """Return what :func:`pack` was given: the digest, the layout's text, the values."""
    head, _, data = message.partition(b"\n")
    values = array.array("d")
    values.frombytes(data)
    return json.loads(head), values
