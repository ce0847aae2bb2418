# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding features of the library that cost more, or differ, on native threads."""

import ast
import re
from collections.abc import Iterator

from oslo_service.commands.check.concurrent_functions import is_made_with_service
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.model import Rule, Severity
from oslo_service.commands.check.modules import Module
from oslo_service.commands.check.nodes import argument, constant, keyword, maximal

__all__ = ("RULES", "find")

# A pool of more threads than that is seldom intended.
_MANY = 100

LARGE = Rule(
    "OSE201",
    Severity.WARNING,
    f"a pool of more than {_MANY} threads",
    "Each slot in use is a native thread, with a stack and a share of the"
    " scheduler; green threads were next to free.",
    "As many as work at a time, a handful for what computes and some dozens for what"
    " waits; threading.stack_size() where it has to be more.",
)
MANY_LOOPS = Rule(
    "OSE202",
    Severity.WARNING,
    "a looping call or timer is started for each of a number of things",
    "Each is a native thread for as long as it runs.",
    "One timer whose function goes through the items, or"
    " oslo_service.periodic_task, which runs any number in one thread.",
)
SHORT_POLL = Rule(
    "OSE203",
    Severity.NOTE,
    "a looping call is started to be waited for at once",
    "It takes a native thread, about 0.2 ms and 30 KB, to do what the waiting thread"
    " could do itself. It works; it matters only where it is done very often.",
    "A loop with time.sleep(), or tenacity, in the calling thread.",
)
STOP_THREAD = Rule(
    "OSE204",
    Severity.WARNING,
    "a single thread of a group is stopped or killed",
    "A green thread is killed wherever it is; a native one is asked to end, and runs"
    " on until its function looks.",
    "The same call, and in the function that runs:"
    " oslo_service.threadgroup.stop_requested(), waited for in place of sleeping.",
)
INSIDES = Rule(
    "OSE205",
    Severity.ERROR,
    "the green thread, pool or event inside an object of the library is used",
    "What is inside is of another kind on native threads, or missing.",
    "What the object itself has: Thread.wait(), link(), stop() and cancel(),"
    " ThreadGroup.threads and thread_pool_size, LoopingCallBase.wait() and stop().",
)
EARLY = Rule(
    "OSE206",
    Severity.WARNING,
    "a service begins to work in its constructor, or in one that this calls",
    "The constructor runs in the parent, and threads do not cross a fork: with"
    " several workers, none of them has the timer or thread, and the parent does.",
    "The same in start(), which runs in each worker.",
)
CONTRADICTION = Rule(
    "OSE207",
    Severity.ERROR,
    "threading is selected in code by a module that monkey-patches",
    "A patched process has no native threads: launchers run on Eventlet there.",
    "oslo_service.backend.bootstrap() in the place of both, and the option.",
)
FORKED = Rule(
    "OSE208",
    Severity.WARNING,
    "a loop or thread is started before workers are forked",
    "Threads do not cross a fork: no worker has it, the parent does, and a lock that"
    " it holds at that moment stays locked in the worker.",
    "The same in the service's start(), which runs in each worker; what belongs to"
    " the parent, after launch().",
)
RULES = (
    *(LARGE, MANY_LOOPS, SHORT_POLL, STOP_THREAD, INSIDES, EARLY, CONTRADICTION),
    FORKED,
)

