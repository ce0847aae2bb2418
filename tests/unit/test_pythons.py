# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which interpreters the tests are run on, of those that a machine has."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def pythons(
    importable: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ModuleType:
    """The program, on a machine that has no interpreter."""
    importable(TOOLS)
    import pythons

    monkeypatch.delenv("PYTHONS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return pythons


def install(path: Path, says: str, status: int = 0) -> Path:
    """Put a program there that answers as an interpreter of some version does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return path


class TestFinding:
    def test_an_interpreter_on_the_path_is_found(
        self, pythons: ModuleType, tmp_path: Path
    ) -> None:
        there = install(tmp_path / "path" / "python3.12", "3.12")

        assert pythons.find("3.12") == there

    def test_one_that_is_named_goes_before_those_on_the_path(
        self, pythons: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install(tmp_path / "path" / "python3.12", "3.12")
        named = install(tmp_path / "mine" / "python", "3.12")
        other = install(tmp_path / "opt" / "bin" / "python3.13", "3.13")
        monkeypatch.setenv("PYTHONS", f"{named}:{tmp_path / 'opt'}")

        assert pythons.find("3.12") == named
        assert pythons.find("3.13") == other

    def test_where_a_stand_in_fails_the_version_that_pyenv_has_is_found(
        self, pythons: ModuleType, tmp_path: Path
    ) -> None:
        install(tmp_path / "path" / "python3.12", "not selected", status=127)
        install(tmp_path / "path" / "pyenv", str(tmp_path / "pyenv"))
        versions = tmp_path / "pyenv" / "versions"
        install(versions / "3.11.7" / "bin" / "python3.11", "3.11")
        there = install(versions / "3.12.1" / "bin" / "python3.12", "3.12")

        assert pythons.find("3.12") == there

    def test_a_link_is_followed_to_where_the_standard_library_is(
        self, pythons: ModuleType, tmp_path: Path
    ) -> None:
        there = install(tmp_path / "opt" / "bin" / "python3.12", "3.12")
        (tmp_path / "path").mkdir()
        (tmp_path / "path" / "python3.12").symlink_to(there)

        assert pythons.find("3.12") == there

    def test_one_without_the_gil_is_another_version(
        self, pythons: ModuleType, tmp_path: Path
    ) -> None:
        install(tmp_path / "path" / "python3.14", "3.14t")
        there = install(tmp_path / "path" / "python3.14t", "3.14t")

        assert pythons.find("3.14") is None
        assert pythons.find("3.14t") == there

    def test_the_one_that_runs_the_tests_says_what_it_is(
        self, pythons: ModuleType
    ) -> None:
        version = pythons.ask(Path(sys.executable))

        assert version.rstrip("t") == "{}.{}".format(*sys.version_info)


class TestRunning:
    def test_what_is_not_found_is_said_and_is_no_failure(
        self, pythons: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert pythons.main(["3.12"]) == 0
        assert capsys.readouterr().out == "Python 3.12: not found, not tested\n"

    def test_a_version_on_which_the_tests_fail_is_named_and_what_they_say_is_shown(
        self,
        pythons: ModuleType,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        install(tmp_path / "path" / "python3.12", "3.12")
        monkeypatch.setattr(pythons, "run", lambda *_, **__: (1, "why\n1 failed\n"))

        assert pythons.main(["3.12", "3.13"]) == 1
        said = capsys.readouterr().out.splitlines()
        assert "1 failed" in said[0]
        assert "why" in said
        assert said[-1] == "The tests fail on Python 3.12: see above"

    def test_by_default_every_supported_version_but_this_one_is_wanted(
        self, pythons: ModuleType
    ) -> None:
        this = "{}.{}".format(*sys.version_info)
        wanted = [f"3.{minor}" for minor in range(11, 16)]

        assert pythons.others() == [one for one in wanted if one != this]
