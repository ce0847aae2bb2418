# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Families of metrics, and their series as text.

https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Mapping

from oslo_service._common.records import Record

__all__ = (
    "COUNTED",
    "MOST_RECENT",
    "PER_WORKER",
    "Family",
    "labels_text",
    "mode_of",
)

# How the values that several workers have of a series become one:
#: They are added up, as counters are.
COUNTED = "counted"
#: They do not: each worker has a series of its own, with a label that names it.
PER_WORKER = "all"
#: The value that has changed last counts.
MOST_RECENT = "mostrecent"

# The suffixes of samples that are added up, by the type of the family.
_COUNTED = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}


class Family(Record):
    """A family of metrics.

    :ivar name: its name, without the suffixes that its samples have.
    :ivar type: its type, as OpenMetrics calls it.
    :ivar help: what it measures.
    :ivar unit: the unit of the values; may be empty.
    :ivar mode: how a gauge's values of several workers become one, as
        prometheus_client's ``multiprocess_mode`` calls it.
    """

    name: str
    type: str
    help: str = ""
    unit: str = ""
    mode: str = PER_WORKER


def mode_of(family: Family, suffix: str) -> str:
    """Return how the values that several workers have of a sample become one.

    :param suffix: what the name of the sample has after that of the family.
    """
    if suffix in _COUNTED.get(family.type, ()):
        return COUNTED
    return family.mode if family.type == "gauge" else PER_WORKER


def labels_text(labels: Mapping[str, str]) -> str:
    """Return labels as text: what stands between the braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
