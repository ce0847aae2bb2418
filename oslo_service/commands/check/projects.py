# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the modules of a project have from each other."""

from collections.abc import Iterable, Mapping

__all__ = ("Project",)

# How often a name may be passed on from module to module.
_HOPS = 10
#: What makes a module worth looking at twice: others may have it from there.
_ORIGINS = ("eventlet", "greenlet", "oslo_service", "futurist")


class Project:
    """What modules pass on to those that import them.

    :ivar bases: the symbols of the bases of classes, by the symbol of each.
    """

    def __init__(self) -> None:
        self.bases: dict[str, list[str]] = {}
        self._passed_on: dict[str, str] = {}
        self._packages: set[str] = set()
        #: What those are called that lead out of the project, to what matters.
        self.names: set[str] = set()

    @staticmethod
    def wants(text: str) -> bool:
        """Whether the text of a module promises anything to pass on."""
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

    def expand(self, symbol: str) -> str:
        """Follow a symbol to where it was passed on from first."""
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
