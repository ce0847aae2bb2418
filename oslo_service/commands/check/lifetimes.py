# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether the native threads of a project end by themselves, or are joined."""

import ast

from oslo_service.commands.check.concurrent_functions import Kind, own_nodes, reached
from oslo_service.commands.check.modules import Module
from oslo_service.commands.check.nodes import argument, keyword

__all__ = ("is_brief", "keeps_process")

_FINITE = frozenset(("dict", "list", "range", "reversed", "set", "sorted", "tuple"))
_CONTAINERS = (ast.arg, ast.Dict, ast.List, ast.ListComp, ast.Set, ast.Tuple)


def is_brief(module: Module, call: ast.Call) -> bool:
    """Whether the function of a thread is known, and contains no endless loop."""
    target = argument(call, 1, "target")
    function = None if target is None else module.function(target)
    return function is not None and not any(
        isinstance(node, ast.While)
        or (isinstance(node, ast.For) and not _is_finite(module, node.iter))
        for one in reached(module, {function: Kind.NATIVE})
        for node in own_nodes(one)
    )


def _is_finite(module: Module, things: ast.expr) -> bool:
    """Whether a loop goes through a finite container, as far as can be seen.

    What another function returns may be an endless iterator.
    """
    if isinstance(things, ast.Call):
        if isinstance(things.func, ast.Attribute):
            return things.func.attr in ("items", "keys", "values")
        return getattr(things.func, "id", "") in _FINITE
    if isinstance(things, ast.Name):
        scope = module.binding(things)
        sources = [] if scope is None else scope.bindings[things.id]
        return bool(sources) and all(isinstance(one, _CONTAINERS) for one in sources)
    return isinstance(things, _CONTAINERS)


def keeps_process(module: Module, call: ast.Call) -> bool:
    """Whether nothing around says that a thread is a daemon, or joined."""
    if keyword(call, "daemon") is not None or any(
        one.arg is None for one in call.keywords
    ):
        return False
    around = module.function_around(call)
    owner = None if around is None else module.class_of(around)
    where = owner or around or module.top.node
    return not any(_is_ended(node) for node in ast.walk(where))


def _is_ended(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        if node.attr == "daemon":
            return isinstance(node.ctx, ast.Store)
        return node.attr == "setDaemon"
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("join", "shutdown")
        and not _joins_text(node)
    )


def _joins_text(call: ast.Call) -> bool:
    """Whether a join() is that of a string or a path, not of a thread."""
    value = getattr(call.func, "value", None)
    is_path = getattr(value, "attr", "") == "path"
    return is_path or isinstance(value, ast.Constant | ast.JoinedStr)
