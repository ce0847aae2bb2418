# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Scenarios (as testscenarios has them) that run a test once per driver.

For test cases of :mod:`unittest`::

    class TestCollector(scenarios.OnEveryDriver, unittest.TestCase):
        def test_collects(self): ...
"""

import atexit
import importlib
import sys
import traceback
import unittest
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oslo_service._extras import need
from oslo_service.testing import _drivers, _errand

if TYPE_CHECKING:
    from oslo_service.backend.base import Driver

need("testscenarios", "test")
import testscenarios  # noqa: E402

__all__ = ("OnEveryDriver", "Scenario", "per_driver")

Scenario = tuple[str, dict[str, Any]]

# The processes that drivers have prepared, for as long as this one runs.
_errands: dict[str, _errand.Errand] = {}


def per_driver(
    drivers: Iterable[str], others: Sequence[Scenario] = ()
) -> list[Scenario]:
    """Give a scenario for each driver, times each of the others.

    :param drivers: the names of the drivers; a scenario has its driver's as
        ``driver_name``.
    :param others: scenarios to multiply with.
    """
    scenarios: list[Scenario] = [(name, {"driver_name": name}) for name in drivers]
    if not others:
        return scenarios
    multiplied: list[Scenario] = testscenarios.multiply_scenarios(scenarios, others)
    return multiplied


class OnEveryDriver(testscenarios.WithScenarios):
    """A mix-in, before :class:`unittest.TestCase`: each test runs once a driver.

    Scenarios of the class's own are multiplied with. Where a driver cannot run, the
    test is skipped with the reason; where it has to prepare the process, the test
    runs in one of its own, in which its module is imported afterwards.

    :cvar backends: the names of the drivers; None: every driver installed.
    :ivar driver_name: the name of the driver that this run of the test is for.
    :ivar driver: the driver, which is selected while the test runs.
    """

    backends: Sequence[str] | None = None
    scenarios: Sequence[Scenario] | None = None
    driver_name: str
    driver: "Driver"

    def countTestCases(self) -> int:  # noqa: N802 - of unittest
        """Tell how many tests it is."""
        return len(_variants(self)) or 1

    def run(self, result: unittest.TestResult | None = None) -> Any:
        """Run the test on every driver; or on its own, where it is for one."""
        if not hasattr(self, "driver_name"):
            for one in _variants(self):
                one.run(result)
            return result
        reason = _drivers.obstacle(self.driver_name)
        if reason is not None:
            return _without_running(self, result, [("addSkip", reason)])
        if _drivers.needs_own_process(self.driver_name):
            return _without_running(self, result, _run_elsewhere(self))
        with _drivers.on_driver(self.driver_name) as self.driver:
            return super().run(result)


def _variants(test: OnEveryDriver) -> list[OnEveryDriver]:
    if hasattr(test, "driver_name"):
        return []
    names = _drivers.installed() if test.backends is None else test.backends
    scenarios = per_driver(names, test.scenarios or ())
    variants: Any = list(testscenarios.apply_scenarios(scenarios, test))
    for one in variants:
        one.scenarios = None
        # Where pytest runs it: a method bound to what was copied.
        vars(one).pop(one._testMethodName, None)
    return list(variants)


def _without_running(
    test: Any, result: unittest.TestResult | None, outcome: list[tuple[str, str]]
) -> Any:
    """Tell a result what has become of a test."""
    if result is None:
        result = test.defaultTestResult()
    result.startTest(test)
    for event, text in outcome or [("addSuccess", "")]:
        _tell(result, event, test, text)
    result.stopTest(test)
    return result


def _tell(result: Any, event: str, test: Any, text: str) -> None:
    if event in ("addSuccess", "addUnexpectedSuccess"):
        getattr(result, event)(test)
    elif event == "addSkip":
        result.addSkip(test, text)
    else:
        try:
            raise AssertionError(text)  # noqa: TRY301 - it needs a traceback
        except AssertionError:
            getattr(result, event)(test, sys.exc_info())


# In the process that a driver has prepared, and from outside


def _run_elsewhere(test: OnEveryDriver) -> list[tuple[str, str]]:
    name = test.driver_name
    try:
        if name not in _errands:
            if not _errands:
                atexit.register(_end_errands)
            _errands[name] = _errand.Errand(name, "unittest", None, Path.cwd())
        class_ = type(test)
        _errands[name].say([class_.__module__, class_.__qualname__, test.id()])
        return [(event, text) for event, text in _errands[name].hear()]
    except _errand.Lost as lost:
        _errands.pop(name).end()
        return [("addError", str(lost))]
    except BaseException:
        # Such as of a timer. The answer must not be taken for one to the next test.
        if name in _errands:
            _errands.pop(name).kill()
        raise


def _end_errands() -> None:
    while _errands:
        _errands.popitem()[1].end()


def _run_here(order: Sequence[str]) -> list[tuple[str, str]]:
    """Run a test that another process asks for; give what is to be told."""
    module, class_name, id_ = order
    result = unittest.TestResult()
    try:
        class_: Any = importlib.import_module(module)
        for part in class_name.split("."):
            class_ = getattr(class_, part)
        method = id_.removeprefix(f"{module}.{class_name}.").partition("(")[0]
        found = [one for one in _variants(class_(method)) if one.id() == id_]
        found[0].run(result)
    except Exception:  # noqa: BLE001 - it is told to who asked
        return [("addError", traceback.format_exc())]
    return [
        *(("addFailure", text) for _, text in result.failures),
        *(("addError", text) for _, text in result.errors),
        *(("addSkip", text) for _, text in result.skipped),
        *(("addExpectedFailure", text) for _, text in result.expectedFailures),
        *(("addUnexpectedSuccess", "") for _ in result.unexpectedSuccesses),
    ]
