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

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ("is_loaded", "load", "module")


class _LateModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # somebody looks what it is, and uses nothing
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def module(name: str) -> ModuleType:
    """Return what behaves as a module does, which is not imported yet."""
    return _LateModule(name)


def is_loaded(one: ModuleType) -> bool:
    """Whether anybody has used it."""
    return one.__name__ in sys.modules


def load(*modules: ModuleType) -> None:
    """Import these now."""
    for one in modules:
        importlib.import_module(one.__name__)
