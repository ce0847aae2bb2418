# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is printed, and what is kept, about a comparison."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from comparison import REPEATS, Comparison
from projects import Project

__all__ = ("describe", "keep")

_OUTCOMES = ("passed", "failed", "skipped", "died")
_WIDTHS = (24, 10)


def describe(
    project: Project, variant: str, comparison: Comparison, modules: list[str]
) -> str:
    """Return the counts of either side, and the names of the tests that matter."""
    lines = [
        f"{project.requirement}, {variant}: {len(modules)} test modules",
        _row("", "tests", *_OUTCOMES),
    ]
    for side, counts in comparison.counts().items():
        numbers = (counts.total(), *(counts[outcome] for outcome in _OUTCOMES))
        lines.append(_row(side, *map(str, numbers)))
    if comparison.expected:
        lines.append(_row("as listed", str(len(comparison.expected))))
    lines += _named("regressions", comparison.regressions)
    lines += _named(f"unsteady, in {REPEATS} repeats", comparison.unsteady)
    return "\n".join(lines)


def keep(place: Path, comparison: Comparison) -> None:
    """Write everything that is known, for whoever looks for a cause."""
    details = {
        test: {
            side: asdict(results[test]) if test in results else None
            for side, results in (
                ("upstream", comparison.there),
                ("ours", comparison.here),
            )
        }
        for test in sorted({*comparison.there, *comparison.here})
    }
    place.write_text(
        json.dumps(
            {
                "regressions": comparison.regressions,
                "unsteady": comparison.unsteady,
                "tests": details,
            },
            indent=1,
        ),
        "utf-8",
    )


def _row(first: str, *others: str) -> str:
    return f"  {first:<{_WIDTHS[0]}}" + "".join(
        f"{one:>{_WIDTHS[1]}}" for one in others
    )


def _named(what: str, tests: list[str]) -> Iterator[str]:
    yield _row(what, str(len(tests)))
    yield from (f"    {test}" for test in tests)
