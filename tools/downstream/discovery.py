# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which of a project's test modules use oslo.service.

Those that import it, or a module of the project that imports it, or that name
one of these in a string, as tests do that put something in its place. The
project's code is read, not run.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ("find",)

_LIBRARY = "oslo_service"


def find(tree: Path, package: str, tests: str) -> list[str]:
    """List the test modules in the order of their names.

    :param tree: a project's source tree.
    :param tests: the package in which tests are looked for.
    """
    users = {
        _module(tree, path)
        for path in (tree / package).rglob("*.py")
        if "tests" not in path.parts and _LIBRARY in _named(path, package)
    }
    wanted = users | {_LIBRARY}
    return sorted(
        _module(tree, path)
        for path in tree.joinpath(*tests.split(".")).rglob("test_*.py")
        if wanted & _named(path, package)
    )


def _module(tree: Path, path: Path) -> str:
    return ".".join(path.relative_to(tree).with_suffix("").parts)


def _named(path: Path, package: str) -> set[str]:
    """Return the modules of the package and of the library that a file names.

    And those that contain them.
    """
    roots = (package, _LIBRARY)
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        for name in _names(node):
            parts = name.split(".")
            if parts[0] in roots:
                found.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return found


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{alias.name}" for alias in names)
        case ast.Constant(value=str(text)):
            yield text
