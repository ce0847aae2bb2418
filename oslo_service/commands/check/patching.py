# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding programs that are monkey-patched by another module of their project."""

import ast
from collections.abc import Iterator

from oslo_service.commands.check import eventlet_rules as rules
from oslo_service.commands.check import guards
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.model import Severity
from oslo_service.commands.check.modules import Module

__all__ = ("find", "pass_on")

_PATCHES = frozenset(("eventlet.monkey_patch", "eventlet.patcher.monkey_patch"))


def pass_on(module: Module) -> None:
    """Record in the project which functions, and which imports, patch the process."""
    found: dict[str, bool] = {}
    before = -1
    while before != (before := len(found)):
        for call in module.nodes(ast.Call):
            symbol = module.symbol(call.func) or ""
            if symbol in _PATCHES or symbol in found:
                where = _where(module, call)
                if where is not None:
                    unsure = found.get(symbol, False) or guards.is_guarded(module, call)
                    found[where] = found.get(where, True) and unsure
    if module.name in found:
        module.project.patch_by_import(
            module.name, found.pop(module.name), module.path.stem == "__init__"
        )
    module.project.patch(found)


def _where(module: Module, call: ast.Call) -> str | None:
    """Return the symbol of what patches: the enclosing function, or the module."""
    function = module.function_around(call)
    if function is None:
        run = any(
            isinstance(one, ast.If) and _asks_for_main(one)
            for one in module.around(call)
        )
        return None if run else module.name
    name = getattr(function, "name", "")
    return f"{module.name}.{name}" if module.top.defs.get(name) is function else None


def find(module: Module) -> Iterator[Match]:
    """Yield where a module causes others of the project to patch."""
    functions = module.project.patching_functions
    for call in module.nodes(ast.Call):
        symbol = module.symbol(call.func) or ""
        if symbol in functions and symbol.rpartition(".")[0] != module.name:
            yield _match(module, call, f"{symbol}()", functions[symbol])
    modules = module.project.patching_modules
    for statement in module.nodes(ast.Import, ast.ImportFrom):
        found = _imported(module, statement) & modules.keys()
        if found and (_is_program(module) or not _is_used(module, statement)):
            for name in sorted(found):
                yield _match(module, statement, f"importing {name}", modules[name])


def _is_program(module: Module) -> bool:
    """Whether a module is one that a program begins with."""
    return "main" in module.top.defs or any(map(_asks_for_main, module.nodes(ast.If)))


def _asks_for_main(test: ast.If) -> bool:
    """Whether it is ``if __name__ == "__main__":``, of the module's own name."""
    return any(getattr(one, "id", "") == "__name__" for one in ast.walk(test.test))


def _is_used(module: Module, node: ast.Import | ast.ImportFrom) -> bool:
    """Whether a module is imported for its names, not only for its side effects."""
    names = {name for name, _ in module.imports(node)}
    return any(one.id in names for one in module.nodes(ast.Name))


def _imported(module: Module, node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the modules that an import statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    symbols = {symbol for _, symbol in module.imports(node)}
    around = {symbol.rpartition(".")[0] for symbol in symbols}
    return symbols | (around - module.project.patching_packages)


def _match(module: Module, node: ast.expr | ast.stmt, by: str, unsure: bool) -> Match:
    match = Match(rules.MONKEY_PATCH, node, f"eventlet.monkey_patch, by {by}")
    if unsure or guards.is_guarded(module, node):
        return match.lowered(Severity.NOTE)
    return match
