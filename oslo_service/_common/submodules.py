# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Submodules that projects use without importing them, as 4.8.0 imported them.

They still are there, at no cost for programs that do not use them: they are imported
when their package is asked for one.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ("offer", "offer_eventlets")


def offer(package: str, *names: str) -> None:
    """Have submodules of a package imported when it is asked for one.

    The package itself is not imported: if it has not been, this waits for that.

    :param package: the name of the package.
    :param names: those of the submodules.
    """
    module = sys.modules.get(package)
    if module is not None:
        _attach(module, names)
    elif not any(getattr(one, "package", None) == package for one in sys.meta_path):
        sys.meta_path.insert(0, _Watch(package, names))


def offer_eventlets() -> None:
    """Offer the submodules of Eventlet, where that is loaded."""
    if "eventlet" in sys.modules:
        offer("eventlet", "backdoor", "corolocal", "lock", "tpool", "wsgi")
        offer(
            "eventlet.green",
            *("BaseHTTPServer", "Queue", "SocketServer", "selectors"),
            *("subprocess", "thread", "threading"),
        )


def _attach(module: ModuleType, names: Sequence[str]) -> None:
    own = vars(module).get("__getattr__")
    if getattr(own, "__module__", None) == __name__:
        return

    def find(name: str) -> Any:
        if name in names:
            return importlib.import_module(f"{module.__name__}.{name}")
        if own is not None:
            return own(name)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__dict__["__getattr__"] = find  # PEP 562


class _Watch:
    """Waits for a package to be imported: a finder that finds nothing itself."""

    def __init__(self, package: str, names: Sequence[str]) -> None:
        self.package = package
        self._names = names

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return what the others find, of this package."""
        if name != self.package:
            return None
        for finder in sys.meta_path:
            # Old ones have no such method.
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None and spec.loader is not None:
                    loader: Any = _Loader(self, spec.loader, self._names)
                    spec.loader = loader
                    return spec
        return None


class _Loader:
    """Loads as another does, and attaches the submodules."""

    def __init__(self, watch: _Watch, loader: Any, names: Sequence[str]) -> None:
        self._watch, self._loader, self._names = watch, loader, names

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run it, and leave no trace of what has watched."""
        if self._watch in sys.meta_path:
            sys.meta_path.remove(self._watch)
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _attach(module, self._names)
