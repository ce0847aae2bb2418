# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Free-threaded interpreters in which an import has brought the GIL back."""

import subprocess
import sys
import textwrap
import types

import pytest

from oslo_service.supervisor import gil

# What a launcher looks at is replaced: any interpreter will do.
PROGRAM = textwrap.dedent(
    """
    import logging, sys, types
    from oslo_config import cfg
    from oslo_service import backend, events, service
    from oslo_service.supervisor import gil

    name, workers, when = sys.argv[1:]
    backend.init_backend(name)
    logging.basicConfig(format="%(levelname)s %(message)s")
    facts = types.SimpleNamespace(abiflags="t", flags=types.SimpleNamespace(gil=None))
    gil.sys = facts
    facts._is_gil_enabled = lambda: facts.on
    facts.on = when == "before"

    class Importing(service.Service):
        def start(self):
            facts.on = facts.on or when == "start"

    launcher = service.launch(cfg.ConfigOpts(), Importing(), workers=int(workers))
    events.subscribe(
        lambda event: launcher.stop() if isinstance(event, events.Ready) else None
    )
    sys.exit(launcher.wait())
    """
)


def warnings(driver: str, workers: int, when: str) -> list[str]:
    """Run a program that launches a service; return the warnings of the GIL."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, driver, str(workers), when],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [line for line in done.stderr.splitlines() if "the GIL back" in line]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_launcher_warns_once_of_what_was_imported_before(workers: int) -> None:
    said = warnings("threading", workers, "before")

    assert len(said) == 1
    assert said[0].startswith("WARNING ")
    assert "PYTHON_GIL=0" in said[0]


def test_it_warns_once_of_what_a_service_imports() -> None:
    assert len(warnings("threading", 1, "start")) == 1


def test_each_worker_warns_of_what_its_service_imports() -> None:
    assert len(warnings("threading", 2, "start")) == 2


def test_nobody_warns_where_the_gil_is_off() -> None:
    assert warnings("threading", 1, "never") == []


def test_nobody_warns_where_tasks_take_turns_anyway() -> None:
    pytest.importorskip("eventlet")

    assert warnings("eventlet", 1, "before") == []


@pytest.mark.parametrize(
    ("facts", "brought_back"),
    [
        ({"abiflags": "t", "_is_gil_enabled": lambda: True}, True),
        ({"abiflags": "td", "_is_gil_enabled": lambda: True}, True),
        ({"abiflags": "t", "_is_gil_enabled": lambda: False}, False),
        ({"abiflags": "", "_is_gil_enabled": lambda: True}, False),
        ({"abiflags": ""}, False),
    ],
)
def test_it_is_brought_back_where_it_is_on_and_need_not_be(
    facts: dict[str, object], brought_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = types.SimpleNamespace()
    monkeypatch.setattr(gil, "sys", types.SimpleNamespace(flags=flags, **facts))

    assert gil.is_brought_back() is brought_back


@pytest.mark.parametrize(("demanded", "brought_back"), [(1, False), (None, True)])
def test_who_demands_the_gil_needs_no_warning(
    demanded: int | None, brought_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = types.SimpleNamespace(
        abiflags="t",
        flags=types.SimpleNamespace(gil=demanded),
        _is_gil_enabled=lambda: True,
    )
    monkeypatch.setattr(gil, "sys", facts)

    assert gil.is_brought_back() is brought_back
