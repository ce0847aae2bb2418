# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process has one of, and what becomes of it in a fork."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import oslo_service
from oslo_service._common.process_state import Inherited, PerProcess
from oslo_service.testing.waiting import run_script

PACKAGE = Path(oslo_service.__file__).parent
# What a class declares is of the class, and its attributes are known to users.
DECLARATIONS = PACKAGE / "periodic_task.py"
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] != "testing" and path != DECLARATIONS
)
# What makes something that changes.
CONTAINERS = ("dict", "list", "set", "defaultdict", "deque", "WeakSet")
LOCKS = ("Lock", "RLock", "Condition", "Event", "Semaphore", "local")


def changing(path: Path) -> Iterator[int]:
    """Return the lines of a module in which it keeps something that changes."""
    tree = ast.parse(path.read_bytes())
    yield from (one.lineno for one in ast.walk(tree) if isinstance(one, ast.Global))
    classes = [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)]
    for statement in [*tree.body, *(one for kind in classes for one in kind.body)]:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            value = statement.value
            if is_empty(value) or called(value) in (*CONTAINERS, *LOCKS):
                yield statement.lineno


def is_empty(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    return isinstance(value, ast.List) and not value.elts


def called(value: ast.expr | None) -> str:
    function = value.func if isinstance(value, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def after_fork(code: str) -> str:
    """Return what a forked process prints of ``code``, which has both kinds."""
    done = run_script(
        "import os\n"
        "from oslo_service._common.process_state import Inherited, PerProcess\n"
        "abandoned = []\n"
        "own = PerProcess(list, abandoned.append)\n"
        "inherited = Inherited(list)\n"
        "own.get().append('parent')\n"
        "inherited.get().append('parent')\n"
        "pid = os.fork()\n"
        "if pid:\n"
        "    os.waitpid(pid, 0)\n"
        "else:\n"
        f"    print({code})\n"
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


class TestLibrary:
    @pytest.mark.parametrize(
        "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
    )
    def test_a_module_has_no_global_variables_of_its_own(self, path: Path) -> None:
        assert list(changing(path)) == []


class TestInOneProcess:
    @pytest.mark.parametrize("kind", [Inherited, PerProcess])
    def test_it_is_made_once_and_at_its_first_use(
        self, kind: type[Inherited[object]]
    ) -> None:
        made: list[object] = []

        def make() -> object:
            made.append(object())
            return made[-1]

        variable = kind(make)
        assert made == []
        assert variable.get() is variable.get() is made[0]
        assert len(made) == 1

    @pytest.mark.parametrize("kind", [Inherited, PerProcess])
    def test_another_can_be_put_in_its_place(
        self, kind: type[Inherited[object]]
    ) -> None:
        variable = kind(object)
        other = object()
        variable.set(other)
        assert variable.get() is other

    def test_there_is_none_of_a_parents_where_nothing_was_forked(self) -> None:
        assert PerProcess(list).of_parent() is None


class TestInAFork:
    def test_what_is_of_each_process_is_made_anew(self) -> None:
        assert after_fork("own.get()") == "[]"

    def test_what_was_the_parents_can_be_asked_for(self) -> None:
        assert after_fork("own.of_parent()") == "['parent']"

    def test_what_was_the_parents_is_abandoned_at_once(self) -> None:
        assert after_fork("abandoned") == "[['parent']]"

    def test_what_is_inherited_is_taken_along(self) -> None:
        assert after_fork("inherited.get()") == "['parent']"
