# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the library's own tests."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Return what lets the modules of a folder be imported, for as long as it runs.

    As when a program there is run; they are forgotten afterwards.
    """
    before, folders = set(sys.modules), []

    def add(folder: Path) -> None:
        folders.append(folder)
        monkeypatch.syspath_prepend(str(folder))

    yield add
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if Path(file or "").parent in folders:
            del sys.modules[name]
