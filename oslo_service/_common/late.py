# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Modules that are imported when something in them is first used.

For what few processes need: it costs nothing until then. Such a module is named
twice, so that who checks types, and the import graph, know it::

    if TYPE_CHECKING:
        from oslo_service.supervisor.workers import stack_dumps
    else:
        stack_dumps = late.module("oslo_service.supervisor.workers.stack_dumps")

Not for what a signal, or the want of a descriptor, may ask for: to import takes
descriptors and memory, and may fail. Such is imported by :func:`load` while there is
plenty, and before a fork, so that workers share it.
"""

import contextlib
import importlib
import sys
from types import ModuleType
from typing import Any

from oslo_service._common.process_state import PerProcess

__all__ = ("is_loaded", "load", "module", "settle")

# The names of those that are being imported just now.
_importing: PerProcess[set[str]] = PerProcess(set)


class _LateModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # somebody looks what it is, and uses nothing
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
    """Return what behaves as a module does, which is not imported yet."""
    return _LateModule(name)


def is_loaded(one: ModuleType) -> bool:
    """Whether anybody has used it."""
    return one.__name__ in sys.modules


def load(*modules: ModuleType) -> None:
    """Import these now."""
    for one in modules:
        _import(one.__name__)


def settle() -> None:
    """Wait for what other threads are importing just now: a fork is imminent.

    A child would find it locked, for ever, by a thread that is not there.
    """
    for name in tuple(_importing.get()):
        with contextlib.suppress(Exception):  # it fails there, too, and is told there
            importlib.import_module(name)
