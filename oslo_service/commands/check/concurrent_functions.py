# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which functions of a module run concurrently: in loops, threads and timers."""

import ast
import enum
from collections.abc import Iterator

from oslo_service.commands.check.modules import Function, Module
from oslo_service.commands.check.nodes import argument

__all__ = (
    "Kind",
    "entries",
    "is_made_with_service",
    "is_service",
    "own_nodes",
    "reached",
)

_LOOPS = "oslo_service.loopingcall."
_SERVICES = frozenset(
    ("oslo_service.service.Service", "oslo_service.service.ServiceBase")
)


class Kind(enum.Enum):
    """How a function comes to run concurrently."""

    LOOP = "a looping call or timer"
    THREAD = "a thread of a group"
    NATIVE = "a thread"
    GREEN = "a green thread"
    POOL = "a thread of a pool"
    PERIODIC = "a periodic task"


# Which argument the function is, by the name of the method: its position, its name.
_BY_METHOD = {
    "add_timer": (1, "callback", Kind.LOOP),
    "add_timer_args": (1, "callback", Kind.LOOP),
    "add_dynamic_timer": (0, "callback", Kind.LOOP),
    "add_dynamic_timer_args": (0, "callback", Kind.LOOP),
    "add_thread": (0, "callback", Kind.THREAD),
}
# The same, by the symbol of what is called.
_BY_SYMBOL = {
    "threading.Thread": (1, "target", Kind.NATIVE),
    "threading.Timer": (1, "function", Kind.NATIVE),
    "eventlet.spawn": (0, "func", Kind.GREEN),
    "eventlet.spawn_n": (0, "func", Kind.GREEN),
    "eventlet.spawn_after": (1, "func", Kind.GREEN),
    "eventlet.greenthread.spawn": (0, "func", Kind.GREEN),
    "eventlet.greenthread.spawn_n": (0, "func", Kind.GREEN),
    "eventlet.greenthread.spawn_after": (1, "func", Kind.GREEN),
    "eventlet.GreenPool().spawn": (0, "func", Kind.GREEN),
    "eventlet.GreenPool().spawn_n": (0, "func", Kind.GREEN),
    "eventlet.greenpool.GreenPool().spawn": (0, "func", Kind.GREEN),
    "eventlet.greenpool.GreenPool().spawn_n": (0, "func", Kind.GREEN),
    "concurrent.futures.ThreadPoolExecutor().submit": (0, "fn", Kind.POOL),
    "futurist.ThreadPoolExecutor().submit": (0, "fn", Kind.POOL),
    "futurist.GreenThreadPoolExecutor().submit": (0, "fn", Kind.POOL),
}
_DECORATORS = frozenset(
    ("oslo_service.periodic_task.periodic_task", "futurist.periodics.periodic")
)


def entries(module: Module) -> dict[Function, Kind]:
    """Return the functions of a module that it has run concurrently."""
    found: dict[Function, Kind] = {}
    for call in module.nodes(ast.Call):
        where = _expected(module, call)
        if where is not None:
            given = argument(call, where[0], where[1])
            function = None if given is None else module.function(given)
            if function is not None:
                found.setdefault(function, where[2])
    for made in module.nodes(ast.FunctionDef):
        if _is_periodic(module, made):
            found.setdefault(made, Kind.PERIODIC)
        elif made.name == "run" and _is_thread(module, module.class_of(made)):
            found.setdefault(made, Kind.NATIVE)
    return found


def _expected(module: Module, call: ast.Call) -> tuple[int, str, Kind] | None:
    if isinstance(call.func, ast.Attribute) and call.func.attr in _BY_METHOD:
        return _BY_METHOD[call.func.attr]
    symbol = module.symbol(call.func)
    if symbol is None:
        return None
    if symbol.startswith(_LOOPS) and symbol.endswith("LoopingCall"):
        return (0, "f", Kind.LOOP)
    return _BY_SYMBOL.get(symbol)


def _is_periodic(module: Module, made: ast.FunctionDef) -> bool:
    return any(
        (module.symbol(one) or "").removesuffix("()") in _DECORATORS
        for one in made.decorator_list
    )


def _is_thread(module: Module, owner: ast.ClassDef | None) -> bool:
    return owner is not None and "threading.Thread" in module.ancestors(owner)


def is_service(module: Module, owner: ast.ClassDef | None) -> bool:
    """Whether a class is one that launchers run."""
    return owner is not None and not _SERVICES.isdisjoint(module.ancestors(owner))


def is_made_with_service(module: Module, function: Function) -> bool:
    """Whether a function is the constructor of a service, or one that that calls."""
    if getattr(function, "name", "") != "__init__":
        return False
    makers = module.project.with_ancestors(module.makers(function))
    return is_service(module, module.class_of(function)) or not _SERVICES.isdisjoint(
        makers
    )


def reached(module: Module, starts: dict[Function, Kind]) -> dict[Function, Kind]:
    """Return some functions, and all in the module that they call, in turn."""
    found = dict(starts)
    rest = list(starts)
    while rest:
        function = rest.pop()
        for node in own_nodes(function):
            called = module.function(node.func) if isinstance(node, ast.Call) else None
            if called is not None and called not in found:
                found[called] = found[function]
                rest.append(called)
    return found


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions defined in it."""
    rest = list(ast.iter_child_nodes(function))
    while rest:
        node = rest.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            rest += ast.iter_child_nodes(node)
