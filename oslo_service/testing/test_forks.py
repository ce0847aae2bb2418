# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: tasks do not cross a fork, and in the child everything is fresh."""

import json

import pytest

from oslo_service.testing.programs import forks
from oslo_service.testing.waiting import LIMIT, run_python

pytestmark = pytest.mark.starts_processes

# Of each driver, what the program has found; it looks at everything at once.
_found: dict[str, dict[str, str | None]] = {}


def found(driver_name: str) -> dict[str, str | None]:
    """Return what is wrong, by the sentence that says how it should be."""
    if driver_name not in _found:
        limit = str(min(LIMIT, 20))
        done = run_python("-W", "ignore", "-m", forks.__name__, driver_name, limit)
        assert done.returncode == 0, done.stderr
        _found[driver_name] = json.loads(done.stdout)
    return _found[driver_name]


class TestForks:
    primitive = "after_fork()"


def _test_of(sentence: str) -> object:
    def test(_self: object, driver_name: str) -> None:
        wrong = found(driver_name)[sentence]
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)

    test.__name__ = f"test_{sentence}"
    test.__doc__ = forks.CHECKS[sentence].__doc__
    return test


for _sentence in forks.CHECKS:
    setattr(TestForks, f"test_{_sentence}", _test_of(_sentence))
