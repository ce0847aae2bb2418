# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding Python files, and reading them."""

import ast
import fnmatch
import os
import stat
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ("dotted_name", "find", "parse", "read")

# What is not the project's own code.
_NEVER = frozenset(("__pycache__", "build", "dist", "node_modules", "site-packages"))


def find(paths: Sequence[Path], exclude: Sequence[str] = ()) -> list[Path]:
    """List the Python files under some paths, each once.

    :param paths: files, taken whatever they are called, and folders. Hidden
        folders in these are left out, and virtual environments.
    :param exclude: patterns of what to leave out, for a whole path, or for the
        name of a file or folder anywhere in it.
    """
    found: dict[Path, None] = {}
    for path in paths:
        for one in _walk(path) if path.is_dir() else [path]:
            if not any(_matches(one, pattern) for pattern in exclude):
                found.setdefault(one)
    return list(found)


def _walk(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(one for one in folders if _is_own(folder, one))
        yield from (Path(folder, one) for one in sorted(names) if one.endswith(".py"))


def _is_own(parent: str, name: str) -> bool:
    return not (
        name.startswith(".")
        or name in _NEVER
        or os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118 - quicker by far
    )


def _matches(path: Path, pattern: str) -> bool:
    return fnmatch.fnmatch(str(path), pattern) or any(
        fnmatch.fnmatch(part, pattern) for part in path.parts
    )


def read(path: Path) -> str:
    """Return the text of a Python file, in the encoding that it declares.

    :raises OSError: it cannot be read, or is not a regular file.
    :raises SyntaxError: its encoding is unknown.
    :raises UnicodeDecodeError: it is in another than it says.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        # To open it may wait for ever, or do anything.
        raise OSError("it is not a regular file")
    with tokenize.open(path) as file:
        return file.read()


def parse(text: str, path: Path) -> ast.Module:
    """Parse Python; a file that its author was warned of gives no warning here.

    :raises SyntaxError: it is not Python of this version.
    :raises ValueError: it is not text.
    :raises RecursionError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, str(path))


def dotted_name(path: Path) -> str:
    """Return the name under which a file is imported, by the packages around it."""
    path = path.absolute()
    parts = [] if path.stem == "__init__" else [path.stem]
    for folder in path.parents:
        if not (folder / "__init__.py").exists():
            break
        parts.append(folder.name)
    return ".".join(reversed(parts))
