# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is imported when: little, late, and never upwards."""

import ast
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import oslo_service
from oslo_service.testing.waiting import run_script

PACKAGE = Path(oslo_service.__file__).parent
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] != "testing"
)
DRIVERS = ("eventlet", "threading")
# The compatibility names of one large project are a driver's by definition; what
# pickles look for stands beside them.
ALIASES = ("_common", "_eventlet", "_threading")


def imported(path: Path) -> Iterator[str]:
    """Return the full names of what a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in_a_driver(path: Path) -> bool:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] == "backend" and parts[1] in (*DRIVERS, *ALIASES)


def within(name: str, *packages: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


def identify(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


# Each in a process that has nothing of the library yet; what takes most of the time is
# the same for all.
IMPORTED_FIRST = """
import importlib, os, sys
import oslo_config.cfg, stevedore

assert "oslo_service" not in sys.modules
for name in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(name)
        from oslo_service import backend
        assert backend.get_backend_type() is None
        assert not {"eventlet", "greenlet"} & set(sys.modules)
        print(name, flush=True)
        os._exit(0)
    os.wait()
"""


class TestFloors:
    @pytest.mark.parametrize(
        "path", [one for one in MODULES if not is_in_a_driver(one)], ids=identify
    )
    def test_nothing_outside_the_drivers_imports_one_or_its_model(
        self, path: Path
    ) -> None:
        forbidden = [
            name
            for name in imported(path)
            if within(
                name,
                "eventlet",
                "greenlet",
                "futurist",
                *(f"oslo_service.backend.{one}" for one in DRIVERS),
            )
        ]

        assert forbidden == []

    @pytest.mark.parametrize(
        "path",
        [
            one
            for one in MODULES
            if is_in_a_driver(one) and one.parent.name not in ALIASES
        ],
        ids=identify,
    )
    def test_no_driver_imports_what_is_above_it(self, path: Path) -> None:
        above = [
            name
            for name in imported(path)
            if within(name, "oslo_service")
            and not within(
                name,
                "oslo_service.backend",
                "oslo_service.http",
                "oslo_service._common",
            )
        ]

        assert above == []

    @pytest.mark.parametrize("path", MODULES, ids=identify)
    def test_every_module_has_the_licence_in_two_lines(self, path: Path) -> None:
        lines = path.read_text().splitlines()

        assert lines[:2] == [
            "# Copyright the oslo.service developers",
            "# SPDX-License-Identifier: Apache-2.0",
        ]


_PARTS = 8


class TestImportTime:
    def test_importing_the_public_modules_loads_nothing_heavy(self) -> None:
        result = run_script(
            "from oslo_service import backend, loopingcall, opts, service\n"
            "from oslo_service import threadgroup\n"
            "import sys\n"
            "heavy = {'debtcollector', 'futurist', 'eventlet', 'greenlet',\n"
            "         'stevedore', 'asyncio', 'concurrent.futures'}\n"
            "print(sorted(heavy & set(sys.modules)))\n"
        )
        # oslo.config itself loads what it needs: only what is ours counts.
        own = run_script(
            "from oslo_config import cfg\n"
            "import sys\n"
            "heavy = {'debtcollector', 'futurist', 'eventlet', 'greenlet',\n"
            "         'stevedore', 'asyncio', 'concurrent.futures'}\n"
            "print(sorted(heavy & set(sys.modules)))\n"
        )

        assert result.returncode == 0, result.stderr
        assert result.stdout == own.stdout
        # Some versions of oslo.config have debtcollector loaded.
        for name in ("futurist", "eventlet", "greenlet"):
            assert name not in result.stdout

    # In parts: each module takes a process, and a part has the time of a test.
    @pytest.mark.parametrize("part", range(_PARTS))
    def test_every_module_can_be_imported_first_and_decides_nothing(self, part) -> None:
        names = [
            one.name
            for one in pkgutil.walk_packages([str(PACKAGE)], "oslo_service.")
            if not within(
                one.name,
                "oslo_service.testing",
                "oslo_service.backend.eventlet",
                "oslo_service.backend._eventlet",
                "oslo_service.backend._threading",
            )
        ][part::_PARTS]
        result = run_script(IMPORTED_FIRST, *names)

        assert len(names) > 100 // _PARTS
        assert result.stdout.split() == names, result.stderr


class TestThreadingProcess:
    def test_neither_eventlet_nor_greenlet_is_loaded_after_everything_has_run(
        self,
    ) -> None:
        pytest.importorskip("eventlet")
        result = run_script(
            "import sys\n"
            "from oslo_config import cfg\n"
            "from oslo_service import backend, loopingcall, service, threadgroup\n"
            "def call(): raise loopingcall.LoopingCallDone\n"
            "loop = loopingcall.FixedIntervalLoopingCall(call)\n"
            "loop.start(1)\n"
            "loop.wait()\n"
            "group = threadgroup.ThreadGroup()\n"
            "group.add_timer(1, int)\n"
            "group.add_thread(int).wait()\n"
            "group.stop()\n"
            "launcher = service.launch(cfg.ConfigOpts(), service.Service())\n"
            "launcher.stop()\n"
            "assert launcher.wait() == 0\n"
            "with backend.get_backend().executor(2) as executor:\n"
            "    assert executor.submit(pow, 2, 3).result() == 8\n"
            "assert backend.get_backend().name == 'threading'\n"
            "print(sorted({'eventlet', 'greenlet'} & set(sys.modules)))\n"
        )

        assert result.stdout == "[]\n", result.stderr
        assert result.returncode == 0

    def test_eventlet_can_still_be_imported_after_an_executor_was_made(self) -> None:
        pytest.importorskip("eventlet")
        result = run_script(
            "from oslo_service import backend\n"
            "with backend.get_backend().executor(1) as executor:\n"
            "    assert executor.submit(int).result() == 0\n"
            "import eventlet\n"
            "print(eventlet.__name__)\n"
        )

        assert result.stdout == "eventlet\n", result.stderr
