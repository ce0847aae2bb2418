# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A module of the checked project, and what the names in it stand for.

What a name stands for is written as a *symbol*: the dotted name of what was
imported, ``()`` for the result of a call. In ``pool = eventlet.GreenPool()``,
``pool.spawn`` has the symbol ``eventlet.GreenPool().spawn``.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

from oslo_service.commands.check.projects import Project

__all__ = ("Function", "Module")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
#: What a name may have been bound to: an expression, a symbol, or anything.
Source: TypeAlias = "ast.expr | str | None"
N = TypeVar("N", bound=ast.AST)

_SERVICE = "oslo_service.service.Service"
_THREAD_GROUP = "oslo_service.threadgroup.ThreadGroup()"
_SCOPES = (
    ast.Module,
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.GeneratorExp,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)


class Scope:
    """Where names are bound."""

    __slots__ = ("bindings", "defs", "node", "not_local", "parent", "symbols")

    def __init__(self, node: ast.AST, parent: "Scope | None") -> None:
        self.node = node
        self.parent = parent
        self.bindings: dict[str, list[Source]] = {}
        self.symbols: dict[str, str | None] = {}
        self.defs: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.not_local: set[str] = set()

    def bind(self, name: str, source: Source) -> None:
        """Note that a name is bound here."""
        self.bindings.setdefault(name, []).append(source)

    def is_global(self, name: str) -> bool:
        """Tell whether a name of this scope is the module's."""
        return self.parent is None or name in self.not_local


