#!/usr/bin/env python3
# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run real projects' own tests on this library and on oslo.service 4.8.0.

A test that passes on upstream and fails here is a regression: the status is 1.
So it is if a real service does not start, reload and stop on this library.
"""

import argparse
import signal
import sys

import discovery
import live
from comparison import compare
from environments import make, tree_of
from execution import Run
from places import RESULTS
from projects import PROJECTS, Project, by_name
from report import describe, keep


def main() -> int:
    """Compare what is asked for; give the exit status."""
    # So that what runs is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _options()
    projects = [by_name(name) for name in options.names if name != "live"]
    if options.find:
        for project in projects:
            _find(project)
        return 0
    good = [
        _compare(project, variant)
        for project in projects
        for variant in project.variants
        if options.variant in (None, variant)
    ]
    if "live" in options.names:
        good.append(live.show())
    return 0 if all(good) else 1


def _options() -> argparse.Namespace:
    names = [*(project.name for project in PROJECTS), "live"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"what to run, of {', '.join(names)} (all)",
    )
    parser.add_argument(
        "--find",
        action="store_true",
        help="only write the lists of test modules that use oslo.service, anew",
    )
    parser.add_argument(
        "--variant", help="only this way of running them, such as eventlet (all)"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(names)
    if unknown:
        parser.error(f"no such project: {', '.join(sorted(unknown))}")
    options.names = options.names or names
    return options


def _find(project: Project) -> None:
    found = discovery.find(tree_of(project), project.package, project.tests)
    project.modules_file.write_text("\n".join([*found, ""]), "ascii")
    print(f"{project.name}: {len(found)} test modules")


def _compare(project: Project, variant: str) -> bool:
    runs = {
        library: Run(
            python=make(project, library),
            tree=tree_of(project),
            first=project.first,
            modules=project.modules(),
            environment=project.variants[variant],
            place=RESULTS / f"{project.name}-{variant}-{library}",
        )
        for library in ("upstream", "ours")
    }
    comparison = compare(runs["upstream"], runs["ours"], project.modules())
    keep(RESULTS / f"{project.name}-{variant}.json", comparison)
    print(describe(project, variant, comparison), flush=True)
    return not comparison.regressions


if __name__ == "__main__":
    sys.exit(main())
