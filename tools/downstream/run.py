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
import touched
import upstream
from comparison import compare
from environments import make, unpacked
from execution import Run
from places import RESULTS
from projects import PROJECTS, Project, by_name
from report import describe, keep

# What is no project's tests.
OTHERS = {"live": live.show, "touched": touched.show, "upstream": upstream.show}


def main() -> int:
    """Compare what is asked for; give the exit status."""
    # So that what runs is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _options()
    projects = [by_name(name) for name in options.names if name not in OTHERS]
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
    good += [show() for name, show in OTHERS.items() if name in options.names]
    return 0 if all(good) else 1


def _options() -> argparse.Namespace:
    names = [*(project.name for project in PROJECTS), *OTHERS]
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
    found = discovery.find(unpacked(project), project.package, project.tests)
    project.modules_file.write_text("\n".join([*found, ""]), "ascii")
    print(f"{project.name}: {len(found)} test modules")


def _compare(project: Project, variant: str) -> bool:
    runs = {
        library: Run(
            python=make(project, library),
            tree=unpacked(project),
            first=project.first,
            modules=project.modules(),
            environment=project.variants[variant],
            place=RESULTS / f"{project.name}-{variant}-{library}",
        )
        for library in ("upstream", "ours")
    }
    comparison = compare(runs["upstream"], runs["ours"], project.modules())
    keep(RESULTS / f"{project.name}-{variant}.json", comparison)
    told = describe(project, variant, comparison, project.modules())
    print(told, flush=True)
    return not comparison.regressions


if __name__ == "__main__":
    sys.exit(main())
