#!/usr/bin/env python3
# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Measure this library and oslo.service 4.8.0 side by side; see README.rst."""

import argparse
import json
import signal
import sys
from pathlib import Path

from harness import figures
from harness.contestants import Contestant, entrants
from harness.environments import Interpreters
from harness.measure import Measure
from harness.places import CHECKOUT
from harness.report import table, verdicts
from harness.turns import Results, take_turns
from measures import ALL


def main() -> int:
    """Take the measures that are asked for, and print the report."""
    # So that what runs is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _options()
    given = {"ours": options.ours_python, "upstream": options.upstream_python}
    # Not resolved: a virtual environment is found through the link.
    pythons = Interpreters(
        {library: python.absolute() for library, python in given.items() if python}
    )
    results = []
    for measure in _wanted(options.names):
        contestants = _taking_part(measure, pythons, options.contestant)
        rounds = options.rounds or measure.rounds
        result = take_turns(measure, contestants, rounds)
        results.append(result)
        if options.report:
            order = [one.name for one in ALL]
            figures.write(result, contestants, options.report, order)
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(_as_data(results), indent=1))
    return any(result.failures for result in results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="measures: " + ", ".join(measure.name for measure in ALL),
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="what to measure (all)"
    )
    parser.add_argument(
        "--rounds", type=int, help="how often each is measured (as fits the measure)"
    )
    parser.add_argument(
        "--contestant",
        action="append",
        metavar="WORD",
        help="only those with this word in their name (all)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="where to write what was taken"
    )
    parser.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=CHECKOUT / "doc" / "source" / "figures",
        metavar="FOLDER",
        help="write tables for the documentation, or there",
    )
    for library in ("ours", "upstream"):
        parser.add_argument(
            f"--{library}-python",
            type=Path,
            metavar="FILE",
            help=f"an interpreter that has {library} installed (made if not given)",
        )
    options = parser.parse_args()
    unknown = set(options.names) - {measure.name for measure in ALL}
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    return options


def _wanted(names: list[str]) -> list[Measure]:
    return [measure for measure in ALL if not names or measure.name in names]


def _taking_part(
    measure: Measure, pythons: Interpreters, words: list[str] | None
) -> list[Contestant]:
    names = [
        name
        for name in measure.contestants
        if not words or any(word in name for word in words)
    ]
    return entrants(names, pythons)


def _as_data(results: list[Results]) -> list[dict[str, object]]:
    return [
        {
            "measure": result.measure.name,
            "what": row.what,
            "medians": (medians := result.medians(row.value)),
            "to_reach": row.limit and str(row.limit),
            "reached": verdicts(row, medians),
            "taken": {
                name: [one.get(row.value) for one in rounds]
                for name, rounds in result.taken.items()
            },
            "failures": result.failures,
        }
        for result in results
        for row in result.measure.rows
    ]


if __name__ == "__main__":
    sys.exit(main())
