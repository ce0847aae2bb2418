# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Lazy modules, which are imported when something in them is first used.

For what few processes need: it costs nothing until then. Such a module is named
twice, for type checkers and for the import graph::

    if TYPE_CHECKING:
        from oslo_service.supervisor.workers import stack_dumps
    else:
        stack_dumps = lazy_imports.module("oslo_service.supervisor.workers.stack_dumps")

Not for what is needed in signal handlers, or when descriptors run out: an import takes
descriptors and memory, and may fail. Such modules are imported by :func:`load` in
time, and before a fork, so that workers share them.
"""

import contextlib
import importlib
import sys
from types import ModuleType
from typing import Any

from oslo_service._common.fork_safety import PerProcess

__all__ = ("is_loaded", "load", "module", "settle")

# The names of the modules that are being imported.
_importing: PerProcess[set[str]] = PerProcess(set)


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # introspection is no use
            raise AttributeError(name)
        return getattr(_import(self.__name__), name)


def _import(name: str) -> ModuleType:
    importing = _importing.get()
    importing.add(name)
    try:
        return importlib.import_module(name)
    finally:
        importing.discard(name)


def module(name: str) -> ModuleType:
    """Return a stand-in for a module, which is imported at the first use of it."""
    return _LazyModule(name)


def is_loaded(one: ModuleType) -> bool:
    """Whether a lazy module has been imported."""
    return one.__name__ in sys.modules


def load(*modules: ModuleType) -> None:
    """Import lazy modules now."""
    for one in modules:
        _import(one.__name__)


def settle() -> None:
    """Wait until other threads have imported what they are importing: before a fork.

    A child would find it locked, for ever, by a thread that it does not have.
    """
    settled: set[str] = set()  # what this thread itself is importing never is
    while names := _importing.get() - settled:
        for name in names:
            with contextlib.suppress(Exception):  # it fails there, and is told there
                importlib.import_module(name)
        settled |= names
