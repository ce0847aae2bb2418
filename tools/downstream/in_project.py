# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run tests in a project's environment, and write a line of JSON for each.

It is told on its standard input what to run, and where to write. The modules are
all imported first and in order, as a project's own runner does: what one of
them sets up when it is imported holds for the next.
"""

import importlib
import json
import sys
import traceback
import unittest
from typing import Any, TextIO


class Lines(unittest.TestResult):
    """Writes what becomes of each test."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._subtests_failed: set[str] = set()

    def write(self, **line: Any) -> None:
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    def addSuccess(self, test: unittest.TestCase) -> None:
        if test.id() not in self._subtests_failed:
            self.write(test=test.id(), outcome="passed")

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._failed(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._failed(test, err)

    def addSubTest(
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any
    ) -> None:
        del subtest
        if err is not None:
            self._subtests_failed.add(test.id())
            self._failed(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.write(test=test.id(), outcome="skipped", detail=reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        del err
        self.write(test=test.id(), outcome="passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.write(test=test.id(), outcome="failed", detail="passed unexpectedly")

    def _failed(self, test: unittest.TestCase, err: Any) -> None:
        detail = self._exc_info_to_string(err, test)
        self.write(test=test.id(), outcome="failed", detail=detail)


class Remaining(unittest.TestSuite):
    """Tests of which the first are left out; it writes which one is next."""

    def __init__(
        self, tests: list[unittest.TestCase], first: int, lines: Lines
    ) -> None:
        super().__init__(tests[first:])
        self._first, self._lines = first, lines

    def __iter__(self) -> Any:
        for position, test in enumerate(super().__iter__(), start=self._first):
            self._lines.write(position=position, test=test.id())
            yield test


def main() -> None:
    order = json.load(sys.stdin)
    for module in order["first"]:
        importlib.import_module(module)
    with open(order["results"], "a", encoding="utf-8") as out:  # noqa: PTH123
        lines = Lines(out)
        tests = [
            test
            for module in order["modules"]
            for test in loaded(module, lines)
            if order["only"] is None or module in order["only"]
        ]
        Remaining(tests, order["position"], lines).run(lines)
        lines.write(end=True)


def loaded(module: str, lines: Lines) -> Any:
    """Return the tests of a module; none where that fails, which is told."""
    try:
        return list(flat(unittest.defaultTestLoader.loadTestsFromName(module)))
    except Exception:  # noqa: BLE001 - whatever a module does
        detail = traceback.format_exc()
        lines.write(test=module, outcome="failed", detail=detail)
        return []


def flat(suite: Any) -> Any:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


if __name__ == "__main__":
    # Where the project is: this directory has nothing that it imports.
    sys.path[0] = ""
    main()