class Module:
    """A parsed file.

    :param name: its dotted name.
    """

    def __init__(
        self, path: Path, name: str, tree: ast.Module, project: Project
    ) -> None:
        self.path = path
        self.name = name
        self.project = project
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self._by_type: dict[type[ast.AST], list[ast.AST]] = {}
        self._attributes: dict[ast.ClassDef, dict[str, list[Source]]] = {}
        self._symbols: dict[ast.expr, str | None] = {}
        self.top = Scope(tree, None)
        self._walk(tree)
        self._bind_all()

    # The tree

    def nodes(self, *kinds: type[N]) -> Iterator[N]:
        """Give the nodes of some types."""
        for kind in kinds:
            yield from self._by_type.get(kind, ())  # type: ignore[misc]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Give what a node is in, from the inside out."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def scope_of(self, node: ast.AST) -> Scope:
        """Give the innermost scope that a node is in."""
        for one in self.around(node):
            if one in self.scopes:
                return self.scopes[one]
        return self.top

    def function_around(self, node: ast.AST) -> Function | None:
        """Give the function that a node is in."""
        for one in self.around(node):
            if isinstance(one, Function):
                return one
        return None

    def class_of(self, function: ast.AST) -> ast.ClassDef | None:
        """Give the class that a function is a method of."""
        parent = self.parents.get(function)
        return parent if isinstance(parent, ast.ClassDef) else None

    def _walk(self, tree: ast.Module) -> None:
        self.scopes[tree] = self.top
        rest: list[tuple[ast.AST, Scope]] = [(tree, self.top)]
        while rest:
            node, scope = rest.pop()
            self._by_type.setdefault(type(node), []).append(node)
            if isinstance(node, _SCOPES) and node is not tree:
                self.scopes[node] = scope = Scope(node, scope)
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                rest.append((child, scope))

    # What is bound

    def _bind_all(self) -> None:
        for declared in self.nodes(ast.Global):
            self.scope_of(declared).not_local.update(declared.names)
        for imported in self.nodes(ast.Import, ast.ImportFrom):
            for name, symbol in self.imports(imported):
                self._home(imported, name).bind(name, symbol)
        for made in self.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
            scope = self._home(made, made.name)
            scope.bind(made.name, self._own(scope, made.name))
            scope.defs[made.name] = made
        for made_class in self.nodes(ast.ClassDef):
            scope = self._home(made_class, made_class.name)
            symbol = self._own(scope, made_class.name)
            scope.bind(made_class.name, symbol)
            if symbol is not None:
                self.classes[symbol] = made_class
        self._bind_stores()

    def _bind_stores(self) -> None:
        for argument in self.nodes(ast.arg):
            self.scope_of(argument).bind(argument.arg, None)
        for handler in self.nodes(ast.ExceptHandler):
            if handler.name:
                self._home(handler, handler.name).bind(handler.name, None)
        for name in self.nodes(ast.Name):
            if not isinstance(name.ctx, ast.Load):
                self._home(name, name.id).bind(name.id, self._stored(name))
        for attribute in self.nodes(ast.Attribute):
            if isinstance(attribute.ctx, ast.Store):
                owner = self.owner(attribute.value)
                if owner is not None:
                    self._attributes.setdefault(owner, {}).setdefault(
                        attribute.attr, []
                    ).append(self._stored(attribute))

    def _home(self, node: ast.AST, name: str) -> Scope:
        scope = self.scope_of(node)
        return self.top if name in scope.not_local else scope

    def _own(self, scope: Scope, name: str) -> str | None:
        return f"{self.name}.{name}" if scope is self.top else None

    def _stored(self, target: ast.expr) -> Source:
        """Give the expression whose value a target gets, where that is plain."""
        parent = self.parents[target]
        if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            return parent.value
        if isinstance(parent, ast.withitem):
            return parent.context_expr
        return None

    def imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        """Give the names that a statement binds, and their symbols."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
            return
        base = self._origin(node)
        for alias in node.names:
            yield alias.asname or alias.name, f"{base}.{alias.name}"

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        up = node.level - (self.path.stem == "__init__")
        # In a folder that is no package: whatever it is, it is the project's.
        parts = parts[: max(0, len(parts) - up)] or [""]
        return ".".join((*parts, node.module) if node.module else parts)

    # What a name stands for

    def symbol(self, node: ast.expr | None) -> str | None:
        """Give what an expression stands for; None where that is not plain."""
        if node is None:
            return None
        if node not in self._symbols:
            self._symbols[node] = None  # what refers to itself stands for nothing
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
            if base := self.symbol(node.func):
                found = f"{base}()"
        elif isinstance(node, ast.NamedExpr):
            found = self.symbol(node.value)
        return None if found is None else self.project.expand(found)

    def _look_up(self, node: ast.Name) -> str | None:
        scope = self._binding(node)
        return None if scope is None else self.bound(scope, node.id)

    def bound(self, scope: Scope, name: str) -> str | None:
        """Give what a name stands for that a scope binds."""
        if name not in scope.symbols:
            scope.symbols[name] = None  # as above
            scope.symbols[name] = self._unite(scope.bindings[name])
        return scope.symbols[name]

    def _binding(self, node: ast.Name) -> Scope | None:
        """Give the scope in which a name is bound that is used in a place."""
        start = scope = self.scope_of(node)
        while True:
            if node.id in scope.not_local or scope.parent is None:
                return self.top if node.id in self.top.bindings else None
            visible = scope is start or not isinstance(scope.node, ast.ClassDef)
            if visible and node.id in scope.bindings:
                return scope
            scope = scope.parent

    def _unite(self, sources: list[Source]) -> str | None:
        """Give the one symbol that all sources have; None counts for any."""
        symbols = {
            one if isinstance(one, str) or one is None else self.symbol(one)
            for one in sources
            if not (isinstance(one, ast.Constant) and one.value is None)
        }
        return symbols.pop() if len(symbols) == 1 else None

    # Classes

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """Give the class of which ``node`` is the ``self``."""
        if not isinstance(node, ast.Name):
            return None
        scope = self._binding(node)
        function = None if scope is None else scope.node
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        arguments = [*function.args.posonlyargs, *function.args.args]
        if not arguments or arguments[0].arg != node.id:
            return None
        static = any(
            getattr(one, "id", "") == "staticmethod" for one in function.decorator_list
        )
        return None if static else self.class_of(function)

    def lineage(self, owner: ast.ClassDef) -> list[ast.ClassDef]:
        """Give a class and those of its bases that are in this module."""
        found = [owner]
        for one in found:
            for base in one.bases:
                local = self.classes.get(self.symbol(base) or "")
                if local is not None and local not in found:
                    found.append(local)
        return found

    def ancestors(self, owner: ast.ClassDef) -> set[str]:
        """Give the symbols of the bases, direct and indirect."""
        found: set[str] = set()
        rest = [self.symbol(base) for one in self.lineage(owner) for base in one.bases]
        while rest:
            symbol = rest.pop()
            if symbol is not None and symbol not in found:
                found.add(symbol)
                rest += self.project.bases.get(symbol, ())
        return found

    def _attribute(self, owner: ast.ClassDef, name: str) -> str | None:
        for one in self.lineage(owner):
            sources = self._attributes.get(one, {}).get(name, [])
            sources = sources + self.scopes[one].bindings.get(name, [])
            if sources:
                return self._unite(sources)
        if name == "tg" and _SERVICE in self.ancestors(owner):
            return _THREAD_GROUP
        return None

    def function(self, node: ast.expr) -> Function | None:
        """Give the function of this module that an expression stands for."""
        if isinstance(node, ast.Lambda):
            return node
        if isinstance(node, ast.Name):
            scope = self._binding(node)
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