_LOOP = r"oslo_service\.loopingcall\.\w*LoopingCall\(\)"
_GROUP = r"oslo_service\.threadgroup\.ThreadGroup\(\)"
_STARTED = re.compile(
    rf"{_LOOP}\.start|{_GROUP}\.add_\w+|threading\.(Thread|Timer)\(\)\.start"
)
_SHORT = re.compile(rf"{_LOOP}\.start\(\)\.wait")
_STOPPED = re.compile(rf"{_GROUP}\.add_thread\(\)\.(stop|kill)")
_INSIDE = re.compile(
    rf"{_GROUP}\.(pool|add_thread\(\)\.thread\.(kill|link|unlink|throw|dead|switch))"
    rf"|{_LOOP}\.(gt|(done|start\(\))\.(send|send_exception|ready|reset))"
)
_BEGIN = re.compile(
    rf"{_LOOP}\.start|{_GROUP}\.add_(thread|timer|timer_args|dynamic_timer"
    "|dynamic_timer_args)"
)
# The parameter that is a size: its position, its name.
_SIZES = {
    "oslo_service.threadgroup.ThreadGroup": (0, "thread_pool_size"),
    "oslo_service.service.Service": (0, "threads"),
    "oslo_service.wsgi.Server": (5, "pool_size"),
    "concurrent.futures.ThreadPoolExecutor": (0, "max_workers"),
    "futurist.ThreadPoolExecutor": (0, "max_workers"),
}
_REPEATING = (
    ast.For,
    ast.AsyncFor,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def find(module: Module) -> Iterator[Match]:
    """Yield uses of features of the library that differ on native threads."""
    for call in module.nodes(ast.Call):
        symbol = module.symbol(call.func)
        yield from _size(module, call, symbol)
        if symbol is not None and symbol.startswith("oslo_service."):
            yield from _begin(module, call, symbol)
            if _SHORT.fullmatch(symbol):
                yield Match(SHORT_POLL, call, _short(symbol))
            if _STOPPED.fullmatch(symbol):
                yield Match(STOP_THREAD, call, _short(symbol))
    for attribute in module.nodes(ast.Attribute):
        symbol = module.symbol(attribute) or ""
        if _INSIDE.match(symbol) and _is_first(module, attribute):
            yield Match(INSIDES, attribute, _short(symbol))
    yield from _contradictions(module)
    yield from _forked(module)


def _forked(module: Module) -> Iterator[Match]:
    """Yield what a function starts before it forks."""
    calls = [(call, module.symbol(call.func) or "") for call in module.nodes(ast.Call)]
    forks: dict[ast.AST | None, int] = {}
    for call, symbol in calls:
        if _forks(call, symbol):
            function = module.function_around(call)
            forks[function] = min(call.lineno, forks.get(function, call.lineno))
    for call, symbol in calls:
        function = module.function_around(call)
        if call.lineno < forks.get(function, 0) and _STARTED.fullmatch(symbol):
            yield Match(FORKED, call, symbol.removeprefix("oslo_service."))


def _forks(call: ast.Call, symbol: str) -> bool:
    if symbol == "oslo_service.service.launch":
        workers = argument(call, 2, "workers")
        one = isinstance(workers, ast.Constant) and workers.value in (1, None)
        return workers is not None and not one
    return symbol == "oslo_service.service.ProcessLauncher().launch_service"


def _short(symbol: str) -> str:
    return symbol.partition(".")[2].partition(".")[2]


def _is_first(module: Module, attribute: ast.Attribute) -> bool:
    """Whether no shorter part of a dotted name is a finding, too."""
    before = module.symbol(attribute.value) or ""
    return isinstance(attribute.ctx, ast.Load) and not _INSIDE.match(before)


def _size(module: Module, call: ast.Call, symbol: str | None) -> Iterator[Match]:
    if _is_super_init(call):
        owner = _owner(module, call)
        if owner is None:
            return
        symbol = "oslo_service.service.Service"
        if symbol not in module.ancestors(owner):
            return
        given = keyword(call, "threads")
    elif symbol in _SIZES:
        given = argument(call, *_SIZES[symbol])
        if symbol == "oslo_service.threadgroup.ThreadGroup":
            given = given or keyword(call, "max_threads")
    else:
        return
    size = constant(given)
    if isinstance(size, int) and size > _MANY:
        yield Match(LARGE, call, f"{symbol.rpartition('.')[2]} of {size}")


def _is_super_init(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "__init__"
        and isinstance(call.func.value, ast.Call)
        and getattr(call.func.value.func, "id", "") == "super"
    )


def _owner(module: Module, node: ast.AST) -> ast.ClassDef | None:
    function = module.function_around(node)
    return None if function is None else module.class_of(function)


def _begin(module: Module, call: ast.Call, symbol: str) -> Iterator[Match]:
    if not _BEGIN.fullmatch(symbol):
        return
    function = module.function_around(call)
    if function is not None and is_made_with_service(module, function):
        yield Match(EARLY, call, _short(symbol))
    if symbol.endswith("add_thread") or not maximal(module, call):
        return
    for one in module.around(call):
        if one is function:
            break
        if isinstance(one, _REPEATING):
            yield Match(MANY_LOOPS, call, _short(symbol))
            break


def _contradictions(module: Module) -> Iterator[Match]:
    """Yield selections of threading in the block that patches.

    In different blocks, they may exclude each other.
    """
    calls = [(call, module.symbol(call.func)) for call in module.nodes(ast.Call)]
    patching = ("eventlet.monkey_patch", "eventlet.patcher.monkey_patch")
    blocks = [_block(module, call) for call, symbol in calls if symbol in patching]
    for call, symbol in calls:
        if symbol == "oslo_service.backend.init_backend":
            given = argument(call, 0, "type_")
            said = (module.symbol(given) or "").rpartition(".")[2] or constant(given)
            if str(said).lower() == "threading" and _block(module, call) in blocks:
                yield Match(CONTRADICTION, call, "init_backend(threading)")


def _block(module: Module, call: ast.Call) -> tuple[ast.AST, bool]:
    """Return the statement that a call is in the block of, and whether in its else."""
    child: ast.AST = call
    for one in module.around(call):
        if isinstance(child, ast.stmt):
            return one, child in getattr(one, "orelse", ())
        child = one
    return child, False
