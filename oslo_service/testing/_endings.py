# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: what does not end is ended, or named.

A module whose first tests all time out is not gone through to the end: its driver is
known to be wrong by then. And processes that a test leaves behind are told of, with the
test.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing import _drivers
from oslo_service.testing.waiting import LIMIT

__all__ = ("left_behind",)

# How many of the first tests have to time out, for the others not to be run.
_FIRST = 3
# By what a process is known to be of this run, and of which test.
_RUN, _TEST = "OSLO_SERVICE_TESTING_RUN", "OSLO_SERVICE_TESTING_TEST"
# For how long a process may take to end when the tests have, in seconds.
_PATIENCE = 2.0
# How many of the first tests of a module have timed out, by module and driver; None:
# one has not.
_TIMED_OUT = pytest.StashKey[dict[tuple[str, str], int | None]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, and mark what is going to be started."""
    config.stash[_TIMED_OUT] = {}
    if not hasattr(config, "workerinput") and _drivers.prepared is None:
        os.environ[_RUN] = f"{os.getpid()} {time.time()}"


def _driver_of(item: pytest.Item) -> str | None:
    given = getattr(getattr(item, "callspec", None), "params", {})
    name = given.get("scenario", {}).get("driver_name")
    return name or given.get("oslo_service_driver")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is of a module that has been ended."""
    name = _driver_of(item)
    if name is None:
        return
    module = item.nodeid.partition("::")[0]
    if (item.config.stash[_TIMED_OUT].get((module, name)) or 0) >= _FIRST:
        where = getattr(item, "module").__name__  # noqa: B009 - a function's item has it
        pytest.skip(
            f"{where} is ended on the driver {name!r}: its first {_FIRST} tests have"
            " all timed out"
        )
    os.environ[_TEST] = item.nodeid


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish() -> None:
    """Have nothing that is started from now on be of the test."""
    os.environ.pop(_TEST, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """Count those that time out, until one does not."""
    report = yield
    name = _driver_of(item)
    if call.when == "call" and name is not None and not report.skipped:
        counts = item.config.stash[_TIMED_OUT]
        key = (item.nodeid.partition("::")[0], name)
        before = counts.get(key, 0)
        if before is not None and before < _FIRST:
            timed_out = report.failed and call.duration >= LIMIT
            counts[key] = before + 1 if timed_out else None
    return report


def left_behind() -> list[str]:
    """Return what is left of this run's processes, where the system tells."""
    end = time.monotonic() + _PATIENCE
    while (found := _look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _look() -> list[str]:
    found = []
    mark = f"{_RUN}={os.environ.get(_RUN)}"
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            given = _words(folder / "environ")
            command = " ".join(_words(folder / "cmdline"))
        except OSError:  # it has ended, or is another user's
            continue
        tests = [one for one in given if one.startswith(f"{_TEST}=")]
        if mark in given and tests and command:
            test = tests[0].partition("=")[2]
            found.append(f"process {folder.name} of {test}: {command[:100]!r}")
    return sorted(found)


def _words(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8", "replace").split("\0")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell what is left behind."""
    if hasattr(config, "workerinput") or _drivers.prepared is not None:
        return
    if found := left_behind():
        terminalreporter.section("processes left behind")
        for one in found:
            terminalreporter.line(one)
