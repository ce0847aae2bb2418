# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which names of Eventlet fall under which rule."""

from oslo_service.commands.check import eventlet_rules as rules
from oslo_service.commands.check.model import Rule

__all__ = ("rule_for",)

# By the beginning of the symbol, without "eventlet."; the longest counts.
_PARTS = {
    rules.MONKEY_PATCH: "monkey_patch patcher.monkey_patch",
    rules.GREEN: "green import_patched patcher.import_patched patcher.inject",
    rules.ASKING: "patcher",
    rules.SPAWN: "spawn spawn_n greenthread.spawn greenthread.spawn_n",
    rules.SPAWN_AFTER: "spawn_after spawn_after_local call_after call_after_local"
    " call_after_global exc_after greenthread.spawn_after"
    " greenthread.spawn_after_local greenthread.call_after"
    " greenthread.call_after_local greenthread.call_after_global"
    " greenthread.exc_after",
    rules.GREEN_THREAD: "kill getcurrent greenthread",
    rules.POOL: "GreenPool GreenPile greenpool",
    rules.SLEEP: "sleep greenthread.sleep",
    rules.TIMEOUT: "Timeout TimeoutError with_timeout timeout is_timeout",
    rules.TPOOL: "tpool",
    rules.EVENT: "Event event coros",
    rules.QUEUE: "Queue LightQueue PriorityQueue LifoQueue queue",
    rules.SEMAPHORE: "Semaphore CappedSemaphore BoundedSemaphore semaphore lock",
    rules.LOCAL: "corolocal",
    rules.POOLED: "pools db_pool",
    rules.WSGI: "wsgi websocket",
    rules.SOCKET: "listen connect serve wrap_ssl StopServe convenience",
    rules.HUB: "hubs greenio trampoline debug backdoor asyncio support",
}
_BY_PART = {part: rule for rule, parts in _PARTS.items() for part in parts.split()}

# What has to be written otherwise of the objects that Eventlet makes.
_METHODS = {
    rules.POOL: "GreenPool.starmap GreenPool.imap GreenPool.waitall GreenPool.running"
    " GreenPool.free GreenPool.waiting GreenPool.resize GreenPool.spawn_n"
    " GreenPool.spawn GreenPile.spawn",
    rules.EVENT: "Event.send Event.send_exception Event.ready Event.reset"
    " Event.has_result Event.has_exception",
    rules.GREEN_THREAD: "spawn.kill spawn.link spawn.unlink spawn.cancel spawn.wait"
    " spawn.throw spawn.dead spawn_n.kill spawn_n.dead"
    " spawn_after.kill spawn_after.link spawn_after.unlink spawn_after.wait"
    " spawn_after.throw spawn_after.dead"
    " spawn_after_local.kill spawn_after_local.link spawn_after_local.unlink"
    " spawn_after_local.wait spawn_after_local.throw spawn_after_local.dead",
    rules.SPAWN_AFTER: "spawn_after.cancel spawn_after_local.cancel",
    rules.TIMEOUT: "Timeout.cancel",
}
_BY_METHOD = {name: rule for rule, names in _METHODS.items() for name in names.split()}


def rule_for(symbol: str) -> Rule | None:
    """Return which rule the use of a symbol falls under."""
    first, _, rest = symbol.partition(".")
    if first == "greenlet" and rest:
        return rules.GREENLET
    if first != "eventlet" or not rest:
        return None
    if "()" in rest:
        return _rule_for_made(rest)
    parts = rest.split(".")
    for end in range(len(parts), 0, -1):
        rule = _BY_PART.get(".".join(parts[:end]))
        if rule is not None:
            return rule
    return rules.OTHER


def _rule_for_made(rest: str) -> Rule | None:
    """Return which rule the use of an object falls under that Eventlet made."""
    made, _, used = rest.rpartition("().")
    kind = made.rpartition(".")[2]
    return _BY_METHOD.get(f"{kind}.{used}")
