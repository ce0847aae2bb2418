# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of pytest that run in a process that their driver has prepared.

They are collected here and there, in the same way; there they run, here they are
reported.
"""

import traceback
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from oslo_service.testing._channel import Channel
from oslo_service.testing._prepared_process import PreparedProcess, ProcessLost

__all__ = ("Agent", "Controller")

# What the agent has to leave to the controller: writing results, other
# processes, asking questions.
_OFF: dict[str, Any] = {
    "xmlpath": None,
    "dist": "no",
    "tx": [],
    "numprocesses": None,
    "usepdb": False,
}
_PLUGINS_OFF = ("lfplugin", "nfplugin", "stepwiseplugin")


class Controller:
    """Has items run elsewhere, and reports what became of them.

    :param config: of the process that was started by a user.
    :param elsewhere: the items, and the drivers that they are to run on.
    """

    def __init__(
        self, config: pytest.Config, elsewhere: dict[pytest.Item, str]
    ) -> None:
        self._config = config
        self._elsewhere = elsewhere
        self._processes: dict[str, PreparedProcess] = {}
        # Drivers whose process ended before it could run a test, and why.
        self._unusable: dict[str, str] = {}
        self._began: set[str] = set()

    @pytest.hookimpl(specname="pytest_runtest_protocol", wrapper=True, tryfirst=True)
    def pytest_start_process(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Have the process there before a timer starts that is for the item."""
        name = self._elsewhere.get(item)
        if name is not None and name not in (*self._processes, *self._unusable):
            try:
                self._start(name)
            except ProcessLost as lost:
                self._unusable[name] = str(lost)
        return (yield)

    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run an item, if it is one of those."""
        name = self._elsewhere.get(item)
        if name is None:
            return None
        # What is there to be kept for the one that follows.
        same = nextitem is not None and self._elsewhere.get(nextitem) == name
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem if same else None, name):
            hook.pytest_runtest_logreport(report=report)
        try:
            # What was set up here, for tests before it, may be over as well.
            item.session._setupstate.teardown_exact(nextitem)
        except Exception:  # noqa: BLE001 - is reported
            report = _failure(item, traceback.format_exc(), when="teardown")
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(
        self, item: pytest.Item, follows: pytest.Item | None, name: str
    ) -> Iterator[pytest.TestReport]:
        if name in self._unusable:
            yield _failure(item, self._unusable[name])
            return
        process = self._processes[name]
        try:
            process.send([_path(item), _path(follows) if follows else None])
            while (answer := process.receive()) is not None:
                self._began.add(name)
                yield self._report(item, answer)
        except ProcessLost as lost:
            self._processes.pop(name).end()
            if name not in self._began:
                self._unusable[name] = str(lost)
            yield _failure(item, str(lost))
        except pytest.fail.Exception as failed:  # a timer's
            yield _failure(item, f"{failed}\n{self._processes.pop(name).kill()}")

    def _report(self, item: pytest.Item, answer: Any) -> pytest.TestReport:
        hook = self._config.hook
        report: pytest.TestReport = hook.pytest_report_from_serializable(
            config=self._config, data=answer
        )
        if isinstance(report.longrepr, list):  # where it was skipped
            report.longrepr = tuple(report.longrepr)
        report.nodeid = item.nodeid
        return report

    def _start(self, name: str) -> None:
        how = self._config.invocation_params
        arguments = [str(argument) for argument in how.args]
        if self._config.pluginmanager.hasplugin("pytest_cov"):
            arguments.append("--no-cov")
        if (base := self._config.option.basetemp) is not None:
            # Each removes what it finds in its own.
            arguments.append(f"--basetemp={Path(base).absolute()}-{name}")
        files = {str(item.path) for item, its in self._elsewhere.items() if its == name}
        plan = {"arguments": arguments, "files": sorted(files)}
        process = self._processes[name] = PreparedProcess(name, "pytest", plan, how.dir)
        process.receive()  # that it has collected

    def pytest_unconfigure(self) -> None:
        """Have all the processes end."""
        while self._processes:
            self._processes.popitem()[1].end()


def _path(item: pytest.Item) -> str:
    """Return what an item is called here and there alike.

    To the id, pytest-xdist adds the group that an item is in.
    """
    return "::".join(node.name for node in item.listchain())


def _failure(
    item: pytest.Item, text: str, *, when: Literal["call", "teardown"] = "call"
) -> pytest.TestReport:
    return pytest.TestReport(
        item.nodeid,
        item.location,
        dict.fromkeys(item.keywords, 1),
        "failed",
        text,
        when,
    )


class Agent:
    """A plugin: runs the items that it is told to, and reports to the controller.

    :param channel: to the controller.
    :param files: which have such items; others are not imported.
    """

    def __init__(self, channel: Channel, files: list[str]) -> None:
        self._channel = channel
        self._files = frozenset(files)
        self._config: pytest.Config | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Leave to the controller what is its business."""
        self._config = config
        for option, value in _OFF.items():
            if hasattr(config.option, option):
                setattr(config.option, option, value)

    def pytest_sessionstart(self) -> None:
        """Likewise."""
        assert self._config is not None
        for name in _PLUGINS_OFF:
            if self._config.pluginmanager.has_plugin(name):
                self._config.pluginmanager.unregister(name=name)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Import no more than is needed."""
        other = collection_path.is_file() and str(collection_path) not in self._files
        return True if other and collection_path.name != "__init__.py" else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what is asked for."""
        items = {_path(item): item for item in session.items}
        self._channel.reply(None)
        for path, follows in self._channel.requests():
            item = items.get(path)
            if item is None:
                raise pytest.UsageError(f"{path} is not among what was collected")
            session.config.hook.pytest_runtest_protocol(
                item=item, nextitem=items.get(follows)
            )
            self._channel.reply(None)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Report to the controller."""
        assert self._config is not None
        self._channel.reply(
            self._config.hook.pytest_report_to_serializable(
                config=self._config, report=report
            )
        )
