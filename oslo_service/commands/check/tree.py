# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The syntax tree of a module, and where its names are bound."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, overload

__all__ = ("Function", "Scope", "Source", "Tree")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
#: What a name may be bound to: an expression, the argument for a parameter, a symbol;
#: None: it is not known.
Source: TypeAlias = "ast.expr | ast.arg | str | None"
N = TypeVar("N", bound=ast.AST)
M = TypeVar("M", bound=ast.AST)

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
    """A scope, in which names are bound."""

    __slots__ = ("bindings", "defs", "node", "not_local", "parent", "symbols")

    def __init__(self, node: ast.AST, parent: "Scope | None") -> None:
        self.node = node
        self.parent = parent
        self.bindings: dict[str, list[Source]] = {}
        self.symbols: dict[str, str | None] = {}
        self.defs: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.not_local: set[str] = set()

    def bind(self, name: str, source: Source) -> None:
        """Record that a name is bound here."""
        self.bindings.setdefault(name, []).append(source)


class Tree:
    """A parsed file.

    :ivar name: its dotted name.
    :ivar top: the scope of the module itself.
    :ivar parents: the parent of each node.
    :ivar classes: those of the module, by the symbol of each.
    :ivar attributes: what the methods of each class bind attributes of ``self`` to.
    """

    def __init__(self, path: Path, name: str, tree: ast.Module) -> None:
        self.path = path
        self.name = name
        self.top = Scope(tree, None)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.attributes: dict[ast.ClassDef, dict[str, list[Source]]] = {}
        self._by_type: dict[type[ast.AST], list[ast.AST]] = {}
        self._walk(tree)
        self._bind_all()

    @overload
    def nodes(self, kind: type[N], /) -> Iterator[N]: ...

    @overload
    def nodes(self, kind: type[N], other: type[M], /) -> Iterator[N | M]: ...

    def nodes(self, *kinds: type[Any]) -> Iterator[Any]:
        """Yield the nodes of some types."""
        for kind in kinds:
            yield from self._by_type.get(kind, ())

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, from the inside out."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def scope_of(self, node: ast.AST) -> Scope:
        """Return the innermost scope that a node is in."""
        for one in self.around(node):
            if one in self.scopes:
                return self.scopes[one]
        return self.top

    def function_around(self, node: ast.AST) -> Function | None:
        """Return the function that a node is in."""
        for one in self.around(node):
            if isinstance(one, Function):
                return one
        return None

    def class_of(self, function: ast.AST) -> ast.ClassDef | None:
        """Return the class that a function is a method of."""
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
            for bound, symbol in self.imports(imported):
                self._home(imported, bound).bind(bound, symbol)
        for made in self.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
            scope = self._home(made, made.name)
            scope.bind(made.name, self._own(scope, made.name))
            scope.defs[made.name] = made
        for made_class in self.nodes(ast.ClassDef):
            scope = self._home(made_class, made_class.name)
            class_symbol = self._own(scope, made_class.name)
            scope.bind(made_class.name, class_symbol)
            if class_symbol is not None:
                self.classes[class_symbol] = made_class
        self._bind_stores()

    def _bind_stores(self) -> None:
        for argument in self.nodes(ast.arg):
            self.scope_of(argument).bind(argument.arg, argument)
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
                    stores = self.attributes.setdefault(owner, {})
                    sources = stores.setdefault(attribute.attr, [])
                    sources.append(self._stored(attribute))

    def _home(self, node: ast.AST, name: str) -> Scope:
        scope = self.scope_of(node)
        return self.top if name in scope.not_local else scope

    def _own(self, scope: Scope, name: str) -> str | None:
        return f"{self.name}.{name}" if scope is self.top else None

    def _stored(self, target: ast.expr) -> Source:
        """Return the expression that a target is bound to; None: it is not known."""
        parent = self.parents[target]
        if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            return parent.value or ast.Constant(None)  # annotated, and not set
        if isinstance(parent, ast.withitem):
            return parent.context_expr
        return None

    def imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        """Yield the names that an import binds, and their symbols."""
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
        # In a folder that is no package, it still is something of the project's.
        parts = parts[: max(0, len(parts) - up)] or [""]
        return ".".join((*parts, node.module) if node.module else parts)

    def binding(self, node: ast.Name) -> Scope | None:
        """Return the scope in which a name is bound."""
        start = scope = self.scope_of(node)
        while True:
            if node.id in scope.not_local or scope.parent is None:
                return self.top if node.id in self.top.bindings else None
            visible = scope is start or not isinstance(scope.node, ast.ClassDef)
            if visible and node.id in scope.bindings:
                return scope
            scope = scope.parent

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the class of which ``node`` is the ``self``."""
        if not isinstance(node, ast.Name):
            return None
        scope = self.binding(node)
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
