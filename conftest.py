# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How a checkout's tests are run: side by side, and the quick ones alone."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import oslo_service
from oslo_service.testing.waiting import python_path

_ROOT = Path(__file__).resolve().parent

# Tests wait most of the time: for programs, and for time to pass.
_PER_CORE = 4
# So many files make it worth while to compile them beforehand.
_MANY = 20
# What the interpreter calls it when a process is started.
_STARTING = frozenset(("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"))
_OWN_PROCESS = "oslo_service_driver"
# Tests that wait for a minute, and tests that run other tests: each process is given
# a part of the list, from its beginning on.
_BEGIN_WITH = frozenset(("test_rpc.py",))
_SPREAD = frozenset(("test_broken_drivers.py", "test_chaos.py", "test_storm.py"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--quick",
        action="store_true",
        help="run what needs no process of its own: a test that starts one is skipped"
        " when it does",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[object]) -> None:
    """Have the tests compiled once, in a fresh checkout, and not by each process."""
    cores = len(os.sched_getaffinity(0))
    fresh = _not_compiled(config)
    if len(specs) <= cores or len(fresh) < _MANY or sys.dont_write_bytecode:
        return
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-n", "0"]
    compilers = [
        subprocess.Popen(  # noqa: S603 - what runs this
            [*command, *fresh[core::cores]], stdout=subprocess.DEVNULL
        )
        for core in range(cores)
    ]
    for one in compilers:
        one.wait()


def _not_compiled(config: pytest.Config) -> list[str]:
    """Return the files whose assertions pytest has not rewritten yet."""
    version = f"{sys.implementation.cache_tag}-pytest-{pytest.__version__}"
    found = [
        path
        for folder in config.getini("testpaths")
        for path in (_ROOT / folder).rglob("test_*.py")
    ]
    return [
        str(one)
        for one in found
        if not (one.parent / "__pycache__" / f"{one.stem}.{version}.pyc").exists()
    ]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes run the tests: none beside this for files by name."""
    if all(".py" in argument for argument in config.args):
        return 0
    cores = len(os.sched_getaffinity(0))
    return cores if config.option.quick else _PER_CORE * cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have no process left alone, at the end, with what takes longest."""
    first = [item for item in items if item.path.name in _BEGIN_WITH]
    long = [item for item in items if item.path.name in _SPREAD]
    apart = {*first, *long}
    rest = [item for item in items if item not in apart]
    step = len(rest) // (len(long) + 1) or 1
    for number, item in enumerate(long):
        rest.insert(number * (step + 1), item)
    items[:] = [*first, *rest]


class Quick:
    """Skips the test that is about to start a process."""

    def __init__(self) -> None:
        self._testing = False
        sys.addaudithook(self._starting)

    def _starting(self, event: str, _arguments: Any) -> None:
        if (
            event in _STARTING
            and self._testing
            and threading.current_thread() is threading.main_thread()
        ):
            self._testing = False  # what is cleaned up may start some
            pytest.skip("--quick: it starts a process")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        """Look at fixtures."""
        return (yield from self._watched())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """Look at tests."""
        return (yield from self._watched())

    def _watched(self) -> Generator[None, Any, Any]:
        self._testing = True
        try:
            return (yield)
        finally:
            self._testing = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out what is known to need a process."""
        out = {
            item
            for item in items
            if _OWN_PROCESS in getattr(item, "fixturenames", ())
            or item.get_closest_marker("starts_processes")
        }
        if out:
            config.hook.pytest_deselected(items=list(out))
            items[:] = [item for item in items if item not in out]


def pytest_configure(config: pytest.Config) -> None:
    """See to it that the checkout is tested; heed the option."""
    found = Path(oslo_service.__file__).resolve()
    if not found.is_relative_to(_ROOT):
        raise pytest.UsageError(
            f"these tests are of {_ROOT}, and pytest has imported {found}: run"
            " 'python -m pytest' there"
        )
    # The programs that tests start import it, too, whatever is installed.
    os.environ["PYTHONPATH"] = python_path(_ROOT)
    # As nova does: what Eventlet looks names up with takes as long to import as all
    # the rest of a program, and no test looks one up.
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
    if config.option.quick:
        config.pluginmanager.register(Quick())
        # Half of the tests are skipped: they are counted, not listed.
        config.option.reportchars = "fE"
