# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Prints what was measured as a table, which is also reStructuredText."""

from collections.abc import Mapping, Sequence

from harness.contestants import (
    FLOOR,
    LIBRARIES,
    OURS_EVENTLET,
    OURS_THREADING,
    UPSTREAM_EVENTLET,
    UPSTREAM_THREADING,
)
from harness.measure import Row
from harness.turns import Results

__all__ = ("number", "table", "verdicts")

_COLUMNS = (*LIBRARIES, FLOOR)
# Where upstream has nothing for threads, Eventlet is what projects come from.
_RATIOS = (
    (OURS_THREADING, (UPSTREAM_THREADING, UPSTREAM_EVENTLET)),
    (OURS_EVENTLET, (UPSTREAM_EVENTLET,)),
    (OURS_THREADING, (FLOOR,)),
)
_HEADINGS = (
    "what",
    *(
        name.replace("threading", "thr.").replace("eventlet", "evl.")
        for name in _COLUMNS
    ),
    "others",
    "thr./up.",
    "evl./up.",
    "thr./floor",
    "to reach",
    "reached",
)
_WORDS = {True: "yes", False: "NO", None: "?"}


def table(results: Sequence[Results]) -> str:
    """Lay out the medians, the ratios, and what is reached."""
    lines = [_line(row, result) for result in results for row in result.measure.rows]
    return _lay_out([_HEADINGS, *lines])


def verdicts(row: Row, medians: Mapping[str, float]) -> dict[str, bool | None]:
    """Tell who reached the limit of a row."""
    if row.limit is None:
        return {}
    return {
        name: row.limit.reached(medians[name], medians)
        for name in row.judged
        if name in medians
    }


def _line(row: Row, result: Results) -> tuple[str, ...]:
    medians = result.medians(row.value)
    others = [
        f"{name} {number(value)}"
        for name, value in medians.items()
        if name not in _COLUMNS
    ]
    return (
        row.what,
        *(number(medians.get(name)) for name in _COLUMNS),
        ", ".join(others),
        *(_ratio(medians, pair) for pair in _RATIOS),
        str(row.limit or ""),
        _verdict(row, medians),
    )


def _verdict(row: Row, medians: Mapping[str, float]) -> str:
    found = verdicts(row, medians)
    words = [_WORDS[reached] for reached in found.values()]
    if len(set(words)) > 1:
        words = [f"{name.split()[1][:3]}. {_WORDS[ok]}" for name, ok in found.items()]
        return ", ".join(words)
    return words[0] if words else ""


def _ratio(medians: Mapping[str, float], pair: tuple[str, tuple[str, ...]]) -> str:
    name, others = pair
    other = next((medians[one] for one in others if one in medians), None)
    if name not in medians or not other:
        return ""
    return f"{medians[name] / other:.3g}"


def number(value: float | None) -> str:
    """Return a number with as many digits as say something."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _lay_out(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join(line.rstrip() for line in (rule, text[0], rule, *text[1:], rule))
