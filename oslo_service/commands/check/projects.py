# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the modules of a project import from each other."""

from collections.abc import Iterable, Mapping

from oslo_service.commands.check.call_arguments import Site

__all__ = ("Project",)

# Through how many modules a name is followed, at most.
_HOPS = 10
# A module that has none of these words passes nothing on that matters.
_ORIGINS = ("eventlet", "greenlet", "oslo_service", "futurist")


class Project:
    """What the modules of a project pass on to those that import them.

    :ivar bases: the symbols of the bases of classes, by the symbol of each.
    :ivar patching_functions: functions that patch the process, by symbol: whether
        they may do so only where it runs on Eventlet.
    :ivar patching_modules: modules that patch it when they are imported, likewise.
    :ivar patching_packages: those of the modules that are packages.
    """

    def __init__(self) -> None:
        self.bases: dict[str, list[str]] = {}
        self.patching_functions: dict[str, bool] = {}
        self.patching_modules: dict[str, bool] = {}
        self.patching_packages: set[str] = set()
        self._sites: dict[str, list[Site]] = {}
        self._passed_on: dict[str, str] = {}
        self._packages: set[str] = set()
        #: The names that stand for something of a library that matters.
        self.names: set[str] = set()

    @staticmethod
    def wants(text: str) -> bool:
        """Whether a module may pass anything on that matters, by its text."""
        return any(one in text for one in _ORIGINS)

    def add(
        self,
        module: str,
        symbols: Mapping[str, str | None],
        bases: Mapping[str, list[str]],
    ) -> None:
        """Record what a module passes on.

        :param module: its dotted name.
        :param symbols: what the names stand for that it binds.
        :param bases: the symbols of the bases of its classes, by the symbol of each.
        """
        self._packages.add(module.partition(".")[0])
        for name, symbol in symbols.items():
            own = f"{module}.{name}"
            if symbol is not None and symbol != own:
                self._passed_on[own] = symbol
                if symbol.startswith(_ORIGINS):
                    self.names.add(name.removesuffix("()"))
        self.bases.update(bases)

    def call(self, symbol: str, site: Site) -> None:
        """Record that a module calls something of another one.

        :param site: what is passed, as symbols.
        """
        if symbol.startswith(_ORIGINS):
            return
        self._sites.setdefault(symbol, []).append(site)
        passed = [*(site.given or ()), *(site.named or {}).values()]
        if any(isinstance(one, str) and one.startswith(_ORIGINS) for one in passed):
            self.names.add(symbol.rpartition(".")[2])

    def patch(self, functions: Mapping[str, bool]) -> None:
        """Record functions that patch the process; whether only on Eventlet."""
        self.patching_functions.update(functions)
        self.names.update(one.rpartition(".")[2] for one in functions)

    def patch_by_import(self, module: str, unsure: bool, package: bool) -> None:
        """Record a module that patches the process when it is imported.

        :param unsure: whether only where it is on Eventlet.
        """
        self.patching_modules[module] = unsure
        self.names.add(module.rpartition(".")[2])
        if package:
            self.patching_packages.add(module)

    def sites(self, symbol: str) -> list[Site]:
        """Return where other modules call a function or a class."""
        return self._sites.get(symbol, [])

    def with_ancestors(self, symbols: Iterable[str]) -> set[str]:
        """Return the symbols of classes and of all their bases."""
        found: set[str] = set()
        rest = list(symbols)
        while rest:
            symbol = self.expand(rest.pop())
            if symbol not in found:
                found.add(symbol)
                rest += self.bases.get(symbol, ())
        return found

    def expand(self, symbol: str) -> str:
        """Return the symbol that one stands for, followed through the modules."""
        for _ in range(_HOPS):
            longer = self._step(symbol)
            if longer is None:
                break
            symbol = longer
        return symbol

    def _step(self, symbol: str) -> str | None:
        if symbol.partition(".")[0] not in self._packages:
            return None
        for prefix in _prefixes(symbol):
            if prefix in self._passed_on:
                return self._passed_on[prefix] + symbol[len(prefix) :]
        return None


def _prefixes(symbol: str) -> Iterable[str]:
    end = len(symbol)
    while end > 0:
        if symbol.endswith("()", 0, end):
            yield symbol[:end]
        yield symbol[:end].removesuffix("()")
        end = symbol.rfind(".", 0, end)
