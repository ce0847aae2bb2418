# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the unit tests."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from oslo_config import cfg

from oslo_service import backend
from oslo_service.commands.check import analysis, catalogue, files
from oslo_service.commands.check.model import Finding
from oslo_service.testing.scripted import Killed, ScriptedDriver, selected

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def global_conf(monkeypatch: pytest.MonkeyPatch) -> cfg.ConfigOpts:
    """Put a fresh configuration in place of the global one."""
    conf = cfg.ConfigOpts()
    monkeypatch.setattr(cfg, "CONF", conf)
    return conf


@pytest.fixture
def undecided(
    global_conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> Iterator[cfg.ConfigOpts]:
    """A process that has decided nothing yet, and its global configuration."""
    monkeypatch.delenv("OS_OSLO_SERVICE__BACKEND", raising=False)
    backend._reset_backend()
    yield global_conf
    backend._reset_backend()


@pytest.fixture
def scripted() -> Iterator[ScriptedDriver]:
    """What this process runs on: tasks that the test turns, and a clock."""
    with selected() as driver:
        yield driver


@pytest.fixture
def stubborn(scripted: ScriptedDriver) -> Iterator[Callable[[], None]]:
    """What goes on though it is killed, until the test is over."""
    over = scripted.event()

    def stay() -> None:
        while not over.is_set():
            try:
                over.wait()
            except Killed:
                continue

    yield stay
    over.set()


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., list[Finding]]:
    """Check the text of a module, called example.py, and of others beside it."""

    def find(text: str, **others: str) -> list[Finding]:
        for name, content in {"example": text, **others}.items():
            (tmp_path / f"{name}.py").write_text(content)
        rules = catalogue.chosen((), ())
        found = analysis.analyse(files.find([tmp_path]), rules).findings
        return [one for one in found if one.path.name == "example.py"]

    return find


@pytest.fixture
def dedent() -> Callable[[str], str]:
    """Make a module of an indented text."""
    return lambda text: textwrap.dedent(text).lstrip("\n")


@pytest.fixture
def lines(
    check: Callable[..., list[Finding]], dedent: Callable[[str], str]
) -> Callable[[str, str], tuple[list[int], list[int]]]:
    """Return which lines of a module say "# here", and in which a rule applies."""

    def compare(rule: str, text: str) -> tuple[list[int], list[int]]:
        module = dedent(text)
        marked = [
            number
            for number, line in enumerate(module.splitlines(), start=1)
            if "# here" in line
        ]
        findings = check(module)
        assert "OSE001" not in {one.rule.id for one in findings}
        return marked, sorted({one.line for one in findings if one.rule.id == rule})

    return compare
