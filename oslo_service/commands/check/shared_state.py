# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding state of a module that loops and threads change without a lock."""

import ast
from collections.abc import Iterator

from oslo_service.commands.check.concurrent_functions import (
    Kind,
    entries,
    own_nodes,
    reached,
)
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.model import Rule, Severity
from oslo_service.commands.check.modules import Function, Module

__all__ = ("RULES", "find")

_WHY = (
    "Green threads switched only where something blocked, so that lines in between"
    " ran undisturbed. Native threads switch anywhere:"
)
_INSTEAD = "A threading.Lock() beside the state, held (with LOCK: ...) around"

COUNTED = Rule(
    "OSE401",
    Severity.WARNING,
    "a loop or thread changes a global, or an attribute of a class, by its old value,"
    " without a lock",
    f"{_WHY} between reading and writing, another's change is lost.",
    f"{_INSTEAD} both; or itertools.count() for numbers.",
)
CHECKED = Rule(
    "OSE402",
    Severity.WARNING,
    "a loop or thread looks at a global, and then changes it, without a lock",
    f"{_WHY} between the two, another does the same, or undoes what was seen.",
    f"{_INSTEAD} both; setdefault() or pop(key, None), which are one step; or"
    " functools.cache for what is made once.",
)
ITERATED = Rule(
    "OSE403",
    Severity.WARNING,
    "a loop or thread goes through a global that others change, without a lock",
    f"{_WHY} what grows or shrinks meanwhile raises RuntimeError, or skips items.",
    f"{_INSTEAD} every change, and around a copy: for item in list(things).",
)
RULES = (COUNTED, CHECKED, ITERATED)

_GROWS = ("append", "extend", "insert", "add", "update")
_SHRINKS = ("remove", "discard", "pop", "popitem", "clear")
_CHANGES = frozenset((*_GROWS, *_SHRINKS))
# Kinds of which no two calls run at the same time.
_ALONE = (Kind.LOOP, Kind.PERIODIC)
_CONTAINERS = frozenset(
    ("dict", "list", "set", "collections.defaultdict", "collections.OrderedDict")
)


def find(module: Module) -> Iterator[Match]:
    """Yield changes of state of the module, in loops and threads, without a lock."""
    containers = _containers(module)
    changed = {
        name
        for node in module.nodes(ast.Name)
        if (name := _changed(module, node)) in containers
    }
    for function, kind in reached(module, entries(module)).items():
        for node in own_nodes(function):
            if not _is_locked(module, node, function):
                for match in _at(module, node, containers, changed):
                    if kind not in _ALONE or _is_shared(module, match, function):
                        yield match


def _is_shared(module: Module, match: Match, function: Function) -> bool:
    """Whether another function uses what a match is about."""
    return any(
        node.id == match.subject
        and _global(module, node) is not None
        and module.function_around(node) not in (function, None)
        for node in module.nodes(ast.Name)
    )


def _at(
    module: Module,
    node: ast.AST,
    containers: set[str],
    changed: set[str],
) -> Iterator[Match]:
    if isinstance(node, ast.AugAssign | ast.Assign):
        name = _counted(module, node)
        if name is not None:
            yield Match(COUNTED, node, name)
    elif isinstance(node, ast.If):
        name = _checked(module, node, containers)
        if name is not None:
            yield Match(CHECKED, node, name)
    elif isinstance(node, ast.For):
        name = _iterated(module, node, containers)
        if name in changed:
            yield Match(ITERATED, node, str(name))


def _containers(module: Module) -> set[str]:
    """Return the names of the module's dicts, lists and sets."""
    found = set()
    for name, sources in module.top.bindings.items():
        for one in sources:
            if isinstance(one, ast.Dict | ast.List | ast.Set):
                found.add(name)
            elif isinstance(one, ast.Call):
                made = getattr(one.func, "id", None)
                if made in _CONTAINERS or module.symbol(one.func) in _CONTAINERS:
                    found.add(name)
    return found


def _global(module: Module, node: ast.AST | None) -> str | None:
    """Return the name of the module's variable that a node is."""
    if isinstance(node, ast.Name) and module.binding(node) is module.top:
        return node.id
    return None


def _of_class(module: Module, node: ast.AST) -> str | None:
    """Return the name of the attribute of a class that a node is: Class.name."""
    if not isinstance(node, ast.Attribute):
        return None
    base = node.value
    is_class = (
        isinstance(base, ast.Name)
        and (module.symbol(base) in module.classes or base.id == "cls")
    ) or ast.unparse(base) in ("type(self)", "self.__class__")
    return ast.unparse(node) if is_class else None


def _is_locked(module: Module, node: ast.AST, function: Function) -> bool:
    """Whether a lock is held: by a with statement, or a decorator."""
    for one in module.around(node):
        if isinstance(one, ast.With):
            if any(_is_lock(item.context_expr) for item in one.items):
                return True
        if one is function:
            break
    return any(_is_lock(one) for one in getattr(function, "decorator_list", ()))


def _is_lock(node: ast.expr) -> bool:
    said = ast.unparse(node).lower()
    return any(one in said for one in ("lock", "mutex", "synchron", "sem", "cond"))


def _counted(module: Module, node: ast.AugAssign | ast.Assign) -> str | None:
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    holder = target.value if isinstance(target, ast.Subscript) else target
    name = _global(module, holder) or _of_class(module, holder)
    if name is None:
        return None
    if isinstance(node, ast.AugAssign):
        return name
    same = ast.unparse(target)
    reads = (
        one
        for one in ast.walk(node.value)
        if isinstance(one, ast.BinOp)
        and same in map(ast.unparse, (one.left, one.right))
    )
    return name if any(reads) else None


def _checked(module: Module, node: ast.If, containers: set[str]) -> str | None:
    asked = set(filter(None, (_global(module, one) for one in ast.walk(node.test))))
    for one in node.body:
        for inner in (one, *own_nodes(one)):
            if not isinstance(inner, ast.Name):
                continue
            rebound = isinstance(inner.ctx, ast.Store) and _global(module, inner)
            if rebound and rebound in asked:
                return rebound
            name = _changed(module, inner)
            if name in asked and name in containers and not _one_step(module, inner):
                return name
    return None


def _changed(module: Module, node: ast.Name) -> str | None:
    """Return the global of which a node is changed: G[k] = v, del G[k], G.add()."""
    name = _global(module, node)
    parent = module.parents[node]
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return name if not isinstance(parent.ctx, ast.Load) else None
    if isinstance(parent, ast.Attribute) and parent.attr in _CHANGES:
        return name
    return None


def _one_step(module: Module, node: ast.Name) -> bool:
    """Whether a change is one that takes a second look itself."""
    method = module.parents[node]
    call = module.parents[method]
    if not (isinstance(method, ast.Attribute) and isinstance(call, ast.Call)):
        return False
    return method.attr == "discard" or (method.attr == "pop" and len(call.args) > 1)


def _iterated(module: Module, node: ast.For, containers: set[str]) -> str | None:
    what = node.iter
    if isinstance(what, ast.Call) and isinstance(what.func, ast.Attribute):
        if what.func.attr in ("items", "keys", "values"):
            what = what.func.value
    name = _global(module, what)
    return name if name in containers else None
