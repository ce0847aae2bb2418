# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A module of the checked project, and what the names in it stand for.

What a name stands for is written as a *symbol*: the dotted name of what was
imported, ``()`` for the result of a call. In ``pool = eventlet.GreenPool()``,
``pool.spawn`` has the symbol ``eventlet.GreenPool().spawn``.
"""

import ast
import dataclasses
from pathlib import Path

from oslo_service.commands.check import call_arguments
from oslo_service.commands.check.projects import Project
from oslo_service.commands.check.tree import Function, Scope, Source, Tree

__all__ = ("Function", "Module")

_SERVICE = "oslo_service.service.Service"
_THREAD_GROUP = "oslo_service.threadgroup.ThreadGroup()"


class Module(Tree):
    """A parsed file, whose names are followed to what they stand for."""

    def __init__(
        self, path: Path, name: str, tree: ast.Module, project: Project
    ) -> None:
        self.project = project
        self._symbols: dict[ast.expr, str | None] = {}
        self._sites: dict[ast.AST, list[call_arguments.Site]] | None = None
        super().__init__(path, name, tree)

    def pass_on(self) -> None:
        """Record in the project what other modules may import from here."""
        bases = {
            symbol: [
                one for base in made.bases if (one := self.symbol(base)) is not None
            ]
            for symbol, made in self.classes.items()
        }
        symbols = {name: self.bound(self.top, name) for name in self.top.bindings}
        for name, made in self.top.defs.items():
            symbols[f"{name}()"] = self._returned(made)
        self.project.add(self.name, symbols, bases)
        self._pass_arguments()

    def _pass_arguments(self) -> None:
        """Record in the project what is passed to functions of other modules."""
        for call in self.nodes(ast.Call):
            for called, site in call_arguments.sites_of_call(call):
                module, _, name = (self.symbol(called) or "").rpartition(".")
                if module and module != self.name and "()" not in module:
                    abroad = self._abroad(site, self._maker(call))
                    self.project.call(f"{module}.{name}", abroad)

    def _abroad(
        self, site: call_arguments.Site, maker: str | None
    ) -> call_arguments.Site:
        """Return a call with symbols as arguments, which other modules understand."""
        given, named = site.given, site.named
        return call_arguments.Site(
            None if given is None else [self._known(one) for one in given],
            None
            if named is None
            else {name: self._known(one) for name, one in named.items()},
            maker=maker,
        )

    def _maker(self, call: ast.Call) -> str | None:
        """Return the symbol of the class in whose constructor a call is."""
        function = self.function_around(call)
        if getattr(function, "name", "") != "__init__":
            return None
        owner = self.class_of(function) if function is not None else None
        return None if owner is None else f"{self.name}.{owner.name}"

    def makers(self, constructor: Function) -> set[str]:
        """Return the classes whose constructors call this one."""
        sites = self._sites_of(constructor)
        return {one.maker for one in sites if one.maker is not None}

    def symbol(self, node: ast.expr | None) -> str | None:
        """Return the symbol that an expression stands for; None: it is not known."""
        if node is None:
            return None
        if node not in self._symbols:
            self._symbols[node] = None  # until it is known: it may refer to itself
            self._symbols[node] = self._follow(node)
        return self._symbols[node]

    def _follow(self, node: ast.expr) -> str | None:
        found: str | None = None
        if isinstance(node, ast.Name):
            found = self._look_up(node)
        elif isinstance(node, ast.Attribute):
            owner = self.owner(node.value)
            if owner is not None:
                found = self._attribute(owner, node.attr)
            elif base := self.symbol(node.value):
                found = f"{base}.{node.attr}"
        elif isinstance(node, ast.Call):
            made = self.function(node.func)
            if made is not None:
                found = self._returned(made)
            if found is None and (base := self.symbol(node.func)):
                found = f"{base}()"
        elif isinstance(node, ast.NamedExpr):
            found = self.symbol(node.value)
        return None if found is None else self.project.expand(found)

    def _returned(self, made: Function) -> str | None:
        """Return the symbol of what a function returns, if it is always the same."""
        if not isinstance(made, ast.FunctionDef) or any(
            getattr(one, "id", "") not in ("staticmethod", "classmethod")
            for one in made.decorator_list
        ):
            return None
        own = [one for one in ast.walk(made) if self.function_around(one) is made]
        if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in own):
            return None
        return self._unite([one.value for one in own if isinstance(one, ast.Return)])

    def _look_up(self, node: ast.Name) -> str | None:
        scope = self.binding(node)
        return None if scope is None else self.bound(scope, node.id)

    def bound(self, scope: Scope, name: str) -> str | None:
        """Return the symbol of a name that a scope binds."""
        if name not in scope.symbols:
            scope.symbols[name] = None  # as in symbol()
            scope.symbols[name] = self._unite(scope.bindings[name])
        return scope.symbols[name]

    def _unite(self, sources: list[Source]) -> str | None:
        """Return the symbol that all sources stand for; the constant None fits any."""
        symbols = {
            self._known(one)
            for one in sources
            if not (isinstance(one, ast.Constant) and one.value is None)
        }
        return symbols.pop() if len(symbols) == 1 else None

    def _known(self, source: Source) -> str | None:
        """Return the symbol of a source."""
        if isinstance(source, str):
            return self.project.expand(source)
        if isinstance(source, ast.arg):
            return self._passed(source)
        return self.symbol(source)

    def _passed(self, parameter: ast.arg) -> str | None:
        """Return the symbol of what is passed for a parameter, if that is one."""
        function = self.parents[self.parents[parameter]]
        if not isinstance(function, Function):
            return None
        sites = self._sites_of(function)
        return self._unite(
            [call_arguments.source(function, parameter, one) for one in sites] or [None]
        )

    def _sites_of(self, function: Function) -> list[call_arguments.Site]:
        """Return where a function is called, here and in other modules."""
        if self._sites is None:
            self._sites = {}  # while they are searched for, none is known
            self._find_sites()
        name = getattr(function, "name", "")
        owner = self.class_of(function)
        known = owner.name if owner is not None and name == "__init__" else name
        abroad: list[call_arguments.Site] = []
        if owner is None or known != name:
            abroad = self.project.sites(f"{self.name}.{known}")
        return self._sites.get(function, []) + [
            dataclasses.replace(one, bound=owner is not None) for one in abroad
        ]

    def _find_sites(self) -> None:
        found = self._sites = {}
        for call in self.nodes(ast.Call):
            for called, site in call_arguments.sites_of_call(call):
                function, bound = self._called(called)
                if function is not None:
                    maker = self._maker(call)
                    known = dataclasses.replace(site, bound=bound, maker=maker)
                    found.setdefault(function, []).append(known)

    def _called(self, node: ast.expr) -> tuple[Function | None, bool]:
        """Return the function that a call is of, and whether it is bound."""
        # By its name alone: its symbol may depend on the sites that are searched for.
        if isinstance(node, ast.Name) and self.binding(node) is self.top:
            made = self.classes.get(f"{self.name}.{node.id}")
            if made is not None:
                return self.scopes[made].defs.get("__init__"), True
        function = self.function(node)
        bound = isinstance(node, ast.Attribute) and function is not None
        return function, bound and not _is_static(function)

    # Classes

    def lineage(self, owner: ast.ClassDef) -> list[ast.ClassDef]:
        """Return a class and those of its bases that are in this module."""
        found = [owner]
        for one in found:
            for base in one.bases:
                local = self.classes.get(self.symbol(base) or "")
                if local is not None and local not in found:
                    found.append(local)
        return found

    def ancestors(self, owner: ast.ClassDef) -> set[str]:
        """Return the symbols of the bases, direct and indirect."""
        bases = [self.symbol(base) for one in self.lineage(owner) for base in one.bases]
        return self.project.with_ancestors(filter(None, bases))

    def _attribute(self, owner: ast.ClassDef, name: str) -> str | None:
        for one in self.lineage(owner):
            sources = self.attributes.get(one, {}).get(name, [])
            sources = sources + self.scopes[one].bindings.get(name, [])
            if sources:
                return self._unite(sources)
        if name == "tg" and _SERVICE in self.ancestors(owner):
            return _THREAD_GROUP
        return None

    def function(self, node: ast.expr) -> Function | None:
        """Return the function of this module that an expression stands for."""
        if isinstance(node, ast.Lambda):
            return node
        if isinstance(node, ast.Name):
            scope = self.binding(node)
            return None if scope is None else scope.defs.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.owner(node.value)
            for one in [] if owner is None else self.lineage(owner):
                if node.attr in self.scopes[one].defs:
                    return self.scopes[one].defs[node.attr]
        if isinstance(node, ast.Call) and node.args:
            if self.symbol(node.func) == "functools.partial":
                return self.function(node.args[0])
        return None


def _is_static(function: Function | None) -> bool:
    return any(
        getattr(one, "id", "") == "staticmethod"
        for one in getattr(function, "decorator_list", ())
    )
