# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Scenarios (as testscenarios has them) that run a test once per driver.

For test cases of :mod:`unittest`::

    class TestCollector(scenarios.OnEveryDriver, unittest.TestCase):
        def test_collects(self): ...
"""

import atexit
import os
import sys
import traceback
import unittest
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from multiprocessing import spawn
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from oslo_service._common.extras import need
from oslo_service.testing import _drivers
from oslo_service.testing._channel import Channel
from oslo_service.testing._prepared_process import PreparedProcess, ProcessLost

if TYPE_CHECKING:
    from oslo_service.backend.base import Driver

need("testscenarios", "test")
import testscenarios  # noqa: E402

__all__ = ("OnEveryDriver", "Scenario", "per_driver")

Scenario = tuple[str, dict[str, Any]]

# The processes that drivers have prepared, for as long as this one runs.
_processes: dict[str, PreparedProcess] = {}


def per_driver(
    drivers: Iterable[str], others: Sequence[Scenario] = ()
) -> list[Scenario]:
    """Return a scenario for each driver, times each of the others.

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
        """Return how many tests it is."""
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


# In the process that asks for the test


def _run_elsewhere(test: OnEveryDriver) -> list[tuple[str, str]]:
    name = test.driver_name
    try:
        if name not in _processes:
            if not _processes:
                atexit.register(_end_processes)
            _processes[name] = PreparedProcess(name, "unittest", _main(), Path.cwd())
        class_ = type(test)
        id_ = test.id().removeprefix(f"{class_.__module__}.")
        _processes[name].send([class_.__module__, class_.__qualname__, id_])
        return [(event, text) for event, text in _processes[name].receive()]
    except ProcessLost as lost:
        _processes.pop(name).end()
        return [("addError", str(lost))]
    except BaseException:
        # Such as of a timer. The answer must not be taken for one to the next test.
        if name in _processes:
            _processes.pop(name).kill()
        raise


def _main() -> dict[str, str]:
    """Return where the program is from, in the words of multiprocessing.spawn.

    Its own function for that also decides how the program starts processes.
    """
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        return {"init_main_from_name": main.__spec__.name}
    if getattr(main, "__file__", None) is not None:
        return {"init_main_from_path": os.path.abspath(str(main.__file__))}
    return {}


def _end_processes() -> None:
    while _processes:
        trouble = _processes.popitem()[1].end()
        if trouble is not None:
            sys.stderr.write(f"{trouble}\n")


# In the process that the driver has prepared


def _run_here(channel: Channel, main: dict[str, str]) -> int:
    """Run the tests that another process asks for.

    :param main: where the program of that process is from.
    :returns: the status to end with.
    """
    result = unittest.TestResult()
    _Ordered(channel, main, result).run(result)
    for _, text in _take(result):
        # Of the last class, or module: there is no test to tell it of.
        sys.stdout.write(f"{text}\n")
        return 1
    return 0


class _Ordered(unittest.TestSuite):
    """The tests that are asked for, at the time at which each is.

    As they are one suite, classes and modules are set up, and torn down, as ever.
    """

    def __init__(
        self, channel: Channel, main: dict[str, str], result: unittest.TestResult
    ) -> None:
        super().__init__()
        self._channel = channel
        self._main = main
        self._result = result

    def __iter__(self) -> Iterator[unittest.TestCase]:
        obstacle: list[tuple[str, str]] = []
        for order in self._channel.requests():
            try:
                test = _find(order, self._main)
            except Exception:  # noqa: BLE001 - it is told to who asked
                self._channel.reply([("addError", traceback.format_exc())])
                continue
            ran = self._result.testsRun
            yield test
            outcome = _take(self._result, test)
            if self._result.testsRun == ran:
                # What it needs cannot be set up. That is tried, and told, once.
                outcome = obstacle = outcome or obstacle
            self._channel.reply(outcome)

    def _removeTestAtIndex(self, index: int) -> None:  # noqa: N802 - of unittest
        """Do nothing: it has none."""


def _find(order: Sequence[str], main: dict[str, str]) -> Any:
    module, class_name, id_ = order
    class_: Any = _program(main) if module == "__main__" else import_module(module)
    for part in class_name.split("."):
        class_ = getattr(class_, part)
    method = id_.removeprefix(f"{class_name}.").partition("(")[0]
    found = {
        one.id().removeprefix(f"{class_.__module__}."): one
        for one in _variants(class_(method))
    }
    return found[id_]


def _program(main: dict[str, str]) -> ModuleType:
    """Import the program of the other process, as multiprocessing does."""
    if sys.modules["__main__"].__name__ == "__main__":
        spawn.prepare(main)
    module = sys.modules["__main__"]
    if module.__name__ == "__main__":
        raise ImportError("the tests are in a program that is not from a file")
    return module


def _take(
    result: unittest.TestResult, test: unittest.TestCase | None = None
) -> list[tuple[str, str]]:
    """Return what a result was told, of a test for the most part; it forgets it."""
    taken = []
    for event, entries in (
        ("addFailure", result.failures),
        ("addError", result.errors),
        ("addSkip", result.skipped),
        ("addExpectedFailure", result.expectedFailures),
        ("addUnexpectedSuccess", result.unexpectedSuccesses),
    ):
        for entry in entries:
            about, text = (entry, "") if isinstance(entry, unittest.TestCase) else entry
            taken.append((event, text if about is test else f"{about.id()}: {text}"))
        entries.clear()
    return taken
