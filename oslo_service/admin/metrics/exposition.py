# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Families of metrics as OpenMetrics text.

https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Iterable, Sequence

from oslo_service.admin.metrics.families import Family

__all__ = ("KIND", "text")

_OTHERS = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}

KIND = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def text(families: Iterable[tuple[Family, Sequence[tuple[str, str, float]]]]) -> bytes:
    """Return what is scraped.

    :param families: each with the suffix, the labels and the value of its samples.
    """
    lines: list[str] = []
    for family, samples in families:
        if not samples:
            continue
        name = family.name
        lines += _head(family)
        lines += [
            f"{name}{suffix}{{{labels}}} {_number(value)}\n"
            if labels
            else f"{name}{suffix} {_number(value)}\n"
            for suffix, labels, value in samples
        ]
    lines.append("# EOF\n")
    return "".join(lines).encode()


def _head(family: Family) -> Iterable[str]:
    yield f"# TYPE {family.name} {family.type}\n"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}\n"
    if family.help:
        escaped = family.help.replace("\\", r"\\").replace("\n", r"\n")
        yield f"# HELP {family.name} {escaped.replace(chr(34), chr(92) + chr(34))}\n"


def _number(value: float) -> str:
    text = repr(float(value))
    return _OTHERS[text] if text[-1] in "nf" else text
