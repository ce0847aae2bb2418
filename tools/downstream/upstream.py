# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Upstream's own tests, on this library.

They come with upstream's source archive, and are put beside what is installed. All
that pass there have to pass here, but for those that are listed with a reason.
"""

import re
import shutil
import sys
import tomllib
import venv
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from comparison import Comparison, compare
from environments import install, renew, unpacked
from execution import Result, Run
from places import ENVIRONMENTS, EXCEPTIONS, RESULTS
from projects import Project
from report import describe, keep

__all__ = ("exceptions", "is_listed", "judge", "show")

_UPSTREAM = Project(
    "oslo.service",
    "4.8.0",
    package="oslo_service",
    tests="oslo_service.tests",
    needs=(
        "cotyledon",
        "fixtures",
        "oslo.utils",
        "oslotest",
        "requests",
        "testtools",
        "yappi",
    ),
    # The tests patch unless this says that they are not to.
    variants={"eventlet": {}, "threading": {"OSLO_SERVICE_SKIP_EVENTLET": "1"}},
)

# What a module of theirs looks for when it is imported, to replace it in a test.
_STAND_INS = """\
import multiprocessing
from oslo_service.backend._threading import service
service.multiprocessing = multiprocessing
"""
_EVENTLET = re.compile(r"^(?:import|from) eventlet", re.MULTILINE)
_made: set[Path] = set()


def show() -> bool:
    """Run them on either side, each way; tell whether all is as it is listed."""
    source = unpacked(_UPSTREAM) / "oslo_service" / "tests"
    good = [_show(variant, source) for variant in _UPSTREAM.variants]
    return all(good)


def _show(variant: str, source: Path) -> bool:
    place = RESULTS / f"upstream-{variant}"
    modules = _modules(source, variant)
    there, here = (
        [
            Run(
                python=_environment(library, source),
                tree=_elsewhere(),
                first=("oslo_service.tests", "stand_ins"),
                modules=[module],
                environment=_UPSTREAM.variants[variant],
                place=RESULTS / f"upstream-{variant}-{library}" / module,
            )
            for module in modules
        ]
        for library in ("upstream", "ours")
    )
    never, seldom = exceptions(variant)
    listed = never | seldom
    comparison = compare(
        _each(there), _each(here), modules, lambda test: is_listed(listed, test)
    )
    keep(place.with_name(f"{place.name}.json"), comparison)
    wrong = judge(comparison, never)
    print(describe(_UPSTREAM, variant, comparison, modules), flush=True)
    print("\n".join(wrong) or "  as it is listed", flush=True)
    return not wrong


def _each(runs: list[Run]) -> Callable[[Collection[str] | None], dict[str, Result]]:
    """Have each module run in a process of its own: they leave much behind."""

    def run(only: Collection[str] | None) -> dict[str, Result]:
        found: dict[str, Result] = {}
        for one in runs:
            if only is None or set(one.modules) & set(only):
                found |= one(only)
        return found

    return run


def exceptions(variant: str) -> tuple[set[str], set[str]]:
    """Return the tests that do not pass when they are run in a way.

    :returns: those that never do, and those that do now and then.
    """
    never: set[str] = set()
    seldom: set[str] = set()
    for one in tomllib.loads(EXCEPTIONS.read_text("utf-8"))["exception"]:
        if one.get("variant", variant) == variant:
            unsteady = variant in one.get("unsteady", ())
            (seldom if unsteady else never).update(one["tests"])
    return never, seldom


def is_listed(listed: Iterable[str], test: str) -> bool:
    """Whether a test is listed, or its class or module is."""
    return any(test == one or test.startswith(f"{one}.") for one in listed)


def judge(comparison: Comparison, listed: Iterable[str]) -> list[str]:
    """Return what is not as it is listed."""
    passed = {
        test for test, result in comparison.here.items() if result.outcome == "passed"
    }
    return [
        *(f"  NOT LISTED: {one}" for one in comparison.regressions),
        *(f"  PASSES, and is listed: {one}" for one in sorted(passed & set(listed))),
    ]


def _environment(library: str, source: Path) -> Path:
    """Make an environment anew, with the tests in it; return its interpreter."""
    place = ENVIRONMENTS / f"upstream-{library}"
    python = place / "bin" / "python"
    if place in _made:
        return python
    _made.add(place)
    if not python.exists():
        print(f"installing {library} for upstream's tests", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        install(python, library, *_UPSTREAM.needs)
    elif library == "ours":
        renew(python)
    (packages,) = place.glob("lib/python*/site-packages")
    beside = packages / "oslo_service" / "tests"
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(source, beside)
    return python


def _elsewhere() -> Path:
    """Return a folder from which nothing of the library is imported."""
    place = ENVIRONMENTS / "elsewhere"
    place.mkdir(parents=True, exist_ok=True)
    (place / "stand_ins.py").write_text(_STAND_INS, "ascii")
    return place


def _modules(source: Path, variant: str) -> list[str]:
    """Return the test modules; not those that want a patched process, in another."""
    top = source.parent.parent
    return sorted(
        ".".join(path.relative_to(top).with_suffix("").parts)
        for path in source.rglob("test_*.py")
        if variant == "eventlet" or not _EVENTLET.search(path.read_text("utf-8"))
    )
