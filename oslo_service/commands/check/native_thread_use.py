# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding what is harmless in a patched process, and is not on native threads."""

import ast
from collections.abc import Iterator

from oslo_service.commands.check import lifetimes
from oslo_service.commands.check import native_thread_rules as rules
from oslo_service.commands.check.concurrent_functions import (
    Kind,
    entries,
    is_service,
    own_nodes,
    reached,
)
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.modules import Function, Module
from oslo_service.commands.check.nodes import constant, keyword

__all__ = ("find",)

_HANDLERS = frozenset(("signal.signal", "signal.setitimer", "signal.set_wakeup_fd"))
_BRIEF = 1
_LEAVES = (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom)
_FORKS = frozenset(
    (
        "os.fork",
        "os.forkpty",
        "multiprocessing.Process",
        "multiprocessing.Pool",
        "multiprocessing.Manager",
        "multiprocessing.pool.Pool",
    )
)
_WITH_TIMEOUT = frozenset(
    (
        "subprocess.run",
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
        "subprocess.Popen().wait",
        "subprocess.Popen().communicate",
        "urllib.request.urlopen",
        "requests.get",
        "requests.post",
        "requests.put",
        "requests.patch",
        "requests.delete",
        "requests.head",
        "requests.request",
    )
)
# The position of the time-out, where it may be passed without its name.
_PLACES = {
    "urllib.request.urlopen": 2,
    "socket.create_connection": 1,
    "select.select": 3,
    "subprocess.Popen().communicate": 1,
    "subprocess.Popen().wait": 0,
}
_LIFE = frozenset(("start", "stop", "wait", "reset"))


def find(module: Module) -> Iterator[Match]:
    """Yield what blocks more, or longer, on native threads."""
    starts = entries(module)
    yield from _endless(module, starts)
    beside = reached(module, starts)
    yield from _anywhere(module, beside)
    for function, kind in beside.items():
        yield from _in_function(module, function, kind)
    yield from _signals(module, beside)


# Endless loops


def _endless(module: Module, starts: dict[Function, Kind]) -> Iterator[Match]:
    for function, kind in starts.items():
        if kind in (Kind.LOOP, Kind.PERIODIC):
            continue
        for node in own_nodes(function):
            if isinstance(node, ast.While) and _is_endless(module, node, function):
                match = Match(rules.ENDLESS, node, f"while True, in {kind.value}")
                # A native thread was never killed, on Eventlet either.
                yield match.lowered() if kind is Kind.NATIVE else match


def _is_endless(module: Module, loop: ast.While, function: Function) -> bool:
    """Whether nothing ends a loop; an exception that is caught outside might."""
    if not constant(loop.test):
        return False
    for one in module.around(loop):
        if one is function:
            break
        if isinstance(one, ast.Try) and one.handlers:
            return False
    return not any(map(_may_leave, loop.body))


def _may_leave(node: ast.AST, inner: bool = False) -> bool:
    """Whether a part of a loop may leave it.

    :param inner: whether it is in another loop, which a `break` would leave.
    """
    if isinstance(node, Function | ast.ClassDef):
        return False
    if isinstance(node, ast.Break):
        return not inner
    if isinstance(node, _LEAVES) or _looks_for_stop(node):
        return True
    inner = inner or isinstance(node, ast.For | ast.AsyncFor | ast.While)
    return any(_may_leave(one, inner) for one in ast.iter_child_nodes(node))


def _looks_for_stop(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
        "stop_requested",
        "is_set",
    )


# In any function


def _anywhere(module: Module, beside: dict[Function, Kind]) -> Iterator[Match]:
    for call in module.nodes(ast.Call):
        symbol = module.symbol(call.func)
        if symbol == "threading.Thread" and lifetimes.keeps_process(module, call):
            match = Match(rules.NOT_DAEMON, call, symbol)
            yield match.lowered() if lifetimes.is_brief(module, call) else match
        elif symbol == "time.sleep" and _is_zero(call):
            yield Match(rules.SLEEP_0, call, "time.sleep(0)")
        elif symbol == "threading.local":
            yield Match(rules.LOCALS, call, symbol)
        elif symbol is not None and _forks(symbol, call):
            if not _daemonises(module, call):
                match = Match(rules.FORK, call, symbol)
                known = module.function_around(call) in beside
                yield match if known else match.lowered()


def _daemonises(module: Module, call: ast.Call) -> bool:
    """Whether a fork is one of the two by which daemons are made."""
    function = module.function_around(call)
    owner = None if function is None else module.class_of(function)
    where = owner or function or module.top.node
    return any(
        isinstance(node, ast.Attribute) and node.attr == "setsid"
        for node in ast.walk(where)
    )


def _is_zero(call: ast.Call) -> bool:
    return len(call.args) == 1 and constant(call.args[0]) == 0


def _forks(symbol: str, call: ast.Call) -> bool:
    if symbol == "concurrent.futures.ProcessPoolExecutor":
        return keyword(call, "mp_context") is None
    if symbol == "multiprocessing.get_context":
        return bool(call.args) and constant(call.args[0]) == "fork"
    return symbol in _FORKS


# In functions that run concurrently


def _in_function(module: Module, function: Function, kind: Kind) -> Iterator[Match]:
    for node in own_nodes(function):
        if not isinstance(node, ast.Call):
            continue
        symbol = module.symbol(node.func)
        if symbol is None:
            continue
        if _is_unlimited(symbol, node):
            match = Match(rules.UNLIMITED, node, f"{symbol}, in {kind.value}")
            # As above: it was never killed.
            yield match.lowered() if kind is Kind.NATIVE else match
        elif symbol == "time.sleep" and kind is not Kind.POOL and _is_long(node):
            yield Match(rules.LONG_SLEEP, node, f"{symbol}, in {kind.value}")


def _is_unlimited(symbol: str, call: ast.Call) -> bool:
    if symbol not in _WITH_TIMEOUT and symbol not in _PLACES:
        return False
    if any(one.arg in ("timeout", None) for one in call.keywords):
        return False
    return len(call.args) <= _PLACES.get(symbol, len(call.args))


def _is_long(call: ast.Call) -> bool:
    if not call.args:
        return False
    seconds = constant(call.args[0])
    return not isinstance(seconds, int | float) or seconds > _BRIEF


def _signals(module: Module, beside: dict[Function, Kind]) -> Iterator[Match]:
    methods: dict[Function, Kind] = {
        made: Kind.THREAD
        for made in module.nodes(ast.FunctionDef)
        if made.name in _LIFE and is_service(module, module.class_of(made))
    }
    services = reached(module, methods)
    for function in {**services, **beside}:
        for node in own_nodes(function):
            if isinstance(node, ast.Call) and module.symbol(node.func) in _HANDLERS:
                where = "a service" if function in services else beside[function].value
                yield Match(
                    rules.SIGNAL, node, f"{module.symbol(node.func)}, in {where}"
                )
