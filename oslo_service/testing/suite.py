# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: how the conformance suite runs, and what it tells.

A test, or a fixture that it uses, that asks for ``scenario``, ``driver_name`` or
``driver`` runs once for each driver; where its class has ``scenarios`` of its own
(as testscenarios has them), once for each combination. What a scenario says becomes
attributes of the test's instance. The driver's name is in the test's id.

These tests run in a process that no driver has prepared: some need native threads
beside the driver's tasks, others start programs that prepare themselves.
"""

import contextlib
import inspect
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from oslo_service.backend.base import Driver
from oslo_service.testing import _drivers, plugin, scenarios
from oslo_service.testing.waiting import LIMIT, runs_program

__all__ = ("check_capabilities", "driver", "driver_name", "pipe", "scenario")

_NEEDS, _LACKS = "needs_capability", "lacks_capability"
# How much of a failure is told at the end, in characters.
_SHOWN = 160
# When a test hangs, in seconds: what it waits for itself would have failed by then.
_HANGS = 1.5 * LIMIT


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line(
        "markers", f"{_NEEDS}(name): skip where the driver does not declare it"
    )
    config.addinivalue_line(
        "markers", f"{_LACKS}(name): skip where the driver does declare it"
    )
    config.addinivalue_line(
        "markers",
        "starts_processes: for a run of those that start none to leave it out",
    )
    _hear_signals()


def _hear_signals() -> None:
    """Undo what nohup(1), or a shell in the background, has done to these tests.

    The programs that they start would ignore the signals, too.
    """
    heard: dict[signal.Signals, Any] = {
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
    }
    for signum, disposition in heard.items():
        if signal.getsignal(signum) == signal.SIG_IGN:
            signal.signal(signum, disposition)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Multiply tests by drivers, and by their class's scenarios."""
    if "scenario" not in metafunc.fixturenames:
        return
    own = getattr(metafunc.cls, "scenarios", ())
    found = scenarios.per_driver(plugin.choose(metafunc.config), own)
    metafunc.parametrize(
        "scenario",
        plugin.parameters([(id_, one["driver_name"], one) for id_, one in found]),
        indirect=True,
    )


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> dict[str, object]:
    """What distinguishes this run of the test from its other runs."""
    values: dict[str, object] = request.param
    check_capabilities(request.node, str(values["driver_name"]))
    for name, value in values.items():
        if request.instance is not None:
            setattr(request.instance, name, value)
    return values


def check_capabilities(item: pytest.Item, name: str) -> None:
    """Skip a test that needs what a driver does not declare, or is for those only."""
    declared = _drivers.capabilities(name)
    for marker in item.iter_markers(_NEEDS):
        if not getattr(declared, marker.args[0]):
            pytest.skip(f"{_not_provided(name)}{marker.args[0]}")
    for marker in item.iter_markers(_LACKS):
        if getattr(declared, marker.args[0]):
            pytest.skip(f"the driver {name!r} provides {marker.args[0]}")


def _not_provided(name: str) -> str:
    return f"not provided by the driver {name!r}: "


@pytest.fixture
def driver_name(scenario: dict[str, object]) -> str:
    """The name of the driver that this run of the test is for."""
    return str(scenario["driver_name"])


@pytest.fixture
def driver(driver_name: str) -> Iterator[Driver]:
    """The driver that this run of the test is for, selected in this process."""
    with _drivers.on_driver(driver_name) as driver:
        yield driver


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, closed afterwards."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(fd)


class _Hangs(KeyboardInterrupt):
    """A test does not end. Schedulers let this one pass."""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Have a test fail that hangs, as one does where a time-out is ignored."""
    if not _is_contract(pyfuncitem) or (
        threading.current_thread() is not threading.main_thread()
    ):
        return (yield)

    def interrupt(*_: object) -> None:
        if not runs_program():
            raise _Hangs

    before = signal.signal(signal.SIGALRM, interrupt)
    hangs = _when_it_hangs(pyfuncitem)
    signal.setitimer(signal.ITIMER_REAL, hangs, hangs)
    try:
        return (yield)
    except _Hangs:
        pytest.fail(f"it hangs: what should return has not in {hangs:g} s")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _when_it_hangs(item: pytest.Item) -> float:
    """Return after how many seconds: where a test says how long it takes, nearly so."""
    marker = item.get_closest_marker("timeout")
    if marker is None:
        return _HANGS
    said = marker.args[0] if marker.args else marker.kwargs.get("timeout")
    return max(_HANGS, 0.9 * float(said or 0.0))


def _is_contract(item: pytest.Item) -> bool:
    asked = getattr(item, "fixturenames", ())
    return "scenario" in asked or "oslo_service_driver" in asked


# What is told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name the sentence that a failure breaks."""
    report = yield
    if report.failed and _is_contract(item):
        sentence, seen = _sentence_of(item), _what_was_seen(report)
        blamed = getattr(getattr(item, "cls", None), "primitive", None)
        if blamed is not None:
            seen = f"most likely {blamed}: {seen}"
        report.sections.insert(0, ("Contract broken", f"{sentence}\n{seen}\n"))
        report.user_properties.append(("contract", sentence))
        report.user_properties.append(("seen", seen))
    return report


def _what_was_seen(report: pytest.TestReport) -> str:
    """Return what was expected and seen, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    return " ".join(text.split())[:_SHOWN]


def _sentence_of(item: pytest.Item) -> str:
    """Return the sentence of the contract that a test checks: what it is called."""
    subjects = [_subject(getattr(item, "module", None), "")]
    if (class_ := getattr(item, "cls", None)) is not None:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", class_.__name__)
        subjects.append(_subject(class_, words.removeprefix("Test ").lower()))
    name = getattr(item, "originalname", item.name).removeprefix("test_")
    found = [*filter(None, subjects), name.replace("_", " ")]
    return f"{': '.join(found)} [{item.callspec.id}]"  # type: ignore[attr-defined]


def _subject(of: Any, otherwise: str) -> str:
    text = inspect.getdoc(of) or otherwise
    return text.partition("\n")[0].removeprefix("Contract: ").rstrip(".:")


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """List what is broken, and what is not provided."""
    reports = [
        report
        for category in ("failed", "error", "skipped")
        for report in terminalreporter.stats.get(category, ())
    ]
    broken: dict[str, str] = {}
    for report in reports:
        told = dict(getattr(report, "user_properties", ()))
        if "contract" in told:
            broken.setdefault(told["contract"], told["seen"])
    skipped = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in reports
        if report.skipped
    )
    if broken or skipped:
        terminalreporter.section("the contract of drivers")
    for sentence, seen in broken.items():
        terminalreporter.line(f"broken: {sentence}")
        terminalreporter.line(f"    {seen}")
    for reason, count in sorted(skipped.items()):
        terminalreporter.line(f"{reason} ({count} skipped)")
