# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding the use of Eventlet and greenlet."""

import ast
from collections.abc import Iterator

from oslo_service.commands.check import eventlet_names, guards
from oslo_service.commands.check import eventlet_rules as rules
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.model import Severity
from oslo_service.commands.check.modules import Module
from oslo_service.commands.check.nodes import argument, constant, maximal

__all__ = ("find",)

_MODELS = ("eventlet", "greenlet")
_GREEN = "eventlet.green."
_ORIGINAL = "__original_module_"
_IMPORTERS = frozenset(
    (
        "__import__",
        "importlib.import_module",
        "oslo_utils.importutils.import_module",
        "oslo_utils.importutils.import_any",
        "oslo_utils.importutils.try_import",
    )
)
# By the last part of the name: they are reached through many objects.
_SERVERS = frozenset(
    (
        "get_rpc_server",
        "get_server",
        "get_notification_listener",
        "get_batch_notification_listener",
        "RPCServer",
        "NotificationServer",
    )
)
_REPLACERS = frozenset(("patch", "setattr", "MonkeyPatch", "MockPatch"))


def find(module: Module) -> Iterator[Match]:
    """Find what ties a module to Eventlet."""
    for match in _all(module):
        yield match.lowered() if guards.is_guarded(module, match.node) else match


def _all(module: Module) -> Iterator[Match]:
    yield from _imports(module)
    yield from _uses(module)
    for call in module.nodes(ast.Call):
        yield from _call(module, call)
    for attribute in module.nodes(ast.Attribute):
        if module.symbol(attribute) == "oslo_service.backend.BackendType.EVENTLET":
            asked = isinstance(module.parents[attribute], ast.Compare)
            if not asked and not _is_of_hook(module, attribute):
                yield Match(rules.STATED, attribute, "BackendType.EVENTLET")


def _is_of_hook(module: Module, node: ast.expr) -> bool:
    """Whether it is what a hook answers: a default, which the option replaces."""
    return any(
        isinstance(one, ast.Call)
        and module.symbol(one.func)
        == "oslo_service.backend.register_backend_default_hook"
        for one in module.around(node)
    )


def _model(symbol: str) -> bool:
    return symbol.partition(".")[0] in _MODELS


def _imports(module: Module) -> Iterator[Match]:
    for node in module.nodes(ast.Import):
        for alias in node.names:
            if alias.name.startswith(_ORIGINAL):
                yield Match(rules.ORIGINAL, node, alias.name)
            if _model(alias.name):
                yield _imported(module, node, alias.name)
    for from_ in module.nodes(ast.ImportFrom):
        for _, symbol in module.imports(from_):
            found = module.project.expand(symbol)
            if symbol.startswith("oslo_service.backend") and ".eventlet" in (
                symbol.replace("_eventlet", ".eventlet")
            ):
                yield Match(rules.STATED, from_, symbol)
            elif _model(found) and "()" not in found:
                through = "" if found == symbol else f", by way of {symbol}"
                yield _imported(module, from_, found, through)


def _imported(module: Module, node: ast.stmt, symbol: str, through: str = "") -> Match:
    rule = rules.GREEN if f"{symbol}.".startswith(_GREEN) else rules.IMPORT
    match = Match(rule, node, symbol + through)
    late = module.function_around(node) is not None
    return match.lowered(Severity.WARNING) if late else match


def _uses(module: Module) -> Iterator[Match]:
    for node in module.nodes(ast.Name, ast.Attribute):
        bound = isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        if maximal(module, node) and not bound:
            symbol = module.symbol(node)
            if symbol is not None:
                yield from _use(module, node, symbol)


def _use(module: Module, node: ast.expr, symbol: str) -> Iterator[Match]:
    rule = eventlet_names.rule_for(symbol)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        owner = module.symbol(node.value) or ""
        rule = rules.MOCKED if _model(owner) and "()" not in owner else None
    elif symbol.startswith(_GREEN) and not _is_spelt_out(module, node):
        rule = None  # to change the import is enough
    elif symbol.startswith("futurist.Green") and "()" not in symbol:
        rule = None if _is_type(module, node) else rules.FUTURIST
    elif rule is rules.MONKEY_PATCH and not _is_called(module, node):
        rule = rules.OTHER
    elif rule is rules.SLEEP and _is_yield(module, node):
        rule = rules.YIELD
    if rule is not None and not _is_replaced(module, node):
        yield Match(rule, node, symbol)


def _is_spelt_out(module: Module, node: ast.expr) -> bool:
    """Whether a dotted name begins with ``eventlet`` itself."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return module.symbol(node) == "eventlet"


def _is_called(module: Module, node: ast.expr) -> bool:
    parent = module.parents[node]
    return isinstance(parent, ast.Call) and parent.func is node


def _is_type(module: Module, node: ast.expr) -> bool:
    """Whether a class is named as a type: in A | B, or isinstance()."""
    parent = module.parents[node]
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "id", "") in ("isinstance", "issubclass")
    return isinstance(parent, ast.BinOp | ast.arg | ast.AnnAssign) or (
        isinstance(parent, ast.FunctionDef) and parent.returns is node
    )


def _is_yield(module: Module, node: ast.expr) -> bool:
    call = module.parents[node]
    if not isinstance(call, ast.Call) or call.func is not node:
        return False
    return not (call.args or call.keywords) or (
        bool(call.args) and constant(call.args[0]) == 0
    )


def _call(module: Module, call: ast.Call) -> Iterator[Match]:
    first = constant(call.args[0]) if call.args else None
    symbol = module.symbol(call.func)
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if isinstance(first, str) and first.startswith(_ORIGINAL):
        if symbol in _IMPORTERS or name == "__import__":
            yield Match(rules.ORIGINAL, call, first)
    if isinstance(first, str) and _model(first):
        if symbol in _IMPORTERS or name == "__import__":
            yield Match(rules.DYNAMIC, call, first)
        elif name in _REPLACERS and "." in first:
            yield Match(rules.MOCKED, call, first)
    if name in _SERVERS and constant(argument(call, 3, "executor")) == "eventlet":
        yield Match(rules.EXECUTOR, call, f"{name}(executor='eventlet')")
    if symbol == "oslo_service.backend.init_backend" and first == "eventlet":
        yield Match(rules.STATED, call, "init_backend('eventlet')")
    if call.args and _replaces(call) and (base := module.symbol(call.args[0])):
        if _model(base) and "()" not in base:
            yield Match(rules.MOCKED, call, f"{base}.{constant(call.args[1])}")


def _replaces(call: ast.Call) -> bool:
    """Whether a call is mock.patch.object(thing, "name"), or the like."""
    name = getattr(call.func, "attr", "")
    inner = getattr(getattr(call.func, "value", None), "attr", "")
    inner = inner or getattr(getattr(call.func, "value", None), "id", "")
    wanted = (name == "object" and inner == "patch") or name in (
        "setattr",
        "MockPatchObject",
        "mock_object",
        "patch_object",
        "patchobject",
    )
    return wanted and len(call.args) > 1 and isinstance(constant(call.args[1]), str)


def _is_replaced(module: Module, node: ast.expr) -> bool:
    parent = module.parents[node]
    return (
        isinstance(parent, ast.Call)
        and bool(parent.args)
        and parent.args[0] is node
        and _replaces(parent)
    )
