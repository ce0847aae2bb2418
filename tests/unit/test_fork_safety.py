# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a process has one of, and what becomes of it in a fork."""

import ast
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import oslo_service
from oslo_service._common.fork_safety import Inherited, OwnLock, PerProcess
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
        "from oslo_service._common.fork_safety import Inherited, PerProcess\n"
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


# In objects that are made anew in each process, or whose locks are opened by anybody.
OWN_LOCKS = {
    "_common/fork_safety.py",
    "backend/_lock_event.py",
    "groups/members.py",
    "groups/slots.py",
    "supervisor/loop.py",
}


def test_locks_of_objects_that_cross_a_fork_are_renewed_there() -> None:
    makers = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for one in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(one, ast.Call) and called(one) in ("Lock", "RLock", "Condition")
    }
    assert makers == OWN_LOCKS


def held_lock(in_child: str) -> str:
    """Return what a process prints that is forked while a thread holds a lock."""
    done = run_script(
        "import os, signal, threading\n"
        "from oslo_service._common.fork_safety import OwnLock\n"
        "lock, held, over = OwnLock(), threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with lock:\n"
        "        held.set(); over.wait(60)\n"
        "threading.Thread(target=hold).start()\n"
        "assert held.wait(60)\n"
        "pid = os.fork()\n"
        "if pid:\n"
        "    status = os.waitpid(pid, 0)[1]\n"
        "    over.set()\n"
        "    assert status == 0, status\n"
        "else:\n"
        "    signal.alarm(30)\n"
        f"    {in_child}\n"
        "    print('went on', flush=True)\n"
        "    os._exit(0)\n"
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


class TestOwnLock:
    def test_a_forked_process_finds_it_free(self) -> None:
        assert held_lock("lock.__enter__()") == "went on"

    def test_so_does_one_that_that_one_forks(self) -> None:
        second = "lock.__enter__(); os.fork() and os.wait(); lock.__enter__()"
        assert held_lock(second) == "went on\nwent on"

    def test_who_forks_with_it_still_holds_it(self) -> None:
        lock = OwnLock()
        free: list[bool] = []
        with lock:
            pid = os.fork()
            if not pid:
                thread = threading.Thread(target=lambda: free.append(try_to_take(lock)))
                thread.start()
                thread.join(30)
                lock.__exit__()
                os._exit(free[0])
        assert os.waitpid(pid, 0)[1] == 0

    def test_it_is_reentrant_and_keeps_others_out(self) -> None:
        lock = OwnLock()
        with lock, lock:
            got: list[bool] = []
            thread = threading.Thread(target=lambda: got.append(try_to_take(lock)))
            thread.start()
            thread.join(30)
        assert got == [False]
        assert try_to_take(lock)


def try_to_take(lock: OwnLock) -> bool:
    return bool(lock._lock.acquire(blocking=False))


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
